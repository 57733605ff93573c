"""What sealing costs: a table with six sealed fields and two blind indexes against the plain one.

Both tables are under row-level security and are used through the store's own session. They take
turns: each transaction inserts rows, or looks rows up by either index and opens all six fields. It
holds as many statements as a page's does, so the sync of its commit hides little.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from uuid import UUID, uuid4

import sqlalchemy as sa

from bench._office import fresh_house
from cleargate.store.database import Session
from tests.house import House

ROUNDS = 15
TRANSACTIONS = 20
STATEMENTS = 20
INSERT_MAX = 1.4
LOOK_UP_MAX = 1.4

_FIELDS = ("name", "birth_date", "phone", "email", "member_id", "reason")

_TABLES = """
create table plain (practice_id uuid not null, id uuid not null, name text not null,
    birth_date text not null, phone text not null, email text not null, member_id text not null,
    reason text not null, primary key (practice_id, id));
create index on plain (practice_id, name, birth_date);
create index on plain (practice_id, member_id);
create table sealed (practice_id uuid not null, id uuid not null, name bytea not null,
    birth_date bytea not null, phone bytea not null, email bytea not null, member_id bytea not null,
    reason bytea not null, person_index bytea not null, member_index bytea not null,
    primary key (practice_id, id));
create index on sealed (practice_id, person_index);
create index on sealed (practice_id, member_index);
"""

_SECURE = """
alter table {0} enable row level security;
alter table {0} force row level security;
create policy practice_only on {0} using (practice_id =
    (select nullif(current_setting('app.practice_id', true), '')::uuid));
grant select, insert on {0} to cleargate_app;
"""

_ADD_PLAIN = sa.text(
    "insert into plain (practice_id, id, name, birth_date, phone, email, member_id, reason)"
    " values (:practice, :id, :name, :birth_date, :phone, :email, :member_id, :reason)"
)
_ADD_SEALED = sa.text(
    "insert into sealed (practice_id, id, name, birth_date, phone, email, member_id, reason,"
    " person_index, member_index) values (:practice, :id, :name, :birth_date, :phone, :email,"
    " :member_id, :reason, :person_index, :member_index)"
)
_PERSON_PLAIN = sa.text(
    "select * from plain where practice_id = :practice and name = :name"
    " and birth_date = :birth_date"
)
_MEMBER_PLAIN = sa.text(
    "select * from plain where practice_id = :practice and member_id = :member_id"
)
_PERSON_SEALED = sa.text(
    "select * from sealed where practice_id = :practice and person_index = :person_index"
)
_MEMBER_SEALED = sa.text(
    "select * from sealed where practice_id = :practice and member_index = :member_index"
)

_numbers = count(1)

Row = dict[str, str]

Seconds = Counter[tuple[str, str]]
"""How long each table took for each kind of work."""


@dataclass(frozen=True, slots=True)
class Table:
    """How rows are put into a table and found in it."""

    add: Callable[[Session, UUID, Row], None]
    find: Callable[[Session, Row, int], Row]


def main() -> int:
    """Print both ratios; 0 if both targets are met."""
    with fresh_house() as house:
        _make_tables(house)
        _round(house)  # It warms up.
        rounds = [_round(house) for _ in range(ROUNDS)]
        sizes = _sizes(house)
    held = [_told(rounds, *target) for target in (("insert", INSERT_MAX), ("look-up", LOOK_UP_MAX))]
    print(f"  size on disk with indexes: {sizes['sealed'] / sizes['plain']:.2f} x")
    return 0 if all(held) else 1


def _round(house: House) -> Seconds:
    """The tables take turns with each transaction, so that both meet the same noise."""
    seconds: Seconds = Counter()
    for number in range(TRANSACTIONS):
        both = (("plain", PLAIN), ("sealed", SEALED))
        for name, table in both if number % 2 else reversed(both):
            rows = [_row() for _ in range(STATEMENTS)]
            seconds[name, "insert"] += _add_all(house, table, rows)
            seconds[name, "look-up"] += _find_all(house, table, rows)
    return seconds


def _told(rounds: list[Seconds], what: str, most: float) -> bool:
    plain, sealed = (
        statistics.median(each[name, what] for each in rounds) / (TRANSACTIONS * STATEMENTS) * 1e6
        for name in ("plain", "sealed")
    )
    ratios = [each["sealed", what] / each["plain", what] for each in rounds]
    ratio = statistics.median(ratios)
    held = ratio <= most
    print(
        f"{what}: plain {plain:.0f} us, sealed {sealed:.0f} us a row: {ratio:.2f} x"
        f" ({min(ratios):.2f} to {max(ratios):.2f}), target at most {most} x:"
        f" {'held' if held else 'MISSED'}"
    )
    return held


def _make_tables(house: House) -> None:
    with house.owner() as owner:
        owner.execute(_TABLES.encode())
        for table in ("plain", "sealed"):
            owner.execute(_SECURE.format(table).encode())


def _sizes(house: House) -> dict[str, int]:
    with house.owner() as owner:
        rows = owner.execute(
            "select relname, pg_total_relation_size(oid) from pg_class"
            " where relname in ('plain', 'sealed')"
        )
        return {str(row[0]): int(row[1]) for row in rows}


def _row() -> Row:
    """Somebody synthetic, with values as long as people's are."""
    number = next(_numbers)
    return {
        "name": f"Testperson-{number}, Toni",
        "birth_date": f"19{number % 90 + 10}-02-28",
        "phone": f"+1202555{number % 10_000:04}",
        "email": f"toni.{number}@example.invalid",
        "member_id": f"MEMBER{number:08}",
        "reason": "pain in the left knee after a fall, worse on the stairs",
    }


