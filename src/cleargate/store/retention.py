"""What is over and old enough is deleted, a batch at a time: as the retention role, without a key.

Nothing open is deleted, nothing that is held, and nothing of the trail, to which each deletion
adds an event. One statement deletes a case with all that hangs on it, so there is never half of
one; a run that was killed is gone on with by the next.

Photos in a bucket are deleted before the transaction commits that deletes their rows: as long as
the bucket has them, a row says so, and nothing is forgotten.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from types import MappingProxyType

import sqlalchemy as sa

from cleargate.nouns.ids import CaseId
from cleargate.store import attachments, audit, holds
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session

CASES_DAYS_MIN = 120
"""A visit may be booked ninety days ahead, and its payers are asked again before it."""


@dataclass(frozen=True, slots=True)
class Periods:
    """How long each kind is kept after its case was last touched.

    The practice's own system has the record of the patient; ours is a working copy of the errand.
    Two years leave room for a payer that takes money back late. `unconfirmed` are requests whose
    sender never confirmed and that a person declined.
    """

    cases: timedelta = timedelta(days=730)
    unconfirmed: timedelta = timedelta(days=28)
    answers: timedelta = timedelta(days=365)
    photos: timedelta = timedelta(days=180)


# Cases that are over, old and not held; a kind adds its own condition.
_OVER = (
    " c.practice_id = :practice and c.state <> 'open' and c.updated_at < :before"
    " and not exists (select 1 from holds h where h.practice_id = c.practice_id"
    "   and (h.case_id is null or h.case_id = c.id) and h.lifted_at is null)"
)

# Requests whose sender did not confirm, that a person declined, and of which nothing went out but
# mail to the address that they gave.
_UNCONFIRMED = (
    " and c.state = 'declined' and exists (select 1 from gates g where g.practice_id ="
    " c.practice_id and g.case_id = c.id and g.reason = 'contact_unconfirmed'"
    " and g.choice = 'decline') and not exists (select 1 from effects e where e.practice_id ="
    " c.practice_id and e.case_id = c.id and e.step not like 'mail%')"
)


def _of(table: str, returning: str = "1") -> str:
    """The rows of a table that hang on the cases which go."""
    return (
        f" {table}_gone as (delete from {table} t using gone where t.practice_id = :practice"  # noqa: S608
        f" and t.case_id = gone.id returning {returning})"
    )


def _delete_cases(condition: str) -> sa.TextClause:
    """Delete some cases whole. What refers to what is checked when the statement has ended."""
    chosen = f"select c.id from cases c where {_OVER}{condition} order by c.updated_at limit :limit"  # noqa: S608
    # nosemgrep: values-in-sql - conditions and tables of this file.
    return sa.text(
        f"with gone as (delete from cases c where c.id in ({chosen}) and {_OVER} returning c.id),"  # noqa: S608
        " asked as (delete from inquiries i using gone where i.practice_id = :practice"
        "   and i.case_id = gone.id returning i.id),"
        " answered as (delete from answers a using asked where a.practice_id = :practice"
        "   and a.inquiry_id = asked.id returning 1),"
        + ",".join(map(_of, ("effects", "attempts", "gates", "links")))
        + ","
        + _of("attachments", "t.case_id, t.object")
        + " select gone.id, array_remove(array_agg(distinct a.object), null) as objects"
        " from gone left join attachments_gone a on a.case_id = gone.id group by gone.id"
    )


# Raw answers of cases that are over; what was read out of them stays with the case.
_ANSWERS = sa.text(
    "with chosen as (select a.id, c.id as case_id from answers a join inquiries i"  # noqa: S608
    "   on i.practice_id = a.practice_id and i.id = a.inquiry_id"
    "   join cases c on c.practice_id = i.practice_id and c.id = i.case_id"
    f"   where {_OVER} order by c.updated_at limit :limit)"
    " delete from answers a using chosen where a.practice_id = :practice and a.id = chosen.id"
    " returning chosen.case_id as id, cast('{}' as text[]) as objects"
)

# Photos of insurance cards, of cases that are over.
_PHOTOS = sa.text(
    "with chosen as (select a.id, c.id as case_id from attachments a"  # noqa: S608
    "   join cases c on c.practice_id = a.practice_id and c.id = a.case_id"
    f"   where {_OVER} order by c.updated_at limit :limit)"
    " delete from attachments a using chosen where a.practice_id = :practice and a.id = chosen.id"
    " returning chosen.case_id as id, array[a.object] as objects"
)

KINDS: Mapping[str, sa.TextClause] = MappingProxyType(
    {
        "unconfirmed": _delete_cases(_UNCONFIRMED),
        "cases": _delete_cases(""),
        "answers": _ANSWERS,
        "photos": _PHOTOS,
    }
)
"""What is deleted, by the name of its period; each statement gives the case of every row, and
which files of the bucket it names ('' for none)."""


def delete_some(session: Session, kind: str, before: datetime, limit: int) -> int:
    """Delete at most so much of a kind whose case was last touched before; gives how much.

    Each case's event says what was deleted and how many rows, never what was in them. Raises
    FilesDown, and deletes nothing, when the bucket does not answer.
    """
    holds.freeze(session)
    rows = session.all(KINDS[kind], before=before, limit=limit)
    counts: dict[CaseId, int] = {}
    for row in rows:
        case = CaseId(row["id"])
        counts[case] = counts.get(case, 0) + 1
    for case, count in counts.items():
        code = f"{kind}:{count}"
        event = Event("retention.deleted", Action.DELETE, "case", str(case), case=case, code=code)
        audit.record(session, event)
    attachments.delete_files(session, chain.from_iterable(row["objects"] for row in rows))
    return len(rows)
