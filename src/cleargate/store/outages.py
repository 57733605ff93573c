"""Who does not answer: a payer, or a whole clearinghouse; shared by all cases of a practice.

After a few failures in a row one question at a time is let through; the others keep away.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session

FAILURES_MIN = 3
"""So many failures in a row are an outage; fewer happen on any day."""

PROBE = timedelta(minutes=2)
"""The others keep away for so long while one question is let through; it may die on its way."""

EVERYBODY = ""
"""In the place of a payer: the clearinghouse itself does not answer."""

# Outages that stand in the way of a question.
_IN_THE_WAY = sa.text(
    "select payer_id, keep_away_until from outages where practice_id = :practice"
    " and connection = :connection and payer_id in ('', :payer) and failures >= :min"
    " order by payer_id for update"
)

# One question is let through.
_LET_THROUGH = sa.text(
    "update outages set keep_away_until = :until where practice_id = :practice"
    " and connection = :connection and payer_id in ('', :payer) and failures >= :min"
)

# One more failure.
_FAILED = sa.text(
    "insert into outages (practice_id, connection, payer_id, failures, since, keep_away_until)"
    " values (:practice, :connection, :payer, 1, :now, :now)"
    " on conflict (practice_id, connection, payer_id) do update"
    " set failures = outages.failures + 1 returning failures"
)

# When somebody may try again.
_KEEP_AWAY = sa.text(
    "update outages set keep_away_until = :until where practice_id = :practice"
    " and connection = :connection and payer_id = :payer"
)

# It answers.
_ANSWERED = sa.text(
    "delete from outages where practice_id = :practice and connection = :connection"
    " and payer_id = :payer returning failures"
)

# Outages for which questions of open cases wait.
_STANDING = sa.text(
    "select o.connection, o.payer_id, o.since, max(i.payer_name) as payer_name,"
    " count(*) as waiting from outages o join inquiries i on i.practice_id = o.practice_id"
    " and i.connection = o.connection and o.payer_id in ('', i.payer_id)"
    " and i.state in ('due', 'sent', 'received', 'pending')"
    " join cases c on c.practice_id = i.practice_id and c.id = i.case_id and c.state = 'open'"
    " where o.practice_id = :practice and o.failures >= :min"
    " group by o.connection, o.payer_id, o.since order by o.since limit 20"
)


@dataclass(frozen=True, slots=True)
class Outage:
    """Who does not answer, since when, and how many questions wait for it.

    `payer_name` is empty where it is the whole clearinghouse.
    """

    connection: str
    payer_name: str
    since: datetime
    waiting: int


def keep_away_until(
    session: Session, connection: str, payer: str, now: datetime, probe: timedelta = PROBE
) -> datetime | None:
    """Until when a question must wait; None when it may be asked, and then the others wait."""
    key = {"connection": connection, "payer": payer, "min": FAILURES_MIN}
    found = session.all(_IN_THE_WAY, **key)
    until = max((row["keep_away_until"] for row in found), default=now)
    if until > now:
        return until
    if found:
        session.run(_LET_THROUGH, until=now + probe, **key)
    return None


def failed(session: Session, connection: str, payer: str, now: datetime) -> int:
    """Count a failure; gives how many there were in a row."""
    failures = int(session.run(_FAILED, connection=connection, payer=payer, now=now).scalar_one())
    if failures == FAILURES_MIN:
        _record(session, "outage.begin", connection, payer)
    return failures


def keep_away(session: Session, connection: str, payer: str, until: datetime) -> None:
    """Let nobody ask before `until`, if it is an outage at all."""
    session.run(_KEEP_AWAY, connection=connection, payer=payer, until=until)


def answered(session: Session, connection: str, payer: str) -> None:
    """It answers, whatever it says: there is no outage any more."""
    row = session.one(_ANSWERED, connection=connection, payer=payer)
    if row is not None and row["failures"] >= FAILURES_MIN:
        _record(session, "outage.end", connection, payer)


def standing(session: Session) -> list[Outage]:
    """The outages for which questions wait, the oldest first."""
    return [
        Outage(
            row["connection"],
            row["payer_name"] if row["payer_id"] else EVERYBODY,
            row["since"],
            row["waiting"],
        )
        for row in session.all(_STANDING, min=FAILURES_MIN)
    ]


def _record(session: Session, kind: str, connection: str, payer: str) -> None:
    event = Event(kind, Action.UPDATE, "connection", connection, connection=connection, code=payer)
    audit.record(session, event)
