"""`cleargate eligibility read`: files in, cards or JSON out, and an exit code that tells."""

import json
from collections.abc import Callable
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cleargate.eligibility.read import read
from tests.unit.coverage.answers import ACTIVE_PLAN, SERVICES, document, encoded
from tests.unit.coverage.as_json import benefits_document, plans_document

ON = date(2026, 5, 4)
FIELDS = {
    "file",
    "set",
    "payer",
    "verdict",
    "services",
    "plan",
    "amounts",
    "visit_limits",
    "authorisation",
    "other_payers",
    "reasons",
    "diagnostics",
}


@pytest.fixture
def answer(tmp_path: Path) -> Path:
    path = tmp_path / "answer.271"
    rows = (
        f"{ACTIVE_PLAN}\nEB*1**PT\nEB*B*IND*PT***27*20****Y*Y\nEB*A*IND*PT***27**.4****N\n"
        "EB*C*IND*30***23*1500*****Y\nEB*C*IND*30***29*800*****Y\nEB*F*IND*PT***23***VS*30**Y"
    )
    path.write_bytes(encoded(document(rows)))
    return path


def run(files: list[Path], *, as_json: bool) -> tuple[int, str]:
    out = StringIO()
    code = read(files, SERVICES, ON, as_json, Console(file=out, width=100))
    return code, out.getvalue()


def test_json_has_one_object_a_patient_with_sources_everywhere(answer: Path) -> None:
    code, out = run([answer], as_json=True)
    [entry] = json.loads(out)
    assert code == 0
    assert entry.keys() >= FIELDS
    assert (entry["set"], entry["verdict"], entry["authorisation"]) == (1, "active", "required")
    copay, share, deductible = entry["amounts"]
    assert (copay["cents"], copay["network"], copay["period"]) == (2000, "in", "visit")
    assert (share["percent"], "cents" in share) == (40.0, False)
    assert (deductible["cents"], deductible["remaining"]) == (150000, 80000)
    assert entry["visit_limits"][0]["allowed"] == 30
    assert entry["services"][0]["sources"][0].endswith(":EB01")
    assert copay["source"].endswith(":EB07")


def test_the_card_says_what_the_front_desk_asks(answer: Path) -> None:
    code, out = run([answer], as_json=False)
    assert code == 0
    for words in ("ACTIVE", "$20.00 per visit", "$800.00 left", "30 visits", "TESTPERSON, ANN"):
        assert words in out
    assert "Authorization  needed" in out


@pytest.mark.parametrize("form", [benefits_document, plans_document])
def test_an_answer_in_json_has_the_card_of_its_271(
    tmp_path: Path, form: Callable[[str], object]
) -> None:
    text = document(f"{ACTIVE_PLAN}\nEB*1**PT\nEB*B*IND*PT***27*20****Y*Y")
    for name, content in (("a", encoded(text)), ("b", json.dumps(form(text)).encode())):
        (tmp_path / name).write_bytes(content)
    [of_271, of_json] = [run([tmp_path / name], as_json=False) for name in "ab"]
    assert of_json == (0, of_271[1].replace("a, set", "b, set"))


@pytest.mark.parametrize("as_json", [True, False])
def test_what_cannot_be_read_is_told_and_the_rest_is_read(
    tmp_path: Path, answer: Path, as_json: bool
) -> None:
    page = tmp_path / "page.271"
    page.write_bytes(b"<html>502</html>")
    code, out = run([page, tmp_path / "absent.271", tmp_path, answer], as_json=as_json)
    assert code == 2
    for words in ("markup", "file_unreadable", "EXAMPLE HEALTH PLAN"):
        assert words in out
    if as_json:
        entries = json.loads(out)
        assert [entry["set"] for entry in entries] == [None, None, None, 1]
        assert all(entry.keys() >= FIELDS for entry in entries)


def test_a_warning_alone_does_not_fail(tmp_path: Path) -> None:
    path = tmp_path / "miscounted.271"
    path.write_bytes(encoded(document(ACTIVE_PLAN).replace("GE*1*7", "GE*2*7")))
    code, out = run([path], as_json=True)
    assert code == 0
    assert [finding["code"] for e in json.loads(out) for finding in e["diagnostics"]] == ["count"]


def test_markup_in_a_payers_text_is_printed_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "markup.271"
    path.write_bytes(encoded(document("EB*1**30^PT*PR*[bold]PPO[/bold]")))
    assert "[bold]PPO[/bold]" in run([path], as_json=False)[1]


def test_a_payer_s_text_does_not_speak_to_the_terminal(tmp_path: Path) -> None:
    told = "A\x1b]0;B\x07\x1b[2J\u202e"
    rows = (
        f"EB*1**30*PR*PLAN{told}\nEB*1**PT\nEB*B*IND*PT***27*20****Y*Y\nMSG*NOTE{told}\n"
        f"EB*F*IND*PT***23***VS*30**Y\nMSG*COMBINED{told} PHYSICAL AND OCCUPATIONAL\n"
        f"EB*MC**30\nLS*2120\nNM1*X3*2*GROUP{told}\nLE*2120"
    )
    path = tmp_path / "answer.271"
    path.write_bytes(encoded(document(rows, payer=f"PAYER{told}")))
    _, out = run([path], as_json=False)
    assert [each for each in out if not each.isprintable() and each != "\n"] == []
