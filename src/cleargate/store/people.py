"""Staff and their signed-in sessions; passwords and tokens are stored as hashes only."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId
from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class StaffMember:
    """A person who may sign in; `password_hash` is argon2id."""

    id: UUID
    username: str
    name: str
    password_hash: str


@dataclass(frozen=True, slots=True)
class SignIn:
    """A signed-in session."""

    practice: PracticeId
    staff: UUID
    csrf: str
    seen: datetime
    expires: datetime


# An active staff member by sign-in name. Until this transaction ends, nobody changes the password:
# what was opened with the old one is there to be ended by whoever changes it.
_BY_NAME = sa.text(
    "select id, username, name, password_hash from staff where practice_id = :practice"
    " and username = :username and active for share"
)

# An active staff member by id.
_BY_ID = sa.text(
    "select id, username, name, password_hash from staff where practice_id = :practice"
    " and id = :id and active"
)


def by_username(session: Session, username: str) -> StaffMember | None:
    """The active staff member of that sign-in name."""
    return _member(session.one(_BY_NAME, username=username))


def by_id(session: Session, staff: UUID) -> StaffMember | None:
    """The active staff member of that id."""
    return _member(session.one(_BY_ID, id=staff))


# A staff member by id, also one who has left.
_EVER = sa.text(
    "select id, username, name, password_hash from staff where practice_id = :practice and id = :id"
)


def of_any_time(session: Session, staff: UUID) -> StaffMember | None:
    """The staff member of that id, even one who may not sign in any more."""
    return _member(session.one(_EVER, id=staff))


def _member(row: sa.RowMapping | None) -> StaffMember | None:
    if row is None:
        return None
    return StaffMember(row["id"], row["username"], row["name"], row["password_hash"])


# A new signed-in session.
_SIGN_IN = sa.text(
    "insert into sign_ins (token_hash, practice_id, staff_id, csrf, created_at, seen_at,"
    " expires_at) values (:hash, :practice, :staff, :csrf, :now, :now, :expires)"
)

# A session that is not idle and not over, marked as seen if somebody did something. One that was
# seen in the future ends: the clock was turned back, and how long it was idle is not known.
_SEEN = sa.text(
    "update sign_ins set seen_at = case when :extend then :now else seen_at end"
    " where token_hash = :hash and expires_at > :now"
    " and seen_at > :idle_since and seen_at < cast(:now as timestamptz) + interval '1 minute'"
    " returning practice_id, staff_id, csrf, seen_at, expires_at"
)

# The session ends.
_SIGN_OUT = sa.text("delete from sign_ins where token_hash = :hash")


def sign_in(connection: sa.Connection, token_hash: bytes, new: SignIn) -> None:
    """Keep a new signed-in session."""
    connection.execute(
        _SIGN_IN,
        {
            "hash": token_hash,
            "practice": new.practice,
            "staff": new.staff,
            "csrf": new.csrf,
            "now": new.seen,
            "expires": new.expires,
        },
    )


def seen(
    connection: sa.Connection,
    token_hash: bytes,
    now: datetime,
    idle_since: datetime,
    *,
    extend: bool = True,
) -> SignIn | None:
    """The session of a token, if it still holds; with `extend`, marks it as seen."""
    values = {"hash": token_hash, "now": now, "idle_since": idle_since, "extend": extend}
    row = connection.execute(_SEEN, values).first()
    if row is None:
        return None
    return SignIn(PracticeId(row.practice_id), row.staff_id, row.csrf, row.seen_at, row.expires_at)


# Every session of a member, but for one of them.
_END_ALL = sa.text(
    "delete from sign_ins where practice_id = :practice and staff_id = :staff"
    " and token_hash <> :but"
)


def sign_out(connection: sa.Connection, token_hash: bytes) -> bool:
    """End the session; False when it had ended."""
    return connection.execute(_SIGN_OUT, {"hash": token_hash}).rowcount == 1


def sign_out_everywhere(session: Session, staff: UUID, but: bytes = b"") -> int:
    """End every session of a member, but for that of the token's hash; how many there were."""
    return session.run(_END_ALL, staff=staff, but=but).rowcount


# Sessions that are over.
_FORGET_SIGN_INS = sa.text("delete from sign_ins where expires_at < :now")


def forget_sign_ins(connection: sa.Connection, now: datetime) -> None:
    """Drop sessions that are over; signing in stays on the trail."""
    connection.execute(_FORGET_SIGN_INS, {"now": now})
