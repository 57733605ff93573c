"""The trail as its sealer and its auditor see it: each signs in as a role of its own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId
from cleargate.store.audit import Event, body, uuid7
from cleargate.store.connect import AUDITS, engine
from cleargate.store.database import COMMAND, Source

BLOCK = 4096
"""So many events are read at once."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """One signed root: the tree's size and peaks, and up to where nothing more can come.

    `life` is the database cluster's own number: transactions are counted anew in another one.
    """

    size: int
    note: str
    peaks: bytes
    life: int
    sealed_below: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Leaf:
    """One sealed event's place in the tree; `body` is None when the event is gone."""

    position: int
    event: UUID
    leaf: bytes
    body: str | None


@dataclass(frozen=True, slots=True)
class TrailSession:
    """One transaction over one practice's trail."""

    connection: sa.Connection
    practice: PracticeId

    def run(
        self, statement: sa.TextClause, **values: object
    ) -> sa.CursorResult[tuple[object, ...]]:
        """Execute a named query; the practice is always bound as `:practice`."""
        return self.connection.execute(statement, {"practice": self.practice, **values})


# The practice becomes visible to the policies for this transaction only.
_ENTER = sa.text("select set_config('app.practice_id', :practice, true)")

# Every practice, by its slug.
_PRACTICES = sa.text("select id, slug from practices order by slug")


class TrailDatabase:
    """Connections of the sealer's or the auditor's role; each transaction sees one moment."""

    def __init__(self, url: str, name: str) -> None:
        made = engine(url, name, AUDITS, prepared=False, pool_size=2, overflow=2, ping=True)
        self._engine = made.execution_options(isolation_level="REPEATABLE READ")

    def practices(self) -> dict[str, PracticeId]:
        """Every practice by its slug."""
        with self._engine.begin() as connection:
            return {row.slug: PracticeId(row.id) for row in connection.execute(_PRACTICES)}

    @contextmanager
    def session(self, practice: PracticeId) -> Iterator[TrailSession]:
        """A transaction of one practice; commits when the block ends without an error."""
        with self._engine.begin() as connection:
            connection.execute(_ENTER, {"practice": str(practice)})
            yield TrailSession(connection, practice)

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()


# -- telling that it was read


# The auditor can add to the trail, and change nothing of it.
_NOTE = sa.text("insert into audit_events (practice_id, id, body) values (:practice, :id, :body)")


def note(session: TrailSession, event: Event) -> None:
    """Put on the trail that the trail was read."""
    session.run(_NOTE, id=uuid7(), body=body(Source(COMMAND), event))


# -- sealing


# Somebody else is sealing this practice's trail.
_ALONE = sa.text("select pg_try_advisory_xact_lock(hashtext('cleargate trail'), hashtext(:who))")

# The newest signed root.
_NEWEST = sa.text(
    "select size, note, peaks, life, cast(sealed_below as text) as sealed_below, sealed_at"
    " from audit_checkpoints where practice_id = :practice order by size desc limit 1"
)

# Which cluster this is, and below which transaction everything has ended.
_MOMENT = sa.text(
    "select (select system_identifier from pg_control_system()) as life,"
    " cast(pg_snapshot_xmin(pg_current_snapshot()) as text) as below"
)

# Give places in the tree to events that have none, in the order in which they were written.
_PLACE = sa.text(
    "insert into audit_leaves (practice_id, position, xid, event_id, leaf)"
    " select :practice, :size + row_number() over (order by e.xid, e.id) - 1, e.xid, e.id, e.leaf"
    " from (select id, leaf, xid from audit_events e where practice_id = :practice"
    "   and xid >= cast(:since as xid8) and not exists (select 1 from audit_leaves l"
    "     where l.practice_id = :practice and l.event_id = e.id and l.xid = e.xid)"
    "   order by xid, id limit :limit) as e"
    " returning position, leaf"
)

# Keep a signed root.
_KEEP = sa.text(
    "insert into audit_checkpoints (practice_id, size, note, peaks, life, sealed_below)"
    " values (:practice, :size, :note, :peaks, :life, cast(:below as xid8))"
)


