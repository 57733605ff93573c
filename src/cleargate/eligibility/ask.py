"""Ask every payer of a case at once, each until it has answered or a person has to."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from cleargate.directory.practice import Practice
from cleargate.eligibility.question import Question
from cleargate.engine.endings import NeedsPerson
from cleargate.engine.run import PATIENCE, Run
from cleargate.nouns.case import Recheck
from cleargate.nouns.gate import GateReason
from cleargate.store import inquiries, throttle
from cleargate.store.database import Session
from cleargate.store.inquiries import InquiryState, NewInquiry, StoredInquiry

PARALLEL_MAX = 8

PAID_CHECKS = "paid_checks"
"""The counter of what payers are asked in a day; its limit is intake.paid_checks_per_day."""


def ask_every_payer(
    run: Run[Practice], on: date, anew: Recheck | None = None
) -> list[StoredInquiry]:
    """Ask all payers of the case, in parallel, about a date; gives the questions as they stand.

    Comes back when every question is settled, or when the soonest next try is further off than a
    thread should wait. What was settled before a recheck does not count in it. Raises
    NeedsPerson UNKNOWN_PAYER and CHECK_BUDGET_SPENT.
    """
    questions = _open_questions(run, on, anew)
    while True:
        run.check_time_left()
        now = run.clock.now()
        due = [each for each in questions if _is_due(each, now)]
        if due:
            _ask_all(run, due)
            questions = _current(run)
            continue
        soonest = next_moment(questions)
        if soonest is None and not all(_still_serves(each, on) for each in questions):
            questions = _open_questions(run, on, anew)  # Answered about a day that is out of date.
            continue
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
        return _standing(run, session)


def _standing(run: Run[Practice], session: Session) -> list[StoredInquiry]:
    """The newest question for each policy that the request still has."""
    current = inquiries.current(session, run.case.id)
    return [each for each in current if each.state is not InquiryState.RETIRED]


def _open_questions(run: Run[Practice], on: date, anew: Recheck | None) -> list[StoredInquiry]:
    """Keep a question for each policy that has none about this date, or none of this recheck."""
    with run.commit() as session:
        current = {each.rank: each for each in inquiries.current(session, run.case.id)}
        for rank, insurance in enumerate(run.case.request.insurances, start=1):
            known = current.get(rank)
            if known is not None and not _is_older(known, anew) and _still_serves(known, on):
                continue
            routes = run.practice.payers.route(insurance.payer_id, run.practice.connections)
            if not routes:
                raise NeedsPerson(GateReason.UNKNOWN_PAYER, f"ask{rank}")
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
        return _standing(run, session)


def _is_older(known: StoredInquiry, anew: Recheck | None) -> bool:
    """Whether a question was settled before a recheck; one that is on its way goes on."""
    return anew is not None and known.settled and not anew.is_newer(known.rank, known.generation)


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
    day = budget_day(run.clock.now(), run.practice.zone)
    return throttle.take(session, PAID_CHECKS, day, run.practice.intake.paid_checks_per_day)


def budget_day(now: datetime, zone: ZoneInfo, days: int = 0) -> datetime:
    """When the day began in which a check is counted, or `days` later another one begins."""
    today = now.astimezone(zone).date()
    return datetime.combine(today + timedelta(days=days), time.min, zone)


def _ask_all(run: Run[Practice], due: Sequence[StoredInquiry]) -> None:
    """Ask each payer in a thread of its own; the slowest sets the time."""
    if len(due) == 1:
        Question(run, due[0]).ask()
        return
    with ThreadPoolExecutor(max_workers=min(PARALLEL_MAX, len(due))) as pool:
        for done in [pool.submit(Question(run, each).ask) for each in due]:
            done.result()
