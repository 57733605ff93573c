"""Settings of the installation, from its environment; practice_file.py reads each practice's.

Secrets are references only (see secrets.py). An error names the variable, and stops the start.
"""

import os
from datetime import time
from pathlib import Path
from typing import TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from cleargate.nouns.errors import BadSettings
from cleargate.store.database_url import DatabaseUrl


class Installation(BaseSettings):
    """One installation. Every field is an environment variable with the prefix `CLEARGATE_`.

    `prepared_statements` spares the database a third of its work; not behind a pooler in
    transaction mode. Either `key_file` or `kms_key` wraps the data keys. `attachments_bucket` is
    where photos of cards are kept, sealed; the database where it is empty. `proxy` names the
    addresses from which X-Forwarded-For and -Proto are believed, separated by commas.
    `database_wait_s` is how long `serve` and `work` wait at their start for a database.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARGATE_", frozen=True)

    database_url: DatabaseUrl = Field(min_length=1)
    owner_database_url: DatabaseUrl = ""
    database_wait_s: float = Field(default=60, ge=0, le=600)
    prepared_statements: bool = False
    key_file: Path | None = None
    kms_key: str = ""
    attachments_bucket: str = ""
    practices: Path
    public_url: str = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    tls_cert: Path | None = None
    tls_key: Path | None = None
    proxy: str = ""
    clock_speed: float = Field(default=1.0, gt=0)
    concurrency: int = Field(default=20, ge=1, le=200)
    poll_s: float = Field(default=0.5, gt=0, le=60)


class BackupSettings(BaseSettings):
    """What `cleargate backup` needs beside the installation; no other command may be given it.

    `backup_at` is a time of day of this machine; `backup_daily` and so on say how many are kept.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARGATE_", frozen=True)

    backup_database_url: DatabaseUrl = ""
    backups: Path | None = None
    backup_at: time = time(2, 30)
    backup_daily: int = Field(default=14, ge=1, le=1000)
    backup_weekly: int = Field(default=8, ge=0, le=1000)
    backup_monthly: int = Field(default=12, ge=0, le=1000)


class RetentionSettings(BaseSettings):
    """What `cleargate retention` needs: its own role, the practices' settings, and no key.

    `attachments_bucket` as for the installation, so that what is there goes with its rows.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARGATE_", frozen=True)

    retention_database_url: DatabaseUrl = Field(min_length=1)
    attachments_bucket: str = ""
    practices: Path


def retention_settings() -> RetentionSettings:
    """What the environment says about retention. Raises BadSettings naming the variable."""
    return _from_environment(RetentionSettings)


def backup_settings() -> BackupSettings:
    """What the environment says about backups. Raises BadSettings naming the variable."""
    return _from_environment(BackupSettings)


class TrailSettings(BaseSettings):
    """What sealing and auditing the trail take, and nothing else of the installation.

    `trail_key` is for the sealer alone, `trail_public_key` for whoever verifies: one line, or
    several, separated by commas, after a change of keys. `anchors` is a directory elsewhere, or
    `s3://bucket`; `anchor_mail` a file that says to whom checkpoints are mailed, and how.
    """

    model_config = SettingsConfigDict(env_prefix="CLEARGATE_", frozen=True)

    database_wait_s: float = Field(default=60, ge=0, le=600)
    sealer_database_url: DatabaseUrl = ""
    auditor_database_url: DatabaseUrl = ""
    trail_key: str = ""
    trail_public_key: str = ""
    anchors: str = ""
    anchor_mail: Path | None = None


PRIVILEGED = (
    "CLEARGATE_OWNER_DATABASE_URL",
    "CLEARGATE_BACKUP_DATABASE_URL",
    "CLEARGATE_RETENTION_DATABASE_URL",
    "CLEARGATE_SEALER_DATABASE_URL",
    "CLEARGATE_AUDITOR_DATABASE_URL",
    "CLEARGATE_TRAIL_KEY",
)
"""What leads to more than one practice's rows, deletes them, or seals the trail: for processes of
their own."""


def refuse_privileges() -> None:
    """A process that serves pages or works the queue must not hold them, not even by accident."""
    held = [name for name in PRIVILEGED if os.environ.get(name)]
    if held:
        raise BadSettings(f"{held[0]} must not be set here: give it to its own command only.")


def installation() -> Installation:
    """The installation of this environment. Raises BadSettings naming the variable."""
    return _from_environment(Installation)


def trail_settings() -> TrailSettings:
    """The settings of this environment that are about the trail."""
    return _from_environment(TrailSettings)


Settings = TypeVar("Settings", bound=BaseSettings)


def _from_environment(kind: type[Settings]) -> Settings:
    try:
        return kind()
    except ValidationError as error:
        first = error.errors()[0]
        name = f"CLEARGATE_{str(first['loc'][0]).upper()}"
        raise BadSettings(f"{name}: {first['msg']}.") from None