def hold(session: TrailSession) -> bool:
    """Whether this transaction alone may seal the practice's trail, until it ends."""
    return bool(session.run(_ALONE, who=str(session.practice)).scalar_one())


def newest(session: TrailSession) -> Sealed | None:
    """The newest signed root, if anything was sealed."""
    row = session.run(_NEWEST).mappings().first()
    return None if row is None else _sealed(row)


def _sealed(row: sa.RowMapping) -> Sealed:
    return Sealed(
        row["size"], row["note"], row["peaks"], row["life"], row["sealed_below"], row["sealed_at"]
    )


@dataclass(frozen=True, slots=True)
class Placed:
    """Events that were given their places, in that order; `more`: there are others to be placed."""

    leaves: list[bytes]
    more: bool
    life: int
    sealed_below: str


def place(session: TrailSession, since: Sealed | None, limit: int) -> Placed:
    """Give places to events that have none yet.

    Whatever is visible is placed; nothing is missed, because the next round looks again from the
    oldest transaction that had not ended. In another cluster than last time (a restored backup)
    transactions are counted anew, so everything is looked at.
    """
    moment = session.run(_MOMENT).mappings().one()
    known = since is not None and since.life == moment["life"]
    low = since.sealed_below if since is not None and known else "0"
    size = since.size if since is not None else 0
    rows = session.run(_PLACE, size=size, since=low, limit=limit).all()
    leaves = [bytes(row.leaf) for row in sorted(rows, key=lambda row: row.position)]
    more = len(leaves) == limit
    return Placed(leaves, more, moment["life"], low if more else moment["below"])


def keep(session: TrailSession, placed: Placed, size: int, note: str, peaks: bytes) -> None:
    """Keep the signed root over everything that has a place now."""
    session.run(
        _KEEP, size=size, note=note, peaks=peaks, life=placed.life, below=placed.sealed_below
    )


# -- reading


# Events and hashes of some places: texts in lines, hashes one after the other.
_BLOCK = sa.text(
    "select coalesce(string_agg(convert_to(e.body, 'UTF8'), '\\x0a'::bytea"
    " order by l.position), '') as bodies,"
    " coalesce(string_agg(l.leaf, '' order by l.position), '') as leaves,"
    " count(*) as places, count(e.id) as events, coalesce(min(l.position), -1) as low"
    " from audit_leaves l left join audit_events e"
    " on e.practice_id = l.practice_id and e.xid = l.xid and e.id = l.event_id"
    " where l.practice_id = :practice and l.position >= :low and l.position < :high"
)

# The same, a row each.
_LEAVES = sa.text(
    "select l.position, l.event_id, l.leaf, e.body from audit_leaves l left join audit_events e"
    " on e.practice_id = l.practice_id and e.xid = l.xid and e.id = l.event_id"
    " where l.practice_id = :practice and l.position >= :low and l.position < :high"
    " order by l.position"
)

# Every signed root, the smallest first.
_CHECKPOINTS = sa.text(
    "select size, note, peaks, life, cast(sealed_below as text) as sealed_below, sealed_at"
    " from audit_checkpoints where practice_id = :practice order by size"
)

# One event's place.
_POSITION = sa.text(
    "select min(position) from audit_leaves where practice_id = :practice and event_id = :event"
)

# The hashes of some places, one after the other.
_HASHES = sa.text(
    "select coalesce(string_agg(leaf, '' order by position), '') as leaves from audit_leaves"
    " where practice_id = :practice and position >= :low and position < :high"
)

# How many places there are, and the highest of them.
_PLACES = sa.text(
    "select count(*) as places, coalesce(max(position), -1) as highest from audit_leaves"
    " where practice_id = :practice"
)

# Events without a place: how many, and the oldest.
_UNSEALED = sa.text(
    "select count(*) as events, min(recorded) as oldest, clock_timestamp() as now,"
    " (array_agg(id order by xid, id))[1] as first from audit_events e"
    " where practice_id = :practice and not exists (select 1 from audit_leaves l"
    "   where l.practice_id = :practice and l.event_id = e.id and l.xid = e.xid)"
)

