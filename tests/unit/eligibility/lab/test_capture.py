"""`cleargate eligibility capture`: a folder with answer, snapshot and what went; or nothing."""

import json
import os
import stat
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from cleargate.eligibility.lab.capture import Request, capture
from cleargate.eligibility.lab.folder import captured_folders, read_folder
from cleargate.eligibility.lab.same import differences
from cleargate.eligibility.read import Json
from cleargate.nouns.errors import Refused
from tests.unit.eligibility.lab.answers import ON, SERVICES, captured, encoded, left, x12, xml
from tests.unit.test_main import run

HERE = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
"""The command that is tested is that of this checkout."""

ENTRY: Json = {
    "verdict": "active",
    "plan": "PPO",
    "begins": "2026-01-01",
    "amounts": [{"cents": 2000, "note": "x"}],
    "visit_limits": [{"shared": "COMBINED", "allowed": 30}],
}


@pytest.mark.parametrize(
    ("content", "name"), [(encoded(x12()), "answer.x12"), (xml(), "answer.xml")]
)
def test_folder_holds_the_copy_its_verdict_and_what_went(
    tmp_path: Path, content: bytes, name: str
) -> None:
    files = captured(tmp_path, content)
    assert set(files) == {name, "verdict.json", "README.md"} | (
        {"shape.json"} if name == "answer.x12" else set()
    )
    assert left(files) == []
    snapshot = json.loads(files["verdict.json"])
    [entry] = snapshot["answers"]
    assert (entry["verdict"], snapshot["services"]) == ("active", list(SERVICES))
    assert entry["visit_limits"][0]["shared"] == "COMBINED PHYSICAL AND OCCUPATIONAL THERAPY"
    for words in ("Payer: SUNDRY HEALTH PLAN", "Reader: cleargate", "- person:", "Read it before"):
        assert words in files["README.md"]


def test_captured_folder_is_read_again(tmp_path: Path) -> None:
    captured(tmp_path, encoded(x12()))
    [folder] = captured_folders(tmp_path)
    expected = read_folder(folder)
    assert expected.changes() == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    copy = (folder / "answer.x12").read_bytes()
    (folder / "answer.x12").write_bytes(copy.replace(b"*27*20*", b"*27*25*"))
    assert expected.changes() == ["answers[0].amounts[0].cents"]


def test_every_capture_is_another_copy(tmp_path: Path) -> None:
    one = captured(tmp_path / "one", encoded(x12()))
    other = captured(tmp_path / "other", encoded(x12()))
    assert one["answer.x12"] != other["answer.x12"]


def test_folder_that_is_there_is_left_alone(tmp_path: Path) -> None:
    before = captured(tmp_path, encoded(x12()))
    with pytest.raises(Refused, match="is there already"):
        captured(tmp_path, encoded(x12()))
    assert {path.name for path in (tmp_path / "sundry").iterdir()} == set(before)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"<html>QUILLFEATHER</html>", "no payer's answer"),
        (b"", "no payer's answer"),
        (b"{}", "no payer's answer"),
        (b"QUILLFEATHER " + encoded(x12()), "no payer's answer|before the interchange"),
        (encoded(x12()).replace(b"~", b" ").replace(b"\r\n", b""), "no payer's"),
    ],
)
def test_what_is_no_answer_is_refused_without_a_value(
    tmp_path: Path, content: bytes, said: str
) -> None:
    with pytest.raises(Refused, match=said) as refused:
        captured(tmp_path, content)
    assert left({"message": str(refused.value)}) == []


@pytest.mark.parametrize("name", ["", "../out", "A B", "quillfeather"])
def test_name_of_the_fixture_is_nobody_s(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused):
        capture(Request(encoded(x12()), SERVICES, ON, name, tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_words_that_a_verdict_hangs_on_stop_the_capture(tmp_path: Path) -> None:
    """The patient's name is the word that says what is covered: the copy would say less."""
    rows = "EB*1**30*PR*PPO GOLD\nEB*1**30**VISION PLAN\nEB*6**30**DENTAL PLAN"
    text = x12(rows).replace("QUILLFEATHER", "DENTAL")
    with pytest.raises(Refused, match=r"judged otherwise: answers\[0\]"):
        captured(tmp_path, encoded(text))
    assert list(tmp_path.iterdir()) == []


def changed(**changes: Any) -> Json:
    return {**ENTRY, **changes}


@pytest.mark.parametrize(
    ("after", "told"),
    [
        (changed(), []),
        (changed(plan="XXXX", begins="2024-01-01"), []),
        (changed(verdict="inactive"), ["answers[0].verdict"]),
        (changed(plan=""), ["answers[0].plan"]),
        (changed(begins="2019-01-01"), ["answers[0].begins"]),
        (changed(begins=None), ["answers[0].begins"]),
        (changed(amounts=[]), ["answers[0].amounts (1, 0)"]),
        (changed(amounts=[{"cents": 2500, "note": "x"}]), ["answers[0].amounts[0].cents"]),
        (changed(visit_limits=[{"shared": "", "allowed": 30}]),
         ["answers[0].visit_limits[0].shared"]),
    ],
)  # fmt: skip
def test_everything_that_is_judged_is_compared(after: Json, told: list[str]) -> None:
    assert differences([ENTRY], [after], timedelta(days=-700)) == told


def test_command_captures_a_file(tmp_path: Path) -> None:
    saved = tmp_path / "saved.edi"
    saved.write_bytes(encoded(x12()))
    done = run("eligibility", "capture", "--file", str(saved), "--on", "2026-05-04",
               "--name", "sundry", "--out", str(tmp_path), **HERE)  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "replaced, person:" in done.stdout
    assert left({"said": done.stdout}) == []
    assert (tmp_path / "sundry" / "verdict.json").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give either the id"),
        (("--file", "no-such-file", "--on", "2026-05-04"), "cannot be read"),
        (("--file", "no-such-file"), "say for which date"),
        (("QUILLFEATHER",), "32 hexadecimal digits"),
        ((str(uuid4()),), "CLEARGATE_DATABASE_URL"),
    ],
)
def test_command_says_what_is_missing(arguments: tuple[str, ...], said: str) -> None:
    done = run("eligibility", "capture", *arguments, "--name", "sundry", **HERE)
    assert done.returncode == 2
    assert said in done.stderr
    assert "QUILLFEATHER" not in done.stderr
    assert "Traceback" not in done.stderr
