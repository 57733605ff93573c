"""Anchors that no seal waits for, each in a thread of its own: a share or a server may hang."""

import threading
import time
from abc import ABC, abstractmethod
from datetime import timedelta
from types import TracebackType

import structlog

from cleargate.nouns.ids import PracticeId
from cleargate.ports import Anchor

LOOK_EVERY_S = 1.0
RETRY_AFTER_S = 60.0
LATE_S = 300.0
"""Whatever takes longer hangs, and would never say so itself."""

STOP_S = 10.0
"""So long does a process that ends wait for what is under way."""

_log = structlog.get_logger()


class Aside(ABC):
    """Takes the newest checkpoint of each practice at once, and deals with them in its thread."""

    name: str
    every: timedelta
    look_every_s = LOOK_EVERY_S
    late_s = LATE_S
    stop_s = STOP_S

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

    def __enter__(self) -> "Aside":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Deal with what still waits, if that can be done soon."""
        self._stop.set()
        self._thread.join(self.stop_s)
        if self._thread.is_alive():
            _log.error("alert", code="trail_not_anchored")

    def _run(self) -> None:
        pause_s = self.look_every_s
        while not self._stop.wait(pause_s):
            self._began = time.monotonic()
            pause_s = max(self.look(), self.look_every_s)
            self._began = None
        self.look()


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
