"""One run of one phase: reads and writes outside, tried again as their errors say, kept as they go.

The store is the only memory. A phase that was killed runs again from its top; every read is free
to repeat, and every write first looks whether its effect is kept already (see store/effects).
"""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Generic, TypeVar

import structlog

from cleargate.engine.calls import gathered
from cleargate.engine.endings import AtGate, Closed, Ending, Later, NeedsPerson, Next
from cleargate.engine.retry import GIVEN_UP, next_try
from cleargate.nouns.case import TAKEN, Attempt, Case, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId, PracticeId, Ref
from cleargate.nouns.time import Clock
from cleargate.store import attempts, audit, calls, cases, connections, effects, gates
from cleargate.store.audit import Action, Event
from cleargate.store.cases import Superseded
from cleargate.store.database import Database, Session
from cleargate.store.queue import start_phase

P = TypeVar("P")
T = TypeVar("T")

_log = structlog.get_logger()

PATIENCE = timedelta(seconds=5)
"""The longest wait that a thread sits out; whatever is longer ends the phase."""


@dataclass(frozen=True, slots=True)
class Write:
    """One outside write. `send` does it, `look` finds what an earlier send left behind.

    `look` is None where the vendor cannot be searched; `blind_sends` says how often such a write
    may then be repeated while its outcome is in doubt. `contested`: somebody else may have been
    quicker, so a CONFLICT is for the caller to resolve; otherwise it is tried again. `keeps` says
    which fields of the case's memo the receipt sets, in the commit that keeps the receipt.
    """

    step: str
    connection: str
    send: Callable[[Ref], Receipt]
    look: Callable[[Ref], Receipt | None] | None = None
    blind_sends: int = 0
    contested: bool = False
    keeps: Callable[[Receipt], dict[str, Any]] | None = None


