"""Every call that leaves over a wire is told to the Recorder, whatever becomes of it."""

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from cleargate.nouns.errors import PortError
from cleargate.nouns.outside import Left, OutsideCall
from cleargate.nouns.time import Clock
from cleargate.ports import Recorder


@dataclass(slots=True)
class Seen:
    """What is known so far of a call that is under way."""

    left: Left = Left.UNSURE
    outcome: str = "program_error"
    request_id: str = ""
    bytes_in: int = 0
    _came: Any = field(default_factory=hashlib.sha256)

    def answered(self, outcome: str, request_id: str = "") -> None:
        """The vendor answers: whatever was sent has arrived."""
        self.left, self.outcome, self.request_id = Left.YES, outcome, request_id

    def came(self, content: bytes) -> None:
        """A piece of the answer."""
        self.bytes_in += len(content)
        self._came.update(content)

    @property
    def digest_in(self) -> str:
        """The SHA-256 of all that came; empty when nothing did."""
        return self._came.hexdigest() if self.bytes_in else ""


@contextmanager
def told(
    recorder: Recorder,
    clock: Clock,
    connection: str,
    operation: str,
    host: str,
    content: bytes,
    *,
    recipients: int = 0,
) -> Iterator[Seen]:
    """Tell the recorder of the call inside the block: `content` is what is to leave.

    A PortError's code is the outcome of a call that failed.
    """
    call = OutsideCall(
        connection=connection,
        operation=operation,
        host=host,
        started=clock.now(),
        duration_ms=0,
        outcome="",
        left=Left.UNSURE,
        bytes_out=len(content),
        bytes_in=0,
        digest_out=hashlib.sha256(content).hexdigest(),
        digest_in="",
        recipients=recipients,
    )
    began, seen = time.monotonic(), Seen()
    try:
        yield seen
    except PortError as error:
        seen.outcome = error.vendor_code
        raise
    finally:
        recorder.record(
            replace(
                call,
                duration_ms=int((time.monotonic() - began) * 1000),
                outcome=seen.outcome,
                left=seen.left,
                bytes_in=seen.bytes_in,
                digest_in=seen.digest_in,
                request_id=seen.request_id,
            )
        )
