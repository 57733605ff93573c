"""One question on its way to one payer, brought a step further each time it is due.

The raw answer is kept before anything reads it. A question that may have arrived is asked again
only where that costs no second fee, and not before CORE's 90 seconds are over.
"""

import random
import time
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from cleargate.directory.payers import Payer
from cleargate.directory.practice import Practice
from cleargate.eligibility.answer import is_broken, is_worth_asking_again, read_raw, undetermined
from cleargate.eligibility.otherwise import compared, next_search, search_here
from cleargate.eligibility.routes import NextRoute, maybe_asked, next_route
from cleargate.engine.calls import gathered
from cleargate.engine.retry import next_try
from cleargate.engine.run import Run, mark_stopped
from cleargate.nouns.case import Attempt
from cleargate.nouns.coverage import Coverage
from cleargate.nouns.eligibility import Asker, Inquiry, Pending, RawAnswer
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import Ref
from cleargate.nouns.outside import OutsideCall
from cleargate.store import attempts, audit, calls, inquiries, outages
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.inquiries import InquiryState, StoredInquiry

RETRANSMIT_AFTER = timedelta(seconds=90)
"""A receiver may still work on a question for so long. Source: CAQH CORE 153, section 6."""

ASK_AGAIN_BASE = timedelta(minutes=1)
"""A payer that cannot answer now (AAA 42, 80) is asked again after this, then twice as late."""

POLL_EVERY = timedelta(seconds=60)
"""How soon an answer is looked for where the clearinghouse does not say; then twice as late."""

POLL_AT_LEAST_EVERY = timedelta(minutes=5)

BROKEN_TRIES_MAX = 4
"""How often a payer whose answers break off is asked before a person looks."""

_UNANSWERED = {
    ErrorKind.AUTH: "connection_stopped",
    ErrorKind.AMBIGUOUS: "maybe_asked",
    ErrorKind.REJECTED: "question_refused",
    ErrorKind.UNSUPPORTED: "question_refused",
}


_NO_ANSWER = frozenset({ErrorKind.RETRYABLE, ErrorKind.AMBIGUOUS})
"""Nothing came back: three in a row, of whatever case, are an outage."""

_ANOTHER_WAY = frozenset({ErrorKind.RETRYABLE, ErrorKind.RATE_LIMITED, ErrorKind.AUTH})
"""Nothing was asked over there, so that another clearinghouse may be asked at no second fee."""


