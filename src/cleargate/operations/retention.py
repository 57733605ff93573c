"""`cleargate retention run`: what each practice keeps no longer is deleted, in batches.

Signs in as a role that deletes and cannot read, and has no key: see docs/decisions/0006.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import Console

from cleargate.nouns.ids import PracticeId
from cleargate.practice_file import read_practices
from cleargate.settings import RetentionSettings
from cleargate.store import retention
from cleargate.store.database import Database
from cleargate.store.keyless import KeylessDatabase
from cleargate.store.practices import practice_id
from cleargate.store.retention import Periods


def run(settings: RetentionSettings, now: datetime, console: Console) -> None:
    """Delete what is over and old, practice by practice, and say how much."""
    read = read_practices(settings.practices)
    with closing(KeylessDatabase(settings.retention_database_url)) as database:
        for each in read:
            practice = practice_id(each.file.practice.slug)
            periods = each.file.retention.periods()
            for kind, count in delete(database, practice, periods, now):
                line = f"{each.file.practice.slug}: {kind}: {count} deleted"
                console.print(line, highlight=False, soft_wrap=True)


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a transaction deletes, and after how many a kind waits for the next day."""

    batch: int = 200
    batches: int = 500


def delete(
    database: Database,
    practice: PracticeId,
    periods: Periods,
    now: datetime,
    limits: Limits = Limits(),
) -> Iterator[tuple[str, int]]:
    """Delete every kind of one practice; gives each with its count, as it is done."""
    for kind, period in asdict(periods).items():
        yield kind, _delete_kind(database, practice, kind, now - period, limits)


def _delete_kind(
    database: Database, practice: PracticeId, kind: str, before: datetime, limits: Limits
) -> int:
    """One short transaction after the other, so that nobody waits for long."""
    deleted = 0
    for _ in range(limits.batches):
        with database.session(practice) as session:
            count = retention.delete_some(session, kind, before, limits.batch)
        deleted += count
        if count < limits.batch:
            break
    return deleted
