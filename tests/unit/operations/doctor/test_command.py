"""`cleargate doctor` as it is typed: exit code, JSON, and settings that cannot be read."""

import json
import os
import subprocess
import sys

from cleargate.house import House as Opened
from cleargate.operations.doctor import CHECKS


def _run(opened: Opened, *arguments: str, **changes: str) -> subprocess.CompletedProcess[str]:
    values = opened.installation.model_dump(mode="json")
    settings = {f"CLEARGATE_{name.upper()}": str(value) for name, value in values.items() if value}
    environment = {"PYTHONPATH": os.pathsep.join(sys.path), "COLUMNS": "80", **settings, **changes}
    command = [sys.executable, "-m", "cleargate", "doctor", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_every_check_is_told_and_what_is_wrong_decides_the_exit_code(opened: Opened) -> None:
    """Its vendors are not there: that is wrong, and hides nothing else."""
    done = _run(opened, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    found = json.loads(done.stdout)
    names = list(dict.fromkeys(each["check"] for each in found))
    assert names[: len(CHECKS) + 1] == ["settings", *(each.name for each in CHECKS)]
    assert names[len(CHECKS) + 1 :] == [
        f"{slug}/{name}"
        for slug in ("other-clinic", "sample-clinic")
        for name in ("ehr", "clearinghouse", "mail")
    ]
    wrong = {each["check"] for each in found if each["level"] == "wrong"}
    assert wrong <= {name for name in names if "/" in name}
    assert all(each["way_out"] for each in found if each["level"] != "ok")


def test_without_readable_settings_there_is_one_sentence(opened: Opened) -> None:
    done = _run(opened, CLEARGATE_PRACTICES="/nowhere")
    assert (done.returncode, done.stderr) == (1, "")
    assert "wrong  there is no <name>/practice.toml in /nowhere" in done.stdout
    assert "1 wrong; the arrows say what to do." in done.stdout
    fine = json.loads(_run(opened, "--json").stdout)[0]
    assert fine["what"] == "The settings of 2 practices are read."
