"""The calls of a try, gathered where they are made and kept in one commit with the try.

A try calls in the one thread in which it runs, so that questions that are asked side by side do
not mix theirs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from cleargate.nouns.outside import OutsideCall
from cleargate.ports import Recorder

_gathered: ContextVar[list[OutsideCall] | None] = ContextVar("cleargate_calls", default=None)


@contextmanager
def gathered() -> Iterator[list[OutsideCall]]:
    """Gather what this thread calls inside the block; whoever opens it keeps the calls."""
    calls: list[OutsideCall] = []
    before = _gathered.set(calls)
    try:
        yield calls
    finally:
        _gathered.reset(before)


@dataclass(frozen=True, slots=True)
class GatheringRecorder:
    """Gives a call to the try that it belongs to, and to `otherwise` where there is none."""

    otherwise: Recorder

    def record(self, call: OutsideCall) -> None:
        """Keep one call."""
        calls = _gathered.get()
        if calls is None:
            self.otherwise.record(call)
        else:
            calls.append(call)
