"""Sealing anew what is under older data keys, a few values at a time, beside all other work.

Tables and columns are those of `schema.SEALED`. `answers` is append-only for the app role, so this
is work for the owner; what a value says does not change by it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from cleargate.store.crypto import HEADER_BYTES, header
from cleargate.store.database import Session
from cleargate.store.schema import SEALED

BATCH: Final = 50
"""How many rows are locked in one transaction; photos are the largest, at half a megabyte."""


@dataclass(frozen=True, slots=True)
class Place:
    """A sealed column."""

    table: str
    column: str

    @property
    def row(self) -> str:
        """The column that names the row."""
        return SEALED[self.table].row


@dataclass(frozen=True, slots=True)
class Batch:
    """What became of a few values.

    `last` is the last row that was looked at, None at the end of the column. `damaged` values do
    not open; they are left as they are.
    """

    last: UUID | str | None
    resealed: int = 0
    damaged: int = 0


def places() -> Iterator[Place]:
    """Every sealed column."""
    for table, sealed in SEALED.items():
        for column in sealed.columns:
            yield Place(table, column)


def left_over(session: Session, key: int) -> int:
    """How many of the practice's values are sealed under another key than this one."""
    found = 0
    for place in places():
        table, value = _columns(place)
        count = sa.select(sa.func.count()).select_from(table)
        count = count.where(*_under_others(session, table, value, key))
        found += session.connection.execute(count).scalar_one()
    return found


def reseal(session: Session, place: Place, after: UUID | str | None, key: int) -> Batch:
    """Seal the next few values of a column under `key`, which must be the newest.

    Rows that somebody else holds are left out, for a later pass: this work waits for nobody, so it
    can be in no deadlock. What it holds itself can be read, and referred to.
    """
    table, value = _columns(place)
    row = table.c[place.row]
    chosen = sa.select(row, value).where(*_under_others(session, table, value, key))
    chosen = chosen.order_by(row).limit(BATCH)
    chosen = chosen.with_for_update(key_share=True, skip_locked=True)
    found = session.connection.execute(chosen if after is None else chosen.where(row > after)).all()
    resealed = damaged = 0
    for name, sealed in found:
        try:
            content = session.sealer.open(sealed, place.table, place.column, name)
        except InvalidTag:
            damaged += 1
            continue
        anew = session.sealer.seal(content, place.table, place.column, name)
        replace = sa.update(table).values({place.column: anew})
        this = (table.c.practice_id == session.practice, row == name)
        session.connection.execute(replace.where(*this))
        resealed += 1
    return Batch(found[-1][0] if len(found) == BATCH else None, resealed, damaged)


# The transactions of the running processes that are under way in this database, each by a number
# that no other gets. Everybody may see it, and no clock is in it.
_UNDER_WAY = sa.text(
    "select l.virtualtransaction from pg_locks l join pg_stat_activity a on a.pid = l.pid"
    " where l.locktype = 'virtualxid' and l.mode = 'ExclusiveLock'"
    " and a.datname = current_database() and a.usename = :role"
)


def under_way(connection: sa.Connection, role: str) -> frozenset[str]:
    """The transactions of a role that are under way now."""
    return frozenset(connection.execute(_UNDER_WAY, {"role": role}).scalars())


def _columns(place: Place) -> tuple[sa.TableClause, sa.ColumnClause[Any]]:
    value: sa.ColumnClause[Any] = sa.column(place.column)
    table = sa.table(place.table, sa.column("practice_id"), sa.column(place.row), value)
    return table, value


def _under_others(
    session: Session, table: sa.TableClause, value: sa.ColumnClause[Any], key: int
) -> tuple[sa.ColumnElement[bool], ...]:
    head = sa.func.substr(value, 1, HEADER_BYTES)
    return (table.c.practice_id == session.practice, value.is_not(None), head != header(key))
