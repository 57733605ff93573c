"""Anchors that no seal waits for, each in a thread of its own: a share or a server may hang."""

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

import structlog

from cleargate.nouns.ids import PracticeId
from cleargate.ports import Anchor

LOOK_EVERY_S = 1.0
RETRY_AFTER_S = 60.0
LATE_S = 300.0
"""Whatever takes longer hangs, and would never say so itself."""

STOP_S = 20.0
"""So long does a process that ends wait for what is under way; many mail servers let one wait."""

_log = structlog.get_logger()


class Aside(ABC):
    """Takes the newest checkpoint of each practice at once, and deals with them in its thread."""

    name: str
    every: timedelta
    look_every_s = LOOK_EVERY_S
    late_s = LATE_S

    def __init__(self) -> None:
        self._waiting: dict[PracticeId, str] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._began: float | None = None
        # A daemon: whatever it waits for, it ends with the process.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def keep(self, practice: PracticeId, note: str) -> None:
        """Take a checkpoint, in place of an older one of the practice that still waits."""
        with self._lock:
            self._waiting[practice] = note
        began = self._began
        if began is not None and time.monotonic() - began > self.late_s:
            _log.error("alert", code="trail_not_anchored")

    @abstractmethod
    def look(self) -> float:
        """Deal with what waits; gives for how many seconds to leave it alone then. Never raises."""

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Look once more, and end."""
        self._stop.set()

    def join(self, timeout_s: float) -> None:
        """Wait for the end; what takes longer is told, and left behind."""
        self._thread.join(timeout_s)
        if self._thread.is_alive():
            _log.error("alert", code="trail_not_anchored")

    def _run(self) -> None:
        pause_s = self.look_every_s
        while not self._stop.wait(pause_s):
            self._began = time.monotonic()
            pause_s = max(self.look(), self.look_every_s)
            self._began = None
        self.look()


@contextmanager
def beside(asides: Sequence[Aside], stop_s: float = STOP_S) -> Iterator[Sequence[Aside]]:
    """Run them while the block does; afterwards all of them end within one limit."""
    for each in asides:
        each.start()
    try:
        yield asides
    finally:
        for each in asides:
            each.stop()
        ends = time.monotonic() + stop_s
        for each in asides:
            each.join(max(0.0, ends - time.monotonic()))


class AnchorAside(Aside):
    """Hands everything to another anchor; what fails is told, and tried again in a minute."""

    def __init__(self, anchor: Anchor) -> None:
        super().__init__()
        self._anchor = anchor
        self.name, self.every = anchor.name, anchor.every

    def look(self) -> float:
        """Hand over what waits, one practice after the other."""
        with self._lock:
            taken, self._waiting = self._waiting, {}
        pause_s = 0.0
        for practice, note in taken.items():
            try:
                self._anchor.keep(practice, note)
            except Exception as error:  # One practice's trouble is not another's.
                _log.error("alert", code="trail_not_anchored", error=error)
                pause_s = RETRY_AFTER_S
                with self._lock:
                    self._waiting.setdefault(practice, note)
        return pause_s