# Which of some events are on the trail: sealed, or waiting for it.
_PRESENT = sa.text(
    "select event_id as id from audit_leaves where practice_id = :practice"
    " and event_id = any(:events)"
    " union select id from audit_events e where practice_id = :practice and id = any(:events)"
    " and not exists (select 1 from audit_leaves l where l.practice_id = :practice"
    "   and l.event_id = e.id)"
)


@dataclass(frozen=True, slots=True)
class Block:
    """Some places of the tree: the events' texts in lines, and the sealed hashes in a row.

    Whole unless `places` is smaller than asked for, or an event of them is gone.
    """

    bodies: bytes
    leaves: bytes
    places: int
    events: int
    low: int


def block(session: TrailSession, low: int, high: int) -> Block:
    """The places from `low` to `high - 1`."""
    row = session.run(_BLOCK, low=low, high=high).mappings().one()
    return Block(
        bytes(row["bodies"]), bytes(row["leaves"]), row["places"], row["events"], row["low"]
    )


def leaves(session: TrailSession, low: int, high: int) -> list[Leaf]:
    """The same places, one by one."""
    rows = session.run(_LEAVES, low=low, high=high).mappings()
    return [Leaf(row["position"], row["event_id"], bytes(row["leaf"]), row["body"]) for row in rows]


def hashes(session: TrailSession, low: int, high: int) -> Iterator[bytes]:
    """The sealed hashes from one place up to another."""
    for start in range(low, high, BLOCK):
        row = session.run(_HASHES, low=start, high=min(high, start + BLOCK)).mappings().one()
        found = bytes(row["leaves"])
        yield from (found[at : at + 32] for at in range(0, len(found), 32))


def checkpoints(session: TrailSession) -> list[Sealed]:
    """Every signed root, the smallest first."""
    return [_sealed(row) for row in session.run(_CHECKPOINTS).mappings()]


def position(session: TrailSession, event: UUID) -> int | None:
    """An event's place, None while it has none."""
    found = session.run(_POSITION, event=event).scalar()
    return None if found is None else int(str(found))


def places(session: TrailSession) -> tuple[int, int]:
    """How many places there are, and the highest; -1 where there is none."""
    row = session.run(_PLACES).mappings().one()
    return row["places"], row["highest"]


@dataclass(frozen=True, slots=True)
class Unsealed:
    """Events that wait for their seal; `now` is the database's time."""

    events: int
    first: UUID | None
    oldest: datetime | None
    now: datetime


def unsealed(session: TrailSession) -> Unsealed:
    """What has no place yet."""
    row = session.run(_UNSEALED).mappings().one()
    return Unsealed(row["events"], row["first"], row["oldest"], row["now"])


def present(session: TrailSession, events: list[UUID]) -> set[UUID]:
    """Which of these events are on the trail."""
    return {row.id for row in session.run(_PRESENT, events=events)}


STAMP_DIGEST = "76c71b648b87a76e7043db34c40062028e0a391d1895e43ae93bef8ef803b304"
"""The SHA-256 of what the trigger does, as migration 0004 wrote it."""

# Whether the trigger that stamps events is there and fires, and whether a role of ours may do more
# to the trail than add to it.
_GUARDS = sa.text(
    "select (select count(*) from pg_trigger t join pg_proc f on f.oid = t.tgfoid"
    "   where tgname = 'audit_stamp' and tgrelid = 'audit_events'::regclass and tgenabled = 'O'"
    "   and encode(sha256(convert_to(f.prosrc, 'UTF8')), 'hex') = :stamp) as triggers,"
    " (select count(*) from pg_roles r, unnest(array['audit_events', 'audit_leaves',"
    "   'audit_checkpoints']) t where r.rolname like 'cleargate\\_%' and not r.rolsuper"
    "   and not pg_has_role(r.oid, (select relowner from pg_class where relname = t"
    "     and relnamespace = 'public'::regnamespace), 'member')"
    "   and has_table_privilege(r.oid, t, 'update, delete, truncate')) as powers"
)


def guards(session: TrailSession) -> tuple[bool, bool]:
    """Whether the trigger guards the trail, and whether the grants do."""
    row = session.run(_GUARDS, stamp=STAMP_DIGEST).mappings().one()
    return row["triggers"] == 1, row["powers"] == 0
