"""The watchdog: proves that every open case has something to come, and mends what has not."""

import structlog

from cleargate.nouns.ids import PracticeId
from cleargate.store import audit, watch
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database
from cleargate.store.queue import start_phase

ORPHAN_AGE_S = 30.0

_log = structlog.get_logger()


def mend_orphans(database: Database, age_s: float = ORPHAN_AGE_S) -> int:
    """Queue again whatever was lost in every practice; gives how many cases were mended."""
    with database.public() as connection:
        practices = watch.practices(connection)
    return sum(_mend(database, practice, age_s) for practice in practices)


def _mend(database: Database, practice: PracticeId, age_s: float) -> int:
    with database.session(practice) as session:
        orphans = watch.orphans(session, age_s)
        for orphan in orphans:
            start_phase(session, orphan.case, orphan.phase, note="mended")
            event = Event(
                "case.mended",
                Action.EXECUTE,
                "case",
                str(orphan.case),
                case=orphan.case,
                code=orphan.phase,
            )
            audit.record(session, event)
        doubled = watch.doubled(session)
    if orphans:
        _log.error("alert", code="cases_without_next_step", count=len(orphans))
    if doubled:
        _log.error("alert", code="cases_with_gate_and_phase", count=doubled)
    return len(orphans)
