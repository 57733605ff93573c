"""Secrets by reference: `env:NAME`, `file:PATH` or `aws:NAME#key`. Settings never hold one.

Beside a secret may stand the one to come and the one before it, for as long as a vendor's
credential is being changed: `NAME_NEXT`, `PATH.next`, or AWS's own stages of a secret.
"""

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from cleargate.nouns.errors import BadSettings
from cleargate.ports import Stage
from cleargate.private_files import read_private

if TYPE_CHECKING:
    from botocore.client import BaseClient

FORMS = "env:NAME, file:PATH or aws:NAME"
_REFERENCE = re.compile(
    r"env:[A-Za-z_][A-Za-z0-9_]*|file:[^\0]{1,400}|aws:[A-Za-z0-9/_+=.@:-]{1,400}(#[\w.-]{1,100})?"
)
_ENV = {Stage.CURRENT: "", Stage.NEXT: "_NEXT", Stage.PREVIOUS: "_PREVIOUS"}
_FILE = {Stage.CURRENT: "", Stage.NEXT: ".next", Stage.PREVIOUS: ".previous"}
AWS_STAGES = {
    Stage.CURRENT: "AWSCURRENT",
    Stage.NEXT: "AWSPENDING",
    Stage.PREVIOUS: "AWSPREVIOUS",
}


def is_reference(text: str) -> bool:
    """Whether a text says where a secret is, and is none itself."""
    return _REFERENCE.fullmatch(text) is not None


class ReferencedSecrets:
    """The StagedSecrets of an installation; files are relative to the folder of practice.toml.

    Nothing is remembered here: whoever uses a secret keeps it, and reads it again when a vendor
    refuses it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, reference: str) -> str:
        """The secret. BadSettings when the reference leads nowhere; the secret is never shown."""
        secret = self.staged(reference, Stage.CURRENT)
        if secret is None:
            raise BadSettings(f"the secret {reference} is not there; write {FORMS}")
        return secret

    def staged(self, reference: str, stage: Stage) -> str | None:
        """The secret of a stage; None where there is none."""
        if not is_reference(reference):
            raise BadSettings(f"a secret must be a reference: {FORMS}")
        kind, _, place = reference.partition(":")
        if kind == "env":
            return os.environ.get(place + _ENV[stage]) or None
        if kind == "file":
            return self._from_file(self.path(reference, stage))
        return _from_aws(place, stage)

    def path(self, reference: str, stage: Stage) -> Path:
        """Where the secret of a `file:` reference is at a stage."""
        path = self._folder / reference.removeprefix("file:")
        return path.with_name(path.name + _FILE[stage])

    @staticmethod
    def _from_file(path: Path) -> str | None:
        if not path.exists():
            return None
        try:
            return read_private(path, "the secret's file").decode().strip() or None
        except UnicodeDecodeError:
            raise BadSettings(f"the secret's file {path} is no text") from None


def aws_secrets() -> "BaseClient":
    """AWS Secrets Manager, in the region and with the rights of this process."""
    import boto3
    from botocore.config import Config

    limits = Config(connect_timeout=5, read_timeout=10, retries={"total_max_attempts": 3})
    return boto3.client("secretsmanager", config=limits)


def _from_aws(place: str, stage: Stage) -> str | None:
    """A secret's text, or one key of a secret that is a JSON object."""
    from botocore.exceptions import BotoCoreError, ClientError

    name, _, key = place.partition("#")
    try:
        found = aws_secrets().get_secret_value(SecretId=name, VersionStage=AWS_STAGES[stage])
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code == "ResourceNotFoundException":
            return None
        raise BadSettings(f"the secret aws:{place} cannot be read ({code})") from None
    except BotoCoreError as error:
        reason = type(error).__name__
        raise BadSettings(f"the secret aws:{place} cannot be read ({reason})") from None
    text = str(found.get("SecretString", ""))
    return (_member(text, place, key) if key else text.strip()) or None


def _member(text: str, place: str, key: str) -> str:
    try:
        members = json.loads(text)
    except ValueError:
        members = None
    if not isinstance(members, dict) or not isinstance(members.get(key), str):
        raise BadSettings(f"the secret aws:{place} is no JSON object with a text at {key}")
    return str(members[key])
