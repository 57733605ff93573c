"""Ask every payer of a case at once, each until it has answered or a person has to.

The raw answer is kept before anything reads it. A question that may have arrived is asked again
only where that costs no second fee, and not before CORE's 90 seconds are over.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import date, datetime, timedelta

from cleargate.directory.practice import Practice
from cleargate.eligibility.answer import is_broken, is_worth_asking_again, read_raw, undetermined
from cleargate.engine.endings import NeedsPerson
from cleargate.engine.retry import next_try
from cleargate.engine.run import PATIENCE, Run, keep_attempts, mark_stopped
from cleargate.nouns.case import Attempt
from cleargate.nouns.coverage import Coverage
from cleargate.nouns.eligibility import Asker, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import Ref
from cleargate.store import audit, inquiries, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.inquiries import InquiryState, NewInquiry, StoredInquiry

RETRANSMIT_AFTER = timedelta(seconds=90)
"""A receiver may still work on a question for so long. Source: CAQH CORE 153, section 6."""

ASK_AGAIN_BASE = timedelta(minutes=1)
"""A payer that cannot answer now (AAA 42, 80) is asked again after this, then twice as late."""

POLL_EVERY = timedelta(seconds=60)

BROKEN_TRIES_MAX = 4
"""How often a payer whose answers break off is asked before a person looks."""

PARALLEL_MAX = 8

_UNANSWERED = {
    ErrorKind.AUTH: "connection_stopped",
    ErrorKind.AMBIGUOUS: "maybe_asked",
    ErrorKind.REJECTED: "question_refused",
    ErrorKind.UNSUPPORTED: "question_refused",
}


def ask_every_payer(run: Run[Practice], on: date) -> list[StoredInquiry]:
    """Ask all payers of the case, in parallel, about a date; gives the questions as they stand.

    Comes back when every question is settled, or when the soonest next try is further off than a
    thread should wait. Raises NeedsPerson CHECK_BUDGET_SPENT.
    """
    questions = _open_questions(run, on)
    while True:
        run.check_time_left()
        now = run.clock.now()
        due = [each for each in questions if _is_due(each, now)]
        if due:
            _ask_all(run, due)
            questions = _current(run)
            continue
        soonest = next_moment(questions)
        if soonest is None or soonest > run.clock.after(PATIENCE):
            return questions
        run.clock.sleep_until(soonest)


def next_moment(questions: Sequence[StoredInquiry]) -> datetime | None:
    """When the next of the open questions is due; None when all are settled."""
    return min((each.next_try for each in questions if each.next_try is not None), default=None)


def _is_due(question: StoredInquiry, now: datetime) -> bool:
    if question.settled:
        return False
    return question.next_try is None or question.next_try <= now


def _current(run: Run[Practice]) -> list[StoredInquiry]:
    with run.commit() as session:
        return inquiries.current(session, run.case.id)


def _open_questions(run: Run[Practice], on: date) -> list[StoredInquiry]:
    """Keep a question for each policy that has none in this generation or about this date."""
    with run.commit() as session:
        current = {each.rank: each for each in inquiries.current(session, run.case.id)}
        for rank, insurance in enumerate(run.case.request.insurances, start=1):
            known = current.get(rank)
            if known is not None and _still_serves(known, on):
                continue
            routes = run.practice.payers.route(insurance.payer_id, run.practice.connections)
            if not routes:
                raise NeedsPerson(GateReason.UNKNOWN_PAYER, "ask")
            if not _within_budget(run, session):
                raise NeedsPerson(GateReason.CHECK_BUDGET_SPENT, "ask")
            new = NewInquiry(
                rank=rank,
                generation=known.generation + 1 if known else 1,
                payer_id=insurance.payer_id,
                payer_name=insurance.payer_name,
                connection=routes[0].connection,
                payer_code=routes[0].payer_code,
                service_date=on,
            )
            inquiries.add(session, run.case.id, new)
        return inquiries.current(session, run.case.id)


def _still_serves(known: StoredInquiry, on: date) -> bool:
    """Whether a question need not be asked anew for a date.

    An answer holds for the calendar month that it was asked about, within the plan's dates.
    """
    if known.state is InquiryState.RETIRED:
        return False
    if known.service_date == on or not known.settled:
        return True
    coverage = known.coverage
    if coverage is None or (on.year, on.month) != (
        known.service_date.year,
        known.service_date.month,
    ):
        return False
    return (coverage.begins or on) <= on <= (coverage.ends or on)


def _within_budget(run: Run[Practice], session: Session) -> bool:
    if GateReason.CHECK_BUDGET_SPENT in run.case.memo.accepted:
        return True
    local = run.clock.now().astimezone(run.practice.zone)
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    limit = run.practice.intake.paid_checks_per_day
    return throttle.take(session, "paid_checks", midnight, limit)


def _ask_all(run: Run[Practice], due: Sequence[StoredInquiry]) -> None:
    """Ask each payer in a thread of its own; the slowest sets the time."""
    if len(due) == 1:
        _Question(run, due[0]).ask()
        return
    with ThreadPoolExecutor(max_workers=min(PARALLEL_MAX, len(due))) as pool:
        for done in [pool.submit(_Question(run, each).ask) for each in due]:
            done.result()


class _Question:
    """One question on its way; uses sessions of its own, because its peers run beside it."""

    def __init__(self, run: Run[Practice], stored: StoredInquiry) -> None:
        self._run = run
        self._stored = stored
        self._clearinghouse = run.practice.clearinghouses[stored.connection]
        self._services = run.practice.service_types
        self._ref = Ref(run.case.id, f"ask{stored.rank}", stored.generation)

    def ask(self) -> None:
        """Bring the question one step further, whatever state a crash left it in."""
        if self._stored.state is InquiryState.RECEIVED:
            self._read_kept()
        elif self._stored.state is InquiryState.SENT:
            self._resolve_doubt()
        else:
            self._send()

    def _send(self) -> None:
        with self._session() as session:
            inquiries.mark_sent(session, self._stored.id, self._run.clock.now())
        started = self._run.clock.now()
        try:
            answer = self._call()
        except PortError as error:
            self._failed(error, started)
            return
        if isinstance(answer, Pending):
            self._pending(answer, started)
            return
        with self._session() as session:
            now = self._run.clock.now()
            inquiries.keep_raw(session, self._stored.id, answer, now)
            self._add_attempt(session, started, "ok", request_id=answer.request_id)
            self._audit(session, "ok")
        self._read(answer)

    def _call(self) -> RawAnswer | Pending:
        if self._stored.pending_token:
            return self._clearinghouse.poll(self._stored.pending_token)
        return self._clearinghouse.check_eligibility(self._inquiry(), self._ref)

    def _inquiry(self) -> Inquiry:
        request = self._run.case.request
        practice = self._run.practice
        return Inquiry(
            payer_code=self._stored.payer_code,
            payer_name=self._stored.payer_name,
            asker=Asker(practice.name, practice.npi),
            patient=request.patient,
            insurance=request.insurances[self._stored.rank - 1],
            service_types=self._services,
            service_date=self._stored.service_date,
            trace=self._ref.value,
        )

    def _resolve_doubt(self) -> None:
        """The process died after the question may have left: wait it out, or ask a person."""
        if not self._clearinghouse.repeatable:
            self._give_up(ErrorKind.AMBIGUOUS, "")
            return
        clock = self._run.clock
        sent = self._stored.sent or clock.now()
        again = sent + clock.scaled(RETRANSMIT_AFTER)
        if again <= clock.now():
            self._send()
        else:
            self._postpone(again, ErrorKind.AMBIGUOUS, "")

    def _failed(self, error: PortError, started: datetime) -> None:
        """Ask again when that can help and is allowed; otherwise say why not."""
        clock = self._run.clock
        wait = next_try(error, self._stored.tries + 1, random.random())  # noqa: S311
        if error.kind is ErrorKind.AMBIGUOUS:
            wait = RETRANSMIT_AFTER if self._clearinghouse.repeatable else GateReason.VENDOR_UNSURE
        due = None if isinstance(wait, GateReason) else clock.after(wait)
        if due is not None and due > self._run.last_moment:
            due = None
        with self._session() as session:
            self._add_attempt(session, started, error.kind, error.vendor_code, next_try_at=due)
            mark_stopped(session, error, clock.now())
            self._audit(session, error.kind)
        if due is None:
            self._give_up(error.kind, error.vendor_code)
        else:
            self._postpone(due, error.kind, error.vendor_code)

    def _pending(self, pending: Pending, started: datetime) -> None:
        clock = self._run.clock
        wait = POLL_EVERY
        if pending.retry_after_s is not None:
            wait = timedelta(seconds=pending.retry_after_s)
        due = clock.after(wait)
        with self._session() as session:
            self._add_attempt(session, started, "pending", next_try_at=due)
        if due > self._run.last_moment:
            self._give_up(ErrorKind.RETRYABLE, "pending")
        else:
            self._postpone(due, "pending", "", pending.token)

    def _read_kept(self) -> None:
        with self._session() as session:
            answer = inquiries.raw(session, self._stored.id)
        if answer is None:
            self._send()
        else:
            self._read(answer)

    def _read(self, answer: RawAnswer) -> None:
        """Settle the question with what the payer said, unless it said "later"."""
        stored = self._stored
        coverage = read_raw(answer, stored.payer_name, self._services, stored.service_date)
        due = self._run.clock.after(ASK_AGAIN_BASE * 2 ** min(stored.tries, 6))
        if self._may_ask_again(coverage) and due <= self._run.last_moment:
            self._postpone(due, "payer_busy", coverage.reasons[0].code)
            return
        self._settle(coverage, answered=True)

    def _may_ask_again(self, coverage: Coverage) -> bool:
        """A busy payer costs nothing; a broken answer was an answer, and may cost a second fee."""
        if not is_worth_asking_again(coverage):
            return False
        if not is_broken(coverage):
            return True
        return self._clearinghouse.repeatable and self._stored.tries + 1 < BROKEN_TRIES_MAX

    def _give_up(self, kind: ErrorKind, code: str) -> None:
        reason = _UNANSWERED.get(kind, "no_answer")
        coverage = undetermined(self._stored.payer_name, self._services, reason)
        self._settle(coverage, answered=False, outcome=kind, code=code)

    def _settle(
        self, coverage: Coverage, *, answered: bool, outcome: str = "ok", code: str = ""
    ) -> None:
        with self._session() as session:
            inquiries.settle(
                session,
                self._stored.id,
                coverage,
                self._run.clock.now(),
                answered=answered,
                outcome=outcome,
                code=code,
            )

    def _postpone(self, due: datetime, outcome: str, code: str, token: str = "") -> None:
        with self._session() as session:
            inquiries.postpone(
                session, self._stored.id, due, outcome=outcome, code=code, pending_token=token
            )

    def _session(self) -> AbstractContextManager[Session]:
        return self._run.database.session(self._run.practice_id)

    def _add_attempt(
        self,
        session: Session,
        started: datetime,
        outcome: str,
        vendor_code: str = "",
        *,
        request_id: str = "",
        next_try_at: datetime | None = None,
    ) -> None:
        took = self._run.clock.now() - started
        attempt = Attempt(
            step=self._ref.step,
            connection=self._stored.connection,
            started=started,
            duration_ms=int(took.total_seconds() * 1000),
            outcome=outcome,
            vendor_code=vendor_code,
            request_id=request_id,
            ref=self._ref.value,
            next_try=next_try_at,
        )
        keep_attempts(session, self._run.case.id, [attempt], self._run.clock.now())

    def _audit(self, session: Session, outcome: str) -> None:
        """Asking a payer discloses who the patient is: it belongs on the trail."""
        event = Event(
            "eligibility.ask",
            Action.EXECUTE,
            "inquiry",
            str(self._stored.id),
            outcome=outcome,
            case=self._run.case.id,
            connection=self._stored.connection,
            code=self._stored.payer_id,
        )
        audit.record(session, event)
