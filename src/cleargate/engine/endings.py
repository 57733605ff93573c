"""How a phase ends: with what happens next. Returned by phases, raised by steps."""

from dataclasses import dataclass
from datetime import datetime

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import CleargateError, PortError
from cleargate.nouns.gate import Gate, GateReason


@dataclass(frozen=True, slots=True)
class Next:
    """Another phase follows, at once or at `due`. `note` is a word for "what happens next"."""

    phase: str
    due: datetime | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class AtGate:
    """The case waits for a person."""

    gate: Gate


@dataclass(frozen=True, slots=True)
class Closed:
    """The case is over."""

    state: CaseState


Ending = Next | AtGate | Closed


class Later(CleargateError):
    """The step waits longer than a thread should: this phase is queued again at `due`."""

    def __init__(self, due: datetime, note: str) -> None:
        super().__init__(note)
        self.due = due
        self.note = note


class NeedsPerson(CleargateError):
    """The step cannot go on by itself. `error` is the last failure, where there was one."""

    def __init__(self, reason: GateReason, step: str, error: PortError | None = None) -> None:
        super().__init__(f"{step}: {reason}")
        self.reason = reason
        self.step = step
        self.error = error
