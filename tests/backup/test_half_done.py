"""A full disk, a kill, a second backup at once: there is never half a backup under a final name."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import gettempdir

import pytest

from cleargate.nouns.errors import Refused
from cleargate.operations import backup, backup_folder
from cleargate.operations.backup_folder import NoRoom
from cleargate.operations.backup_schedule import FAILED_KEPT, Keep
from cleargate.store.embedded_home import noted_home
from cleargate.store.embedded_pidfile import PidFile
from tests.backup.installation import Backups
from tests.postgres import runs


@contextmanager
def child(backups: Backups, how: str, file: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.backup.kill_me", how, str(backups.house.key_file)]
    with subprocess.Popen(
        [*command, backups.backup_url, str(file)], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_full_disk_leaves_nothing_and_says_so(backups: Backups) -> None:
    file = backups.folder / "sample.backup"
    with child(backups, "full", file) as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 2
    assert said.startswith("NoRoom: There is no room left in")
    assert {path.name for path in backups.folder.iterdir()} == {".lock"}


def test_a_device_that_is_full_is_told_apart_from_one_that_cannot_be_written(
    backups: Backups, tmp_path: Path
) -> None:
    with Path("/dev/full").open("wb", buffering=0) as full, pytest.raises(NoRoom):
        backup_folder.keep(tmp_path, "sample", lambda _: print(full.write(b"x")))
    (tmp_path / "file").write_text("")
    with pytest.raises(Refused, match="cannot be used"), backup_folder.claimed(tmp_path / "file"):
        pytest.fail("it was claimed")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_backup_that_is_killed_leaves_none_and_the_next_one_tidies_up(backups: Backups) -> None:
    file = backups.folder / "sample.backup"
    with child(backups, "killed", file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    [left] = [path for path in backups.folder.iterdir() if path.name != ".lock"]
    assert left.name.startswith(".sample.backup.")
    assert not file.exists()
    with backup_folder.claimed(backups.folder):
        assert not left.exists()


def test_two_at_once_are_one(backups: Backups) -> None:
    file = backups.folder / "sample.backup"
    with child(backups, "killed", file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        with pytest.raises(Refused, match="Another backup"):
            backups.back_up()
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert backups.back_up().is_good


def test_a_test_that_was_killed_leaves_no_server(backups: Backups) -> None:
    """The next one ends it, whoever started it, and takes its files away."""
    place = backups.folder / ".scratch"
    with child(backups, "scratch", place) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.send_signal(signal.SIGKILL)
        process.wait()
    home = noted_home(place)
    pid = PidFile(home / "pgdata").running_pid()
    assert pid is not None
    assert backups.back_up().is_good
    assert not runs(pid)
    assert not home.exists()


def test_a_refused_restore_is_no_reason_to_leave_a_scratch(backups: Backups) -> None:
    file = backups.make()
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(Refused, match="does not give back"):
        backup.verify(backups.opened, file, _quiet())
    assert not (backups.folder / ".scratch").exists()
    assert not list(Path(gettempdir()).glob("cleargate-scratch*"))


def _quiet() -> "backup.Console":
    return backup.Console(quiet=True)


def test_backups_that_fail_their_test_again_and_again_do_not_fill_the_disk(
    backups: Backups,
) -> None:
    """What a timer would make every quarter of an hour."""
    good = backups.back_up()
    for number in range(FAILED_KEPT + 2):
        manifest = replace(
            good,
            name=f"failed-{number}.backup",
            made=good.made + timedelta(minutes=number + 1),
            faults=("rows:public.cases",),
        )
        (backups.folder / manifest.name).write_bytes(b"")
        backup_folder.describe(backups.folder, manifest)
    backup.thin_out(backups.opened, backups.folder, Keep())
    left = [each.name for each in backup_folder.listed(backups.folder)]
    assert left == [good.name, "failed-2.backup", "failed-3.backup", "failed-4.backup"]


def _manifest(name: str, made: str) -> str:
    values = {"name": name, "made": made, "bytes": 1, "sha256": "", "verified": "", "faults": []}
    return json.dumps(values)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "{}", '{"made": 1}', '"x"', "\xff"),
        _manifest("sample.backup", "2030-01-07"),
        _manifest("../../elsewhere", "2030-01-07T00:00:00+00:00"),
    ],
)
def test_a_manifest_that_cannot_be_read_is_none(tmp_path: Path, text: str) -> None:
    """Nothing is believed because of it, nothing breaks over it, and no other file is named."""
    (tmp_path / "sample.backup").write_bytes(b"")
    (tmp_path / "sample.backup.json").write_text(text, "latin-1")
    assert backup_folder.listed(tmp_path) == []
    assert backup_folder.manifest_of(tmp_path, "sample.backup") is None
