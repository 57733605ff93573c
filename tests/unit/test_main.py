"""The command line: bad input is one plain sentence and exit code 2, never a traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.unit.coverage.answers import ACTIVE_PLAN, document, encoded


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cleargate", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PATH": "/usr/bin:/bin", **environment},
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("eligibility", "read", "x.edi", "--on", "tomorrow"), "write a date as YYYY-MM-DD"),
        (("eligibility", "read", "x.edi", "--services", ","), "at least one service type"),
        (("eligibility", "check", "--csv", "patients.csv"), "both --csv and --out"),
        (("eligibility", "check"), "CLEARGATE_DATABASE_URL"),
        (("demo", "--data", "/proc/nowhere"), "cannot be used"),
        (("serve",), "CLEARGATE_DATABASE_URL"),
        (("migrate",), "CLEARGATE_DATABASE_URL"),
        (("no-such-command",), "No such command"),
    ],
)
def test_bad_input_is_a_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_read_sets_the_exit_code_and_the_rest_is_read(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.edi", tmp_path / "bad.edi"
    good.write_bytes(encoded(document(ACTIVE_PLAN)))
    bad.write_bytes(b"<html>not an answer</html>")
    done = run("eligibility", "read", str(bad), str(good), "--on", "2026-05-04")
    assert done.returncode == 2
    assert "EXAMPLE HEALTH PLAN" in done.stdout


def test_explain_says_why_and_ends_as_read_does(tmp_path: Path) -> None:
    answer = tmp_path / "answer.edi"
    answer.write_bytes(encoded(document(f"{ACTIVE_PLAN}\nEB*1**PT", payer="A NAME OF ITS OWN")))
    asked = ("--on", "2026-05-04", "--services", "PT", "--payer", "UnitedHealthcare")
    done = run("eligibility", "explain", str(answer), *asked)
    assert done.returncode == 0
    assert "Rules for this payer: unitedhealthcare.toml" in done.stdout
    assert "The payer lists this service as active." in done.stdout
    done = run("eligibility", "explain", str(tmp_path / "absent.edi"))
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_a_demo_that_cannot_start_says_what_its_part_said(tmp_path: Path) -> None:
    done = run("demo", "--data", str(tmp_path / "demo"), "--faults", "503=often")
    assert done.returncode == 2
    assert "needs a number from 0 to 1" in done.stderr


_DATABASE = {"CLEARGATE_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/nothing"}


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (("status",), {}, "either CLEARGATE_KEY_FILE or CLEARGATE_KMS_KEY"),
        (("status",), {"CLEARGATE_KEY_FILE": "/x", "CLEARGATE_KMS_KEY": "y"}, "not both"),
        (("rotate",), {}, "CLEARGATE_OWNER_DATABASE_URL"),
        (("rotate", "--practice", "a", "--kms-key", "b"), {}, "leave out --practice"),
        (("shred", "sample-clinic"), {}, "CLEARGATE_OWNER_DATABASE_URL"),
    ],
)
def test_keys_are_not_touched_without_what_it_takes(
    arguments: tuple[str, ...], environment: dict[str, str], said: str
) -> None:
    settings = {**_DATABASE, "CLEARGATE_PRACTICES": "/nowhere", **environment}
    done = run("keys", *arguments, **settings)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
