"""Attempts: every try of every step, as the case's timeline shows them. No PHI.

What left this house in a try is told to the trail in the same transaction.
"""

from collections.abc import Iterable

import sqlalchemy as sa

from cleargate.nouns.case import Attempt
from cleargate.nouns.ids import CaseId
from cleargate.store import calls
from cleargate.store.database import Session


def look_step(step: str) -> str:
    """The name under which looking for an earlier send of a step is kept."""
    return f"{step}.look"


# One try. One that failed after a person's decision began after it, whatever the clock said: it
# may have been turned back since, and what failed since the decision is counted (see _FAILED).
_ADD = sa.text(
    "insert into attempts (practice_id, case_id, step, connection, started_at, duration_ms,"
    " outcome, vendor_code, request_id, ref, next_try_at) values (:practice, :case, :step,"
    " :connection, case when :outcome = 'ok' then cast(:started as timestamptz) else"
    "   greatest(cast(:started as timestamptz), (select max(decided_at) from gates"
    "     where practice_id = :practice and case_id = :case and state = 'decided')) end,"
    " :duration_ms, :outcome, :vendor_code, :request_id, :ref, :next_try)"
)


def add(session: Session, case: CaseId, attempts: Iterable[Attempt]) -> None:
    """Keep tries of a case, in their order, and tell the trail of their calls."""
    for attempt in attempts:
        session.run(
            _ADD,
            case=case,
            step=attempt.step,
            connection=attempt.connection,
            started=attempt.started,
            duration_ms=attempt.duration_ms,
            outcome=attempt.outcome,
            vendor_code=attempt.vendor_code,
            request_id=attempt.request_id,
            ref=attempt.ref,
            next_try=attempt.next_try,
        )
        for call in attempt.calls:
            calls.tell(session, call, step=attempt.step, case=case)
        if not attempt.calls:
            calls.tell_nothing_left(session, attempt, case)


# The tries of a case, oldest first.
_OF_CASE = sa.text(
    "select * from attempts where practice_id = :practice and case_id = :case"
    " order by id limit 1000"
)


def of_case(session: Session, case: CaseId) -> list[Attempt]:
    """The tries of a case, oldest first, at most 1000."""
    return [
        Attempt(
            step=row["step"],
            connection=row["connection"],
            started=row["started_at"],
            duration_ms=row["duration_ms"],
            outcome=row["outcome"],
            vendor_code=row["vendor_code"],
            request_id=row["request_id"],
            ref=row["ref"],
            next_try=row["next_try_at"],
        )
        for row in session.all(_OF_CASE, case=case)
    ]


# How often a step, or the look before it, failed since it was last answered and a person last
# decided.
_FAILED = sa.text(
    "select count(*) as tries, min(started_at) as since from attempts"
    " where practice_id = :practice and case_id = :case and step in (:step, :look)"
    " and outcome <> 'ok' and id > coalesce((select max(id) from attempts"
    "   where practice_id = :practice and case_id = :case and step = :step"
    "     and outcome in ('ok', 'taken')), 0)"
    " and started_at >= coalesce((select max(decided_at) from gates"
    "   where practice_id = :practice and case_id = :case and state = 'decided'), '-infinity')"
)


def failures(session: Session, case: CaseId, step: str) -> sa.RowMapping:
    """How often a step failed on end (`tries`), and since when (`since`, None for never).

    Counted anew after an answer, and after a person's decision on the case.
    """
    row = session.one(_FAILED, case=case, step=step, look=look_step(step))
    if row is None:
        msg = "an aggregate always gives a row"
        raise LookupError(msg)
    return row
