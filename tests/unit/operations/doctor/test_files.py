"""Files and folders that others may read or change."""

from pathlib import Path

import pytest

from cleargate.house import House as Opened
from cleargate.operations.doctor.disk import LOW, TOO_LOW, disk, judged
from cleargate.operations.doctor.files import files
from cleargate.operations.doctor.finding import Level
from tests.unit.operations.doctor.conftest import SLUGS, told, well


def _place(opened: Opened, name: str) -> Path:
    practices = opened.installation.practices
    return {
        "key": opened.installation.key_file,
        "key's folder": opened.installation.key_file.parent,
        "secret": practices / SLUGS[0] / "ehr-key.pem",
        "practices": practices,
        "practice": practices / SLUGS[1],
        "settings": practices / SLUGS[1] / "practice.toml",
    }[name]


@pytest.mark.parametrize(
    ("name", "mode", "verb"),
    [
        ("key", 0o640, "read"),
        ("secret", 0o604, "read"),
        ("key's folder", 0o777, "change"),
        ("practices", 0o770, "change"),
        ("practice", 0o722, "change"),
        ("settings", 0o666, "change"),
    ],
)
def test_what_is_open_to_others_is_named_with_the_command_that_closes_it(
    opened: Opened, name: str, mode: int, verb: str
) -> None:
    path = _place(opened, name)
    before = path.stat().st_mode
    path.chmod(mode)
    try:
        [(what, way_out)] = told(files(opened))
    finally:
        path.chmod(before)
    assert what == f"Others may {verb} {path}."
    assert way_out.startswith("Run: chmod g")
    assert str(path) in way_out
    assert well(files(opened))


def test_a_secret_that_is_not_there_is_named(opened: Opened) -> None:
    path = _place(opened, "secret")
    away = path.with_name("away")
    path.rename(away)
    [(what, _)] = told(files(opened))
    away.rename(path)
    assert what == f"{path} cannot be read (No such file or directory)."
    assert well(files(opened))


def test_room_on_the_disk_is_judged(opened: Opened) -> None:
    assert judged({"/": TOO_LOW - 1, "/tmp": LOW}).level is Level.WRONG
    assert judged({"/": LOW - 1, "/tmp": LOW}).level is Level.LOOK
    assert judged({"/": LOW, "/tmp": LOW}).level is Level.OK
    [finding] = disk(opened)
    assert "GB are free" in finding.what
