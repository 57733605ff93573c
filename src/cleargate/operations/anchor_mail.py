"""The mail of the trail's checkpoints: its settings, and the messenger that carries it.

A practice's own mail connection is out of the sealer's reach, and should be: whoever seals the
trail has no key and no secret of a practice.
"""

import tomllib
from pathlib import Path

import structlog
from pydantic import ValidationError, field_validator

from cleargate import logs
from cleargate.connection_table import Table
from cleargate.connectors.smtp.client import SmtpMessenger
from cleargate.connectors.smtp.settings import SmtpSettings, is_address
from cleargate.connectors.wires.renewal import Renewal, RenewedMessenger
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.outside import OutsideCall
from cleargate.nouns.time import SystemClock
from cleargate.ports import SecretStore, Stage
from cleargate.secrets import ReferencedSecrets
from cleargate.trail.mail import MailAnchor

CONNECTION = "checkpoint-mail"
_log = structlog.get_logger()


def mail_anchor(path: Path) -> MailAnchor:
    """The anchor of CLEARGATE_ANCHOR_MAIL. BadSettings names the file and the key."""
    file = _read(path)
    logs.know("connection", [CONNECTION])

    def make(secrets: SecretStore) -> SmtpMessenger:
        return SmtpMessenger(
            CONNECTION,
            file.smtp,
            secrets=secrets,
            budget=_Unlimited(),
            recorder=_Logged(),
            clock=SystemClock(),
        )

    try:
        messenger = RenewedMessenger(Renewal(make, ReferencedSecrets(path.parent), _renewed))
    except BadSettings as error:
        raise BadSettings(f"{path}: smtp: {error}") from None
    return MailAnchor(messenger, file.to, path.with_name(f"{path.name}.sent"), SystemClock())


class _MailFile(Table):
    """To whom, and over which server; `smtp` is what a practice.toml has in [mail.settings]."""

    to: str
    smtp: SmtpSettings

    @field_validator("to")
    @classmethod
    def _is_address(cls, to: str) -> str:
        if not is_address(to):
            raise ValueError("must be a mail address such as officer@practice.example")
        return to


def _read(path: Path) -> _MailFile:
    try:
        return _MailFile.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        reason = f"cannot be read ({error.strerror})"
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        reason = f"is not TOML: {error}"
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
    raise BadSettings(f"{path} (CLEARGATE_ANCHOR_MAIL): {reason}.")


class _Logged:
    """A Recorder: a checkpoint tells nothing of a patient, and the sealer's role adds no events."""

    def record(self, call: OutsideCall) -> None:
        """Say that a mail has left; what did not is an alert of the anchor."""
        if call.answered:
            _log.info("checkpoint_mailed", connection=call.connection, duration_ms=call.duration_ms)


class _Unlimited:
    """A RateBudget that is never empty: the anchor itself sends one mail a day."""

    def take(self, connection: str) -> None:
        """Let the mail go."""


def _renewed(_: Stage) -> None:
    _log.info("credential_read_again", connection=CONNECTION)
