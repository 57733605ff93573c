"""The sweep: which visits to come are due for a recheck, and each of them started, once."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from cleargate.directory.practice import Profile
from cleargate.eligibility.ask import budget_day
from cleargate.nouns.appointment import BookingStatus, Opening
from cleargate.nouns.case import Case, CaseState, Recheck
from cleargate.nouns.gate import GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Payment
from cleargate.scheduling.phases import RECHECK
from cleargate.store import audit, cases, inquiries, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database, Session
from cleargate.store.queue import start_phase

_log = structlog.get_logger()

PAGE: Final = 50
"""How many visits are looked at in one transaction."""

STALE_AFTER: Final = timedelta(days=1)
"""A younger answer is not asked for again: it costs a fee and says the same."""

LATE_MAX: Final = timedelta(hours=6)
"""A sweep that was missed before midnight is made up for within this time."""

BOOKED_AHEAD_DAYS: Final = 92
"""A payer is asked about a day that lies at most so long before the visit (search_days)."""

_NEW_QUESTIONS = (
    GateReason.COVERAGE_CHANGED,
    GateReason.VENDOR_SILENT,
    GateReason.CHECK_BUDGET_SPENT,
)
"""What a person let pass before is asked again, should it come up again."""


@dataclass(frozen=True, slots=True)
class Swept:
    """How many visits are asked about again, have a fresh answer, or were rechecked before."""

    started: int = 0
    fresh: int = 0
    earlier: int = 0


def sweep(
    database: Database, profile: Profile, now: datetime, days: int, actor: str = audit.SYSTEM
) -> Swept:
    """Start the recheck of every visit from now to the end of the day after so many days.

    Sweeps at once, or one behind the other, start each recheck once.
    """
    span = _Span(now, budget_day(now, profile.zone, days + 1), profile.zone, actor)
    swept = Swept()
    after: CaseId | None = None
    while True:
        with database.session(profile.id) as session:
            page = _page(session, span, after)
            for case_id in page:
                swept = _one(session, case_id, span, swept)
        if len(page) < PAGE:
            return swept
        after = page[-1]


def sweep_if_due(database: Database, profile: Profile, now: datetime) -> Swept | None:
    """The day's own sweep, when its hour has come; None where there is none or it is done.

    It is noted as done at its end only: one that was broken off is taken up by the next.
    """
    at = profile.eligibility.sweep_at
    day = None if at is None else _day_due(now, at, profile.zone)
    if day is None:
        return None
    with database.session(profile.id) as session:
        if throttle.used(session, RECHECK, day):
            return None
    swept = sweep(database, profile, now, profile.eligibility.sweep_days)
    with database.session(profile.id) as session:
        throttle.take(session, RECHECK, day, 1)
    _log.info("swept", practice=profile.slug, count=swept.started)
    return swept


def _day_due(now: datetime, at: time, zone: ZoneInfo) -> datetime | None:
    """The day whose sweep should have been by now: today's, or yesterday's if it is not long ago.

    Midnight may come before it was done: nobody worked, or the clock was put right.
    """
    if now.astimezone(zone).time() >= at:
        return budget_day(now, zone)
    yesterday = budget_day(now, zone, days=-1)
    late = now - datetime.combine(yesterday.date(), at, zone)
    return yesterday if late < LATE_MAX else None


@dataclass(frozen=True, slots=True)
class _Span:
    """Which visits are meant: those that begin after `now` and before `until`."""

    now: datetime
    until: datetime
    zone: ZoneInfo
    actor: str

    def day(self, moment: datetime) -> date:
        """The day of a moment at the office."""
        return moment.astimezone(self.zone).date()


def _page(session: Session, span: _Span, after: CaseId | None) -> list[CaseId]:
    """Bookings whose visits may begin soon: the time itself is sealed, the asked day is not."""
    first = span.day(span.now) - timedelta(days=BOOKED_AHEAD_DAYS)
    last = span.day(span.until) + timedelta(days=31)
    return cases.booked(session, first, last, after, PAGE)


def _one(session: Session, case_id: CaseId, span: _Span, swept: Swept) -> Swept:
    """Start one visit's recheck, unless it is not due; gives the count with it."""
    case = cases.lock(session, case_id)
    opening, earlier = case.memo.opening, case.memo.recheck
    if opening is None or not span.now < opening.start < span.until:
        return swept
    if not _is_booked_and_insured(case):
        return swept
    if earlier is not None and earlier.visit == opening.start:
        return replace(swept, earlier=swept.earlier + 1)
    if _is_fresh(session, case_id, span.now):
        return replace(swept, fresh=swept.fresh + 1)
    _start(session, case, opening, span)
    return replace(swept, started=swept.started + 1)


def _is_booked_and_insured(case: Case) -> bool:
    memo = case.memo
    booked = bool(memo.booking_id) and memo.booking_status is BookingStatus.BOOKED
    insured = case.request.payment is Payment.INSURANCE and not memo.self_pay
    return case.state is CaseState.DONE and booked and insured


def _is_fresh(session: Session, case_id: CaseId, now: datetime) -> bool:
    """Whether every policy was answered less than a day ago."""
    answered = [each.answered for each in inquiries.current(session, case_id)]
    return all(each is not None and now - each < STALE_AFTER for each in answered)


def _start(session: Session, case: Case, opening: Opening, span: _Span) -> None:
    """Reopen the case for its recheck, as a withdrawal does; the visit stays as it is."""
    case = cases.raise_generation(session, case)
    cases.remember(
        session,
        case,
        recheck=Recheck(opening.start, _generations(session, case)),
        ask_on=span.day(opening.start),
        accepted=tuple(each for each in case.memo.accepted if each not in _NEW_QUESTIONS),
    )
    start_phase(session, case.id, RECHECK, note="recheck")
    event = Event(
        "case.recheck", Action.EXECUTE, "case", str(case.id), actor=span.actor, case=case.id
    )
    audit.record(session, event)


def _generations(session: Session, case: Case) -> tuple[int, ...]:
    """The newest question about each policy, 0 where nobody was asked."""
    known = {each.rank: each.generation for each in inquiries.current(session, case.id)}
    return tuple(known.get(rank, 0) for rank, _ in enumerate(case.request.insurances, start=1))
