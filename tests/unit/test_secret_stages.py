"""A secret moved from stage to stage: whatever kills it, one that works can be read."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.ports import Stage
from cleargate.secret_stages import forget_previous, promote, put_next, where_next
from cleargate.secrets import ReferencedSecrets

KEY = "file:key"
_PROMOTE = """
import os, signal, sys
from pathlib import Path
from cleargate.secret_stages import promote
from cleargate.secrets import ReferencedSecrets
folder, left = Path(sys.argv[1]), int(sys.argv[2])
def watch(event, arguments):
    global left
    if event in ("open", "os.rename") and str(arguments[0]).startswith(str(folder)):
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
sys.addaudithook(watch)
promote(ReferencedSecrets(folder), "file:key")
"""


def keep(path: Path, secret: str) -> None:
    path.touch(0o600)
    path.write_text(secret)


@pytest.fixture
def secrets(tmp_path: Path) -> ReferencedSecrets:
    keep(tmp_path / "key", "old")
    keep(tmp_path / "key.next", "new")
    return ReferencedSecrets(tmp_path)


def stages(secrets: ReferencedSecrets, reference: str = KEY) -> list[str | None]:
    return [secrets.staged(reference, each) for each in Stage]


def test_the_new_one_is_in_use_and_the_old_one_beside_it(secrets: ReferencedSecrets) -> None:
    assert promote(secrets, KEY) == ""
    assert stages(secrets) == ["new", None, "old"]
    assert secrets.path(KEY, Stage.PREVIOUS).stat().st_mode & 0o777 == 0o600
    assert sorted(each.name for each in secrets.path(KEY, Stage.CURRENT).parent.iterdir()) == [
        "key",
        "key.previous",
    ]


def test_killed_at_any_point_it_leaves_a_secret_that_works_and_can_be_run_again(
    tmp_path: Path,
) -> None:
    points = 0
    while True:
        folder = tmp_path / str(points)
        folder.mkdir()
        keep(folder / "key", "old")
        keep(folder / "key.next", "new")
        command = [sys.executable, "-c", _PROMOTE, str(folder), str(points)]
        code = subprocess.run(command, timeout=60, check=False).returncode
        secrets = ReferencedSecrets(folder)
        assert secrets.get(KEY) in ("old", "new")
        assert "old" in stages(secrets)
        if secrets.staged(KEY, Stage.NEXT):
            promote(secrets, KEY)
        assert stages(secrets) == ["new", None, "old"]
        if code == 0:
            break
        assert code == -signal.SIGKILL
        points += 1
    assert points >= 5, "it was killed somewhere"


def test_a_folder_that_cannot_be_written_changes_nothing(
    secrets: ReferencedSecrets, tmp_path: Path
) -> None:
    (tmp_path / "key.previous").mkdir()
    with pytest.raises(Refused, match="nothing was changed"):
        promote(secrets, KEY)
    assert secrets.get(KEY) == "old"


def test_the_old_one_is_taken_away_when_somebody_says_so(secrets: ReferencedSecrets) -> None:
    assert not forget_previous(secrets, KEY)
    promote(secrets, KEY)
    assert forget_previous(secrets, KEY)
    assert stages(secrets) == ["new", None, None]


def test_a_variable_is_changed_by_its_owner_who_is_told_how(secrets: ReferencedSecrets) -> None:
    assert "SAMPLE_NEXT" in where_next(secrets, "env:SAMPLE")
    assert "SAMPLE_PREVIOUS" in promote(secrets, "env:SAMPLE")
    assert not forget_previous(secrets, "env:SAMPLE")
    with pytest.raises(Refused, match="SAMPLE_NEXT"):
        put_next(secrets, "env:SAMPLE", "new")


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sample")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sample")
    with mock_aws():
        boto3.client("secretsmanager").create_secret(Name="sample", SecretString="old")
        yield


@pytest.mark.usefixtures("aws")
def test_in_aws_the_stages_move(secrets: ReferencedSecrets) -> None:
    put_next(secrets, "aws:sample", "new")
    assert stages(secrets, "aws:sample") == ["old", "new", None]
    assert "AWSPENDING" in where_next(secrets, "aws:sample")
    assert promote(secrets, "aws:sample") == ""
    assert stages(secrets, "aws:sample") == ["new", None, "old"]


@pytest.mark.usefixtures("aws")
def test_what_aws_refuses_is_a_sentence(secrets: ReferencedSecrets) -> None:
    with pytest.raises(BadSettings, match="ResourceNotFoundException"):
        promote(secrets, "aws:nothing")
    with pytest.raises(Refused, match="make the new key yourself"):
        put_next(secrets, "aws:sample#member", "new")
