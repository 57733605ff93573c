"""The registry of phases by name, and what runs one of them to its ending.

A procedure is a function of a Run that returns an Ending. It may be killed anywhere and is then
run again from its top.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Generic, TypeVar

import structlog

from cleargate.engine.endings import AtGate, Ending, Later, NeedsPerson, Next
from cleargate.engine.run import Run, load_case
from cleargate.nouns.case import Attempt, Case
from cleargate.nouns.gate import Gate, GateReason
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.time import Clock
from cleargate.store import attempts
from cleargate.store.cases import Superseded
from cleargate.store.connect import AWAY
from cleargate.store.database import Database, Overtaken

P = TypeVar("P")

Procedure = Callable[[Run[P]], Ending]

DATABASE_PATIENCE_S = 60.0
"""How long a phase waits for a database that went away before the watchdog has to mend it."""

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Engine(Generic[P]):
    """What every phase needs.

    `last_moment` says until when a call of a case that first failed at a moment is tried again;
    `gate_for` words a failure for a person; `longest_call` is how long one call outside may take.
    """

    database: Database
    clock: Clock
    practices: Callable[[PracticeId], P]
    procedures: Mapping[str, Procedure[P]]
    last_moment: Callable[[P, Case, datetime], datetime]
    gate_for: Callable[[NeedsPerson, Case, str], Gate]
    longest_call: Callable[[P], timedelta] = lambda _: timedelta(0)

    def run_phase(
        self,
        phase: str,
        practice: PracticeId,
        case: CaseId,
        seq: int,
        stop_at: datetime | None = None,
    ) -> None:
        """Run a queued phase to its ending; again when the database went away meanwhile."""
        give_up = time.monotonic() + DATABASE_PATIENCE_S
        untold: list[Attempt] = []
        while True:
            try:
                self._run_once(phase, practice, case, seq, stop_at, untold)
            except AWAY:  # Gone, full, starting again, or a deadlock: none is our bug.
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.2)
            else:
                return

    def _run_once(
        self,
        phase: str,
        practice: PracticeId,
        case: CaseId,
        seq: int,
        stop_at: datetime | None,
        untold: list[Attempt],
    ) -> None:
        try:
            self._follow(phase, practice, case, seq, stop_at, untold)
        except Superseded:
            # The case has moved on meanwhile; what was tried for it left this house all the same.
            with self.database.session(practice) as session:
                attempts.add(session, case, untold)

    def _follow(
        self,
        phase: str,
        practice: PracticeId,
        case: CaseId,
        seq: int,
        stop_at: datetime | None,
        untold: list[Attempt],
    ) -> None:
        wired = self.practices(practice)
        stored = load_case(self.database, practice, case, seq)
        run = Run(
            practice=wired,
            practice_id=practice,
            case=stored,
            phase=phase,
            database=self.database,
            clock=self.clock,
            last_moment=partial(self.last_moment, wired, stored),
            stop_at=None if stop_at is None else stop_at - self.longest_call(wired),
            untold=untold,
        )
        run.end(self._ending(run))

    def _ending(self, run: Run[P]) -> Ending:
        try:
            return self.procedures[run.phase](run)
        except Later as later:
            return Next(run.phase, later.due, later.note)
        except NeedsPerson as needs:
            return AtGate(self.gate_for(needs, run.case, run.phase))
        except (Superseded, Overtaken, *AWAY):
            raise
        except Exception as error:  # A bug of ours must stop one case, visibly, and no other.
            _log.error("phase_failed", phase=run.phase, error=error)
            bug = NeedsPerson(GateReason.PROGRAM_ERROR, run.phase)
            return AtGate(self.gate_for(bug, run.case, run.phase))
