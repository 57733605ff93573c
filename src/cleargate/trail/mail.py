"""Checkpoints by mail: once a day, to somebody who does not run the database."""

from contextlib import suppress
from datetime import UTC, date, timedelta
from pathlib import Path
from uuid import uuid4

import structlog

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import CaseId, PracticeId, Ref
from cleargate.nouns.time import Clock
from cleargate.ports import Message, Messenger
from cleargate.trail.aside import Aside
from cleargate.trail.printed import Printable, printed

RETRY_AFTER_S = 3600.0
SUBJECT = "Checkpoints of the audit trail"

_log = structlog.get_logger()


class MailAnchor(Aside):
    """One mail a day (in UTC) with the newest checkpoint of every practice.

    `noted` is a file that says when the last one left: a sealer that is started again, or runs for
    a moment from a timer, sends no second one. A mail that fails is tried again in an hour.
    """

    name = "mail"
    every = timedelta(minutes=1)
    look_every_s = 60.0  # All practices have handed over theirs by then.

    def __init__(self, messenger: Messenger, to: str, noted: Path, clock: Clock) -> None:
        super().__init__()
        self._messenger, self._to, self._clock = messenger, to, clock
        self._noted, self._sent = noted, _last_day(noted)
        self._newest: dict[PracticeId, Printable] = {}

    def look(self) -> float:
        """Mail what is newest, unless today's mail has left."""
        now = self._clock.now().astimezone(UTC)
        with self._lock:
            taken, self._waiting = self._waiting, {}
        self._newest |= {each: Printable(each, now, note) for each, note in taken.items()}
        # Not "<": a clock that once was far ahead must not stop the mails for years.
        if not self._newest or self._sent == now.date():
            return 0.0
        subject = f"{SUBJECT}, {now:%Y-%m-%d}"
        text = printed(self._newest.values())
        try:
            self._messenger.send(Message(self._to, subject, text), _new_ref())
        except Exception as error:  # Whatever it is, tomorrow's mail is tried as well.
            _log.error("alert", code="trail_not_mailed", error=error)
            return RETRY_AFTER_S
        self._sent = now.date()
        with suppress(OSError):  # At worst a mail too many after a restart.
            self._noted.write_text(f"{self._sent}\n", "ascii")
        return 0.0


def _new_ref() -> Ref:
    """A mail of its own each time: a second one does no harm, and its checkpoints are newer."""
    return Ref(CaseId(uuid4()), "checkpoint")


def _last_day(noted: Path) -> date | None:
    """The day of the last mail. BadSettings when nothing can be noted there."""
    try:
        with noted.open("a+", encoding="ascii", errors="replace") as file:
            file.seek(0)
            return date.fromisoformat(file.read(100).strip())
    except ValueError:
        return None
    except OSError as error:
        raise BadSettings(
            f"{noted}: the sealer notes there when it last mailed, and cannot ({error.strerror})"
        ) from None