def _add_all(house: House, table: Table, rows: list[Row]) -> float:
    started = time.perf_counter()
    with house.session() as session:
        for row in rows:
            table.add(session, uuid4(), row)
    return time.perf_counter() - started


def _find_all(house: House, table: Table, rows: list[Row]) -> float:
    started = time.perf_counter()
    with house.session() as session:
        for number, row in enumerate(rows):
            if table.find(session, row, number) != row:
                msg = "another row was found"
                raise AssertionError(msg)
    return time.perf_counter() - started


def _add_plain(session: Session, row_id: UUID, row: Row) -> None:
    session.run(_ADD_PLAIN, id=row_id, **row)


def _find_plain(session: Session, row: Row, number: int) -> Row:
    if number % 2:
        found = session.one(_MEMBER_PLAIN, member_id=row["member_id"])
    else:
        found = session.one(_PERSON_PLAIN, name=row["name"], birth_date=row["birth_date"])
    return {field: found[field] for field in _FIELDS} if found else {}


def _add_sealed(session: Session, row_id: UUID, row: Row) -> None:
    sealer = session.sealer
    values = {field: sealer.seal(row[field].encode(), "sealed", field, row_id) for field in _FIELDS}
    session.run(
        _ADD_SEALED,
        id=row_id,
        person_index=sealer.index("person", f"{row['name']}|{row['birth_date']}"),
        member_index=sealer.index("member", row["member_id"]),
        **values,
    )


def _find_sealed(session: Session, row: Row, number: int) -> Row:
    sealer = session.sealer
    if number % 2:
        index = sealer.index("member", row["member_id"])
        found = session.one(_MEMBER_SEALED, member_index=index)
    else:
        index = sealer.index("person", f"{row['name']}|{row['birth_date']}")
        found = session.one(_PERSON_SEALED, person_index=index)
    if found is None:
        return {}
    return {
        field: sealer.open(found[field], "sealed", field, found["id"]).decode() for field in _FIELDS
    }


PLAIN = Table(_add_plain, _find_plain)
SEALED = Table(_add_sealed, _find_sealed)