@dataclass(slots=True)
class Run(Generic[P]):
    """What a phase works with. `practice` is the practice's wiring; `case` is as of last commit.

    `last_moment` says until when what first failed at a moment is tried again, before a person is
    asked; `stop_at` is when the last call may begin in a process that must be done soon
    (serverless), None for long-running ones. `untold` are the tries that no commit has kept yet.
    """

    practice: P
    practice_id: PracticeId
    case: Case
    phase: str
    database: Database
    clock: Clock
    last_moment: Callable[[datetime], datetime]
    stop_at: datetime | None = None
    untold: list[Attempt] = field(default_factory=list)

    @contextmanager
    def commit(self) -> Iterator[Session]:
        """A transaction that holds the case; Superseded when the case has moved on."""
        before = self.case
        try:
            with self.database.session(self.practice_id) as session:
                cases.hold(session, self.case.id, self.case.phase_seq)
                attempts.add(session, self.case.id, self.untold)
                yield session
        except BaseException:
            self.case = before
            raise
        self.untold.clear()

    def remember(self, session: Session, **changes: Any) -> None:  # noqa: ANN401
        """Change fields of the case's memo in this transaction."""
        self.case = cases.remember(session, self.case, **changes)

    def raise_generation(self, session: Session) -> None:
        """What was taken back in this transaction will be done again under new Refs."""
        self.case = cases.raise_generation(session, self.case)

    def read(self, step: str, connection: str, call: Callable[[], T]) -> T:
        """Ask outside, which is free to repeat, until it answers or a person is needed."""
        while True:
            self.check_time_left()
            with self.commit() as session:
                calls.begin(session, self.case.id, step, connection)
            try:
                return self.attempt(step, connection, call)
            except PortError as error:
                self._wait_or_give_up(step, error)

    def write(self, write: Write) -> Receipt:
        """Do one outside write exactly once, and keep its receipt.

        Raises NeedsPerson or Later; PortError CONFLICT for a contested write only.
        """
        self._settle_older(write)
        while True:
            self.check_time_left()  # Before the effect is kept: what was never sent is no doubt.
            with self.commit() as session:
                ref = Ref(self.case.id, write.step, self.case.generation)
                earlier = effects.done(session, self.case.id, write.step)
                if earlier is not None:
                    self._remember_receipt(session, write, earlier)
                    return earlier
                doubts = effects.begin(session, ref, write.connection, self.clock.now())
                calls.begin(session, self.case.id, write.step, write.connection)
            try:
                receipt = self._send_once(write, ref, doubts)
            except PortError as error:
                taken = error.kind is ErrorKind.CONFLICT and write.contested
                if taken:
                    self._note_taken(write.step)
                self._unsent(ref, error)
                if taken:
                    raise
                self._wait_or_give_up(write.step, error)
                continue
            self._finish(write, ref, receipt)
            return receipt

    def _settle_older(self, write: Write) -> None:
        """Look for what left under older Refs before a person said "again": it may have arrived.

        Where the vendor cannot tell, the person has looked.
        """
        look = write.look
        if look is None or self.case.generation == 1:
            return

        def arrived(ref: Ref) -> Receipt | None:
            try:
                return look(ref)
            except NeedsPerson:
                return None

        with self.commit() as session:
            older = effects.in_doubt(session, self.case.id, write.step, self.case.generation)
        for ref in older:
            found = self.read(
                attempts.look_step(write.step), write.connection, partial(arrived, ref)
            )
            if found is not None:
                self._finish(write, ref, found)

    def _send_once(self, write: Write, ref: Ref, doubts: int) -> Receipt:
        """Send, unless an earlier send is found to have arrived; in doubt, look afterwards too.

        The earlier one may arrive beside the later, and not every vendor keeps two apart: whoever
        then finds both refuses, and a person is told.
        """
        if doubts and (found := self._look(write, ref)) is not None:
            return found
        if doubts > write.blind_sends and write.look is None:
            raise NeedsPerson(GateReason.VENDOR_UNSURE, write.step)
        try:
            sent = self.attempt(write.step, write.connection, lambda: write.send(ref), ref.value)
        except PortError as error:
            if error.kind is ErrorKind.CONFLICT and (found := self._look(write, ref)) is not None:
                return found
            raise
        return (self._look(write, ref) if doubts else None) or sent

    def _look(self, write: Write, ref: Ref) -> Receipt | None:
        """What the vendor has under a Ref; None as well where it cannot be searched."""
        look = write.look
        if look is None:
            return None
        step = attempts.look_step(write.step)
        return self.attempt(step, write.connection, lambda: look(ref), ref.value)

    def _note_taken(self, step: str) -> None:
        """The conflict of this try is an answer: the tries of the next choice count from here."""
        self.untold = [
            replace(each, outcome=TAKEN)
            if (each.step, each.outcome) == (step, ErrorKind.CONFLICT)
            else each
            for each in self.untold
        ]

    def _unsent(self, ref: Ref, error: PortError) -> None:
        """Unless the outcome is in doubt, the next send need not look first."""
        if error.kind is ErrorKind.AMBIGUOUS:
            return
        with self.commit() as session:
            effects.unsent(session, ref)

    def _finish(self, write: Write, ref: Ref, receipt: Receipt) -> None:
        """Keep the receipt, also when the case has moved on: it is a fact to whoever goes on."""
        try:
            with self.commit() as session:
                self._keep(session, write, ref, receipt)
                self._remember_receipt(session, write, receipt)
        except Superseded:
            with self.database.session(self.practice_id) as session:
                attempts.add(session, self.case.id, self.untold)
                self._keep(session, write, ref, receipt)
            self.untold.clear()
            raise

    def _keep(self, session: Session, write: Write, ref: Ref, receipt: Receipt) -> None:
        effects.finish(session, ref, receipt, self.clock.now())
        event = Event(
            f"effect.{write.step}",
            Action.CREATE,
            "effect",
            ref.value,
            case=self.case.id,
            connection=write.connection,
            code=receipt.outcome,
        )
        audit.record(session, event)

    def _remember_receipt(self, session: Session, write: Write, receipt: Receipt) -> None:
        if write.keeps is not None:
            self.remember(session, **write.keeps(receipt))

    def attempt(self, step: str, connection: str, call: Callable[[], T], ref: str = "") -> T:
        """One try, which goes on the case's timeline with the next commit."""
        started, began = self.clock.now(), time.monotonic()
        outcome, code, request_id = "program_error", "", ""
        with gathered() as made:
            try:
                answer = call()
                outcome = "ok"
                return answer  # noqa: TRY300 - nothing is between the answer and the timeline.
            except NeedsPerson:
                outcome = "ok"  # The look itself worked; what it found is for a person.
                raise
            except PortError as error:
                outcome, code, request_id = error.kind.value, error.vendor_code, error.request_id
                raise
            finally:
                self.untold.append(
                    Attempt(
                        step=step,
                        connection=connection,
                        started=started,
                        duration_ms=int((time.monotonic() - began) * 1000),
                        outcome=outcome,
                        vendor_code=code,
                        request_id=request_id,
                        ref=ref,
                        calls=tuple(made),
                    )
                )

    def _wait_or_give_up(self, step: str, error: PortError) -> None:
        """Sit out a short wait; raise Later for a long one, NeedsPerson where none helps."""
        with self.commit() as session:
            failures = attempts.failures(session, self.case.id, step)
            mark_stopped(session, error, self.clock.now())
        wait = next_try(error, int(failures["tries"]), random.random())  # noqa: S311
        if isinstance(wait, GateReason):
            raise NeedsPerson(wait, step, error)
        due = self.clock.after(wait)
        if due > self.last_moment(failures["since"]):
            reason = GIVEN_UP.get(error.kind, GateReason.VENDOR_SILENT)
            raise NeedsPerson(reason, step, error)
        if wait > PATIENCE:
            raise Later(due, f"again:{error.connection}")
        self.clock.sleep_until(due)

    def check_time_left(self) -> None:
        """End the phase when this process has to stop, or could not keep what a call brings.

        It is queued a moment later, or this very process would take it up again and again.
        Raises Later, and KeyServiceDown while no keys can be had.
        """
        self.database.check_keys(self.practice_id)
        now = self.clock.now()
        if self.stop_at is not None and now >= self.stop_at:
            raise Later(now + PATIENCE, "again")

    def end(self, ending: Ending) -> None:
        """Keep what happens next, in one commit with all that is left to tell."""
        with self.commit() as session:
            note_what_works(session, self.case.id, self.clock.now())
            match ending:
                case Next(phase, due, note):
                    start_phase(session, self.case.id, phase, due=due, note=note)
                case AtGate(gate):
                    gates.open_gate(session, self.case.id, gate, self.clock.now())
                    cases.stop_at_gate(session, self.case.id)
                case Closed(state):
                    cases.close(session, self.case.id, state)


def note_what_works(session: Session, case: CaseId, now: datetime) -> None:
    """A stopped connection that answered this case works again."""
    for name in connections.works(session, case, now):
        event = Event("connection.works", Action.UPDATE, "connection", name, connection=name)
        audit.record(session, event)


def mark_stopped(session: Session, error: PortError, now: datetime) -> None:
    """A connection whose credentials fail is stopped, which the desk and the IT person see."""
    if error.kind is not ErrorKind.AUTH:
        return
    if connections.mark(session, error.connection, "stopped", error.vendor_code, now):
        event = Event(
            "connection.stopped",
            Action.UPDATE,
            "connection",
            error.connection,
            connection=error.connection,
            code=error.vendor_code,
        )
        audit.record(session, event)
        _log.error("alert", code="connection_stopped", connection=error.connection)


def load_case(database: Database, practice: PracticeId, case: CaseId, seq: int) -> Case:
    """The case of a queued phase; Superseded when the case has moved on."""
    with database.session(practice) as session:
        return cases.lock(session, case, seq)
