"""Secrets by reference, at each of their stages, and never shown."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import pytest
from moto import mock_aws

from cleargate.nouns.errors import BadSettings
from cleargate.ports import Stage
from cleargate.secrets import ReferencedSecrets, is_reference


def keep(path: Path, secret: str) -> None:
    path.touch(0o600)
    path.write_text(secret)


@pytest.fixture
def secrets(tmp_path: Path) -> ReferencedSecrets:
    return ReferencedSecrets(tmp_path)


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS Secrets Manager as moto answers for it."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "sample")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "sample")
    with mock_aws():
        client = boto3.client("secretsmanager")
        client.create_secret(Name="cleargate/stedi", SecretString="plain\n")
        both = json.dumps({"client_secret": "member", "number": 7})
        client.create_secret(Name="cleargate/optum", SecretString=both)
        yield


def test_a_file_and_the_environment_are_read(
    secrets: ReferencedSecrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path / "password", "from a file\n")
    monkeypatch.setenv("SAMPLE_SECRET", "from the environment")
    assert secrets.get("file:password") == "from a file"
    assert secrets.get("env:SAMPLE_SECRET") == "from the environment"


@pytest.mark.parametrize(
    "reference", ["hunter2", "", "env:", "env:A B", "aws:", "vault:x", "aws:x#"]
)
def test_what_is_no_reference_is_refused_and_not_shown(
    secrets: ReferencedSecrets, reference: str
) -> None:
    assert not is_reference(reference)
    with pytest.raises(BadSettings, match="must be a reference") as caught:
        secrets.get(reference)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("reference", ["env:NOT_THERE", "file:not-there", "file:empty"])
def test_a_reference_that_leads_nowhere_is_named(
    secrets: ReferencedSecrets, tmp_path: Path, reference: str
) -> None:
    keep(tmp_path / "empty", " \n")
    with pytest.raises(BadSettings, match=f"{reference} is not there"):
        secrets.get(reference)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_file_that_others_can_read_is_refused(
    secrets: ReferencedSecrets, tmp_path: Path, mode: int
) -> None:
    keep(tmp_path / "password", "hunter2")
    (tmp_path / "password").chmod(mode)
    with pytest.raises(BadSettings, match="chmod 600") as caught:
        secrets.get("file:password")
    assert "hunter2" not in str(caught.value)


def test_a_directory_or_bytes_in_place_of_a_secret_are_refused(
    secrets: ReferencedSecrets, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").touch(0o600)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe")
    (tmp_path / "long").touch(0o600)
    (tmp_path / "long").write_bytes(b"x" * 70_000)
    for name in ("folder", "bytes", "long"):
        with pytest.raises(BadSettings, match=name):
            secrets.get(f"file:{name}")


def test_beside_a_secret_stand_the_one_to_come_and_the_one_before(
    secrets: ReferencedSecrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path / "password", "now")
    assert secrets.staged("file:password", Stage.NEXT) is None
    keep(tmp_path / "password.next", "soon")
    keep(tmp_path / "password.previous", "before")
    monkeypatch.setenv("SAMPLE", "now")
    monkeypatch.setenv("SAMPLE_NEXT", "soon")
    monkeypatch.setenv("SAMPLE_PREVIOUS", "before")
    for reference in ("file:password", "env:SAMPLE"):
        found = [secrets.staged(reference, stage) for stage in Stage]
        assert found == ["now", "soon", "before"]


@pytest.mark.usefixtures("aws")
class TestAws:
    def test_a_secret_and_a_member_of_one_are_read(self, secrets: ReferencedSecrets) -> None:
        assert secrets.get("aws:cleargate/stedi") == "plain"
        assert secrets.get("aws:cleargate/optum#client_secret") == "member"

    @pytest.mark.parametrize(
        ("reference", "said"),
        [
            ("aws:cleargate/nothing", "is not there"),
            ("aws:cleargate/optum#nothing", "no JSON object with a text at nothing"),
            ("aws:cleargate/optum#number", "no JSON object with a text at number"),
            ("aws:cleargate/stedi#key", "no JSON object with a text at key"),
        ],
    )
    def test_what_is_not_there_is_named_and_nothing_is_shown(
        self, secrets: ReferencedSecrets, reference: str, said: str
    ) -> None:
        with pytest.raises(BadSettings, match=said) as caught:
            secrets.get(reference)
        assert "plain" not in str(caught.value)
        assert "member" not in str(caught.value)

    def test_the_stages_are_those_of_aws(self, secrets: ReferencedSecrets) -> None:
        reference = "aws:cleargate/stedi"
        assert secrets.staged(reference, Stage.NEXT) is None
        boto3.client("secretsmanager").put_secret_value(
            SecretId="cleargate/stedi", SecretString="soon", VersionStages=["AWSPENDING"]
        )
        assert secrets.get(reference) == "plain"
        assert secrets.staged(reference, Stage.NEXT) == "soon"
        assert secrets.staged(reference, Stage.PREVIOUS) is None


def test_where_aws_cannot_be_asked_the_reason_is_a_sentence(
    secrets: ReferencedSecrets, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nonexistent")
    with pytest.raises(BadSettings, match="NoCredentialsError"):
        secrets.get("aws:cleargate/stedi")


def test_who_uses_no_aws_does_not_pay_for_it() -> None:
    code = "import sys, cleargate.app, cleargate.secrets; print('boto3' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
