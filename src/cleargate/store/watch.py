"""Queries of the watchdog: every open case has a running phase, a due phase or a gate."""

from dataclasses import dataclass

import sqlalchemy as sa

from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.store.database import Session

# All practices of this installation.
_PRACTICES = sa.text("select id from practices order by slug limit 1000")

# Open cases that have neither a gate nor a live phase: nothing would ever happen to them. They are
# held, so that what somebody starts at this moment is not overtaken by the mending. One that was
# touched in the future was touched before the clock was turned back.
_ORPHANS = sa.text(
    "select c.id, c.phase from cases c where c.practice_id = :practice and c.state = 'open'"
    " and c.updated_at not between now() - make_interval(secs => :age_s) and now()"
    " and not exists (select 1 from gates g where g.practice_id = c.practice_id"
    "   and g.case_id = c.id and g.state = 'open')"
    " and not exists (select 1 from dbos.workflow_status w"
    "   where w.workflow_uuid = replace(c.id::text, '-', '') || '.' || c.phase_seq"
    "   and w.status in ('ENQUEUED', 'DELAYED', 'PENDING'))"
    " order by c.updated_at limit 100 for update of c skip locked"
)

# Open cases that have a gate and a live phase as well: a person and a machine would both act.
_DOUBLED = sa.text(
    "select count(*) from cases c join gates g on g.practice_id = c.practice_id"
    " and g.case_id = c.id and g.state = 'open'"
    " join dbos.workflow_status w"
    "   on w.workflow_uuid = replace(c.id::text, '-', '') || '.' || c.phase_seq"
    " where c.practice_id = :practice and c.state = 'open'"
    " and w.status in ('ENQUEUED', 'DELAYED')"
)

# Phases that are noted as running in one worker.
_RUNNING = sa.text(
    "select workflow_uuid from dbos.workflow_status where status = 'PENDING'"
    " and executor_id = :executor limit 1000"
)

# Phases that wait or run now, of every practice.
_WAITING = sa.text(
    "select count(*) from dbos.workflow_status where queue_name is not null"
    " and (status in ('ENQUEUED', 'PENDING') or (status = 'DELAYED'"
    " and delay_until_epoch_ms < extract(epoch from now()) * 1000 + :horizon_ms))"
)


@dataclass(frozen=True, slots=True)
class Orphan:
    """An open case to which nothing would ever happen."""

    case: CaseId
    phase: str


def practices(connection: sa.Connection) -> list[PracticeId]:
    """All practices of this installation."""
    return [PracticeId(row.id) for row in connection.execute(_PRACTICES)]


def orphans(session: Session, age_s: float) -> list[Orphan]:
    """Open cases with nothing to come that were last touched at least `age_s` seconds ago.

    They are held until the transaction ends; those that somebody else holds are left out.
    """
    rows = session.all(_ORPHANS, age_s=age_s)
    return [Orphan(CaseId(row["id"]), row["phase"]) for row in rows]


def doubled(session: Session) -> int:
    """How many open cases have a gate and a queued phase both; must be 0."""
    return int(session.run(_DOUBLED).scalar_one())


def noted_as_running(connection: sa.Connection, executor: str) -> set[str]:
    """The engine's ids of phases that a worker has taken up and not ended."""
    return set(connection.execute(_RUNNING, {"executor": executor}).scalars())


def phases_waiting(connection: sa.Connection, horizon_s: float) -> int:
    """Phases that run, wait to run, or fall due within `horizon_s` seconds."""
    return int(connection.execute(_WAITING, {"horizon_ms": horizon_s * 1000}).scalar_one())
