"""`cleargate retention run`: what each practice keeps no longer is deleted, in batches.

Signs in as a role that deletes and cannot read, and has no key: see docs/decisions/0006.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime

from rich.console import Console

from cleargate.house import files_of
from cleargate.nouns.errors import FilesDown
from cleargate.nouns.ids import PracticeId
from cleargate.practice_file import read_practices
from cleargate.settings import RetentionSettings
from cleargate.store import retention
from cleargate.store.database import Database
from cleargate.store.keyless import KeylessDatabase
from cleargate.store.practices import practice_id
from cleargate.store.retention import Periods


def run(settings: RetentionSettings, now: datetime, console: Console) -> None:
    """Delete what is over and old, practice by practice, and say how much.

    Raises FilesDown at the end, when a bucket kept some of it from going.
    """
    read = read_practices(settings.practices)
    files = files_of(settings.attachments_bucket)
    stopped: FilesDown | None = None
    with closing(KeylessDatabase(settings.retention_database_url, files)) as database:
        for each in read:
            slug = each.file.practice.slug
            for done in delete(database, practice_id(slug), each.file.retention.periods(), now):
                line = f"{slug}: {done.kind}: {done.count} deleted"
                console.print(line, highlight=False, soft_wrap=True)
                stopped = done.stopped or stopped
    if stopped is not None:
        raise FilesDown(f"{stopped}; what has photos there is kept, and goes at the next run.")


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a transaction deletes, and after how many a kind waits for the next day."""

    batch: int = 200
    batches: int = 500


@dataclass(frozen=True, slots=True)
class Done:
    """How many rows of a kind went, and what stopped it before its end."""

    kind: str
    count: int
    stopped: FilesDown | None = None


def delete(
    database: Database,
    practice: PracticeId,
    periods: Periods,
    now: datetime,
    limits: Limits = Limits(),
) -> Iterator[Done]:
    """Delete every kind of one practice; gives each as it is done. None stops another."""
    for kind, period in asdict(periods).items():
        yield _delete_kind(database, practice, kind, now - period, limits)


def _delete_kind(
    database: Database, practice: PracticeId, kind: str, before: datetime, limits: Limits
) -> Done:
    """One short transaction after the other, so that nobody waits for long."""
    deleted = 0
    for _ in range(limits.batches):
        try:
            with database.session(practice) as session:
                count = retention.delete_some(session, kind, before, limits.batch)
        except FilesDown as stopped:
            return Done(kind, deleted, stopped)
        deleted += count
        if count < limits.batch:
            break
    return Done(kind, deleted)
