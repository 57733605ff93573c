"""Moving a secret from one stage to the next: at every moment one that works can be read.

A file's new content has its name in one step (`rename`), AWS moves a stage's label in one call. The
environment of a process is nobody's to change but its owner's: there the way is told.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.ports import Stage
from cleargate.secrets import AWS_STAGES, ReferencedSecrets, aws_secrets


def where_next(secrets: ReferencedSecrets, reference: str) -> str:
    """How a person puts the secret to come beside the one in use."""
    kind, _, place = reference.partition(":")
    if kind == "file":
        return f"write it to {secrets.path(reference, Stage.NEXT)} (mode 0600)"
    if kind == "env":
        return f"set the variable {place}_NEXT for this command and for the workers"
    name = place.partition("#")[0]
    return f"put it into AWS as a new version of {name} with the stage {AWS_STAGES[Stage.NEXT]}"


def put_next(secrets: ReferencedSecrets, reference: str, secret: str) -> None:
    """Put a secret of our own making beside the one in use."""
    kind, _, place = reference.partition(":")
    if kind == "file":
        _write(secrets.path(reference, Stage.NEXT), secret)
        return
    if kind == "env" or "#" in place:
        way = where_next(secrets, reference)
        raise Refused(f"{reference}: make the new key yourself and {way}")
    with _aws(reference) as client:
        client.put_secret_value(
            SecretId=place, SecretString=secret, VersionStages=[AWS_STAGES[Stage.NEXT]]
        )


def promote(secrets: ReferencedSecrets, reference: str) -> str:
    """Make the secret to come the one in use, and keep the old one as the one before.

    Gives what is left for a person to do; empty when it is done.
    """
    kind, _, place = reference.partition(":")
    if kind == "env":
        return (
            f"set {place}_PREVIOUS to the old value and {place} to the new one, take {place}_NEXT"
            " away, and start the workers anew"
        )
    if kind == "file":
        _write(secrets.path(reference, Stage.PREVIOUS), secrets.get(reference))
        _rename(secrets.path(reference, Stage.NEXT), secrets.path(reference, Stage.CURRENT))
        return ""
    with _aws(reference) as client:
        _promote_in_aws(client, place.partition("#")[0])
    return ""


def forget_previous(secrets: ReferencedSecrets, reference: str) -> bool:
    """Take away the file of the secret before; False where there is none.

    AWS keeps one version before for itself, and a variable is its owner's.
    """
    path = secrets.path(reference, Stage.PREVIOUS)
    if not reference.startswith("file:") or not path.exists():
        return False
    path.unlink()
    _sync(path.parent)
    return True


def _write(path: Path, secret: str) -> None:
    """A whole file that only this user can read, or none; on the disk before it has its name."""
    fresh = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secret)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        raise Refused(f"{path} cannot be written ({error.strerror}): nothing was changed") from None
    _rename(fresh, path)


def _rename(old: Path, new: Path) -> None:
    try:
        old.rename(new)
    except OSError as error:
        raise Refused(f"{new} cannot be written ({error.strerror}): nothing was changed") from None
    _sync(new.parent)


def _sync(folder: Path) -> None:
    """Names are on the disk as well."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _promote_in_aws(client: Any, name: str) -> None:  # noqa: ANN401 - boto3 makes its own types
    """AWS itself makes the version that was current the previous one, in the same call."""
    versions: dict[str, list[str]] = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    at = {stage: each for each, stages in versions.items() for stage in stages}
    current, pending = AWS_STAGES[Stage.CURRENT], AWS_STAGES[Stage.NEXT]
    client.update_secret_version_stage(
        SecretId=name,
        VersionStage=current,
        RemoveFromVersionId=at[current],
        MoveToVersionId=at[pending],
    )
    client.update_secret_version_stage(
        SecretId=name, VersionStage=pending, RemoveFromVersionId=at[pending]
    )


@contextmanager
def _aws(reference: str) -> Iterator[Any]:
    """AWS Secrets Manager, its refusals in a sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield aws_secrets()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        raise BadSettings(f"the secret {reference} cannot be changed ({code})") from None
    except BotoCoreError as error:
        reason = type(error).__name__
        raise BadSettings(f"the secret {reference} cannot be changed ({reason})") from None