class Question:
    """One question on its way; uses sessions of its own, because its peers run beside it."""

    def __init__(self, run: Run[Practice], stored: StoredInquiry) -> None:
        self._run = run
        self._stored = stored
        self._clearinghouse = run.practice.clearinghouses[stored.connection]
        self._services = run.case.request.service_types or run.practice.service_types
        self._payer = run.practice.payers.by_id(stored.payer_id) or Payer("", stored.payer_name)
        self._step = f"ask{stored.rank}"
        # Another search is another question: its receiver must not take it for a repeated one.
        self._search = search_here(self._payer.searches, stored.search, self._clearinghouse.needs)
        step = f"{self._step}by{self._search}" if self._search else self._step
        self._ref = Ref(run.case.id, step, stored.generation)
        self._made: list[OutsideCall] = []
        self._began = time.monotonic()
        self._in_doubt = stored.state is InquiryState.SENT and not stored.pending_token

    def ask(self) -> None:
        """Bring the question one step further, whatever state a crash left it in."""
        if self._stored.state is InquiryState.RECEIVED:
            self._read_kept()
        elif self._stored.state is InquiryState.SENT:
            self._resolve_doubt()
        else:
            self._send()

    def _send(self) -> None:
        started, self._began = self._run.clock.now(), time.monotonic()
        with self._session() as session:
            away = self._keep_away_until(session, started)
            self._tell_doubt(session)
            if away is None:
                inquiries.mark_sent(session, self._stored.id, started)
                calls.begin(session, self._run.case.id, self._step, self._stored.connection)
        if away is not None:
            self._wait_for_others(away)
            return
        try:
            with gathered() as self._made:
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
            outages.answered(session, self._stored.connection, outages.EVERYBODY)
            self._add_attempt(session, started, "ok", request_id=answer.request_id)
            self._audit(session, "ok")
        self._read(answer)

    def _keep_away_until(self, session: Session, now: datetime) -> datetime | None:
        """Until when others find out whether the payer answers; None to ask.

        What is pending over there is polled all the same, and the last moment is not let pass.
        """
        if self._stored.pending_token:
            return None
        probe = self._run.clock.scaled(outages.PROBE)
        away = outages.keep_away_until(session, *self._there, now, probe)
        return None if away is not None and away > self._last_moment() else away

    @property
    def _there(self) -> tuple[str, str]:
        return self._stored.connection, self._stored.payer_id

    def _wait_for_others(self, away: datetime) -> None:
        """Go another way at once where there is one; else come back when the others know more."""
        other = self._next_route()
        if other is not None:
            with self._session() as session:
                inquiries.reroute(session, self._stored.id, other.connection, other.payer_code)
            away = away if other.was_tried else self._run.clock.now()
        self._postpone(away, "outage", "")

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
            search=self._payer.searches[self._search],
            service_list=self._payer.service_list,
        )

    @property
    def _is_takeable(self) -> bool:
        """Whether the search tells all that the clearinghouse needs."""
        return self._clearinghouse.needs <= self._payer.searches[self._search]

    def _resolve_doubt(self) -> None:
        """The process died after the question may have left: wait it out, or ask a person.

        What was pending was asked long ago: fetching its answer once more costs nothing.
        """
        if self._stored.pending_token:
            self._send()
            return
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
        if self._stored.pending_token and error.kind is ErrorKind.AMBIGUOUS:
            self._answer_gone(error, started)
            return
        now = self._run.clock.now()
        other = self._next_route() if error.kind in _ANOTHER_WAY else None
        with self._session() as session:
            due = self._again_at(session, error, now)
            if due is not None and other is not None and not other.was_tried:
                due = now
            self._add_attempt(session, started, error.kind, error.vendor_code, next_try_at=due)
            mark_stopped(session, error, now)
            self._audit(session, error.kind)
            if due is not None and other is not None:
                inquiries.reroute(session, self._stored.id, other.connection, other.payer_code)
        if due is None:
            self._give_up(error.kind, error.vendor_code)
        else:
            self._postpone(due, error.kind, error.vendor_code)

    def _answer_gone(self, error: PortError, started: datetime) -> None:
        """Ask anew, less and less often, where that is no second fee; no look finds it any more.

        It is no outage: the clearinghouse has answered, and only forgotten.
        """
        due = self._run.clock.after(ASK_AGAIN_BASE * 2 ** min(self._stored.tries, 6))
        is_anew = self._clearinghouse.repeatable and due <= self._last_moment()
        with self._session() as session:
            next_try_at = due if is_anew else None
            self._add_attempt(
                session, started, error.kind, error.vendor_code, next_try_at=next_try_at
            )
            self._audit(session, error.kind)
        if is_anew:
            self._postpone(due, error.kind, error.vendor_code, anew=True)
        else:
            self._give_up(error.kind, error.vendor_code)

    def _again_at(self, session: Session, error: PortError, now: datetime) -> datetime | None:
        """When to ask again, and the others too; None when a person has to say so, or it is late.

        The more questions in a row had no answer over there, the longer is the wait.
        """
        connection, tries = self._stored.connection, self._stored.tries + 1
        if error.kind in _NO_ANSWER:
            failures = outages.failed(session, connection, outages.EVERYBODY, now)
            tries = max(tries, failures)
        wait = next_try(error, tries, random.random())  # noqa: S311
        if error.kind is ErrorKind.AMBIGUOUS:
            wait = RETRANSMIT_AFTER if self._clearinghouse.repeatable else GateReason.VENDOR_UNSURE
        if isinstance(wait, GateReason):
            return None
        due = self._run.clock.after(wait)
        outages.keep_away(session, connection, outages.EVERYBODY, due)
        return due if due <= self._last_moment() else None

    def _next_route(self) -> NextRoute | None:
        practice = self._run.practice
        return next_route(self._stored, practice.payers, practice.connections)

    def _pending(self, pending: Pending, started: datetime) -> None:
        clock = self._run.clock
        wait = POLL_EVERY
        if pending.retry_after_s is not None:
            wait = timedelta(seconds=pending.retry_after_s)
        later = min(wait * 2 ** min(self._stored.tries, 10), POLL_AT_LEAST_EVERY)
        due = clock.after(max(wait, later))
        with self._session() as session:
            outages.answered(session, self._stored.connection, outages.EVERYBODY)
            self._add_attempt(session, started, "pending", next_try_at=due)
        if due > self._last_moment():
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
        asked = self._run.practice.payers.by_id(stored.payer_id)
        known = (stored.payer_id, asked.name) if asked else (stored.payer_id,)
        coverage = read_raw(answer, stored.payer_name, self._services, stored.service_date, known)
        if self._may_ask_again(coverage) and self._wait_for_payer(coverage):
            return
        needs = self._clearinghouse.needs
        other = next_search(coverage, self._payer.searches, self._search, needs)
        if other is not None and self._clearinghouse.repeatable:
            self._look_otherwise(other, coverage.reasons[0].code)
            return
        self._settle(compared(coverage, self._inquiry()), answered=True)

    def _look_otherwise(self, search: int, code: str) -> None:
        """Look for the person by the payer's next search, only where that is no second fee."""
        with self._session() as session:
            now = self._run.clock.now()
            inquiries.search_otherwise(session, self._stored.id, search, now, code=code)

    def _wait_for_payer(self, coverage: Coverage) -> bool:
        """Ask a payer later that says so, and let the others wait as well; False if it is late."""
        with self._session() as session:
            failures = outages.failed(session, *self._there, self._run.clock.now())
            doublings = min(max(self._stored.tries, failures - 1), 6)
            due = self._run.clock.after(ASK_AGAIN_BASE * 2**doublings)
            outages.keep_away(session, *self._there, due)
        if due > self._last_moment():
            return False
        self._postpone(due, "payer_busy", coverage.reasons[0].code, anew=True)
        return True

    def _may_ask_again(self, coverage: Coverage) -> bool:
        """A busy payer costs nothing; a broken answer was an answer, and may cost a second fee."""
        if not is_worth_asking_again(coverage):
            return False
        if not is_broken(coverage):
            return True
        return self._clearinghouse.repeatable and self._stored.tries + 1 < BROKEN_TRIES_MAX

    def _give_up(self, kind: ErrorKind, code: str) -> None:
        coverage = undetermined(self._stored.payer_name, self._services, self._reason(kind))
        self._settle(coverage, answered=False, outcome=kind, code=code)

    def _reason(self, kind: ErrorKind) -> str:
        if kind is ErrorKind.REJECTED and not self._is_takeable:
            return "search_refused"
        if kind is ErrorKind.AMBIGUOUS and self._stored.pending_token:
            return "answer_gone"
        return _UNANSWERED.get(kind, "no_answer")

    def _settle(
        self, coverage: Coverage, *, answered: bool, outcome: str = "ok", code: str = ""
    ) -> None:
        with self._session() as session:
            self._tell_doubt(session)
            if answered and not _says_later(coverage):
                outages.answered(session, *self._there)
            inquiries.settle(
                session,
                self._stored.id,
                coverage,
                self._run.clock.now(),
                answered=answered,
                outcome=outcome,
                code=code,
            )

    def _postpone(
        self, due: datetime, outcome: str, code: str, token: str = "", *, anew: bool = False
    ) -> None:
        """Come back later; a doubt whether it was asked stays until something has come back."""
        if maybe_asked(self._stored) and not (token or anew):
            outcome = ErrorKind.AMBIGUOUS
        with self._session() as session:
            self._tell_doubt(session)
            inquiries.postpone(
                session,
                self._stored.id,
                due,
                self._run.clock.now(),
                outcome=outcome,
                code=code,
                pending_token=token,
                anew=anew,
            )

    def _last_moment(self) -> datetime:
        """Until when the question is asked again; counted from when it was to be asked first."""
        return self._run.last_moment(self._stored.first_sent or self._run.clock.now())

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
        attempt = Attempt(
            step=self._step,
            connection=self._stored.connection,
            started=started,
            duration_ms=int((time.monotonic() - self._began) * 1000),
            outcome=outcome,
            vendor_code=vendor_code,
            request_id=request_id,
            ref=self._ref.value,
            next_try=next_try_at,
            calls=tuple(self._made),
        )
        attempts.add(session, self._run.case.id, [attempt])

    def _tell_doubt(self, session: Session) -> None:
        """A question that may have left before a crash may have disclosed who the patient is."""
        if self._in_doubt:
            self._audit(session, "unknown")
            self._in_doubt = False

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


def _says_later(coverage: Coverage) -> bool:
    """Whether the payer said that it cannot answer now, which is no end of an outage."""
    return is_worth_asking_again(coverage) and not is_broken(coverage)
