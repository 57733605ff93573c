"""The practice's staff: taken on, listed, given a new password, let go. Nobody is ever deleted."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class OnStaff:
    """A member as a list shows them: `active` until they leave, `sessions` are those open now."""

    id: UUID
    username: str
    name: str
    active: bool
    sessions: int


# A new member, unless the user name is or was somebody's.
_ADD = sa.text(
    "insert into staff (practice_id, id, username, name, password_hash)"
    " values (:practice, :id, :username, :name, :hash) on conflict do nothing"
)

# Everybody, those who have left included, and how many sessions each has.
_ALL = sa.text(
    "select s.id, s.username, s.name, s.active,"
    " (select count(*) from sign_ins i where i.practice_id = :practice and i.staff_id = s.id"
    "   and i.expires_at > :now and i.seen_at > :idle_since) as sessions"
    " from staff s where s.practice_id = :practice order by not s.active, s.username limit 1000"
)

# A new password for somebody who may sign in.
_SET_PASSWORD = sa.text(
    "update staff set password_hash = :hash where practice_id = :practice and id = :id and active"
)

# Somebody who may not sign in any more. The row stays: the trail names it.
_LEAVE = sa.text(
    "update staff set active = false where practice_id = :practice and id = :id and active"
)

# The same person is back, with a new password.
_COME_BACK = sa.text(
    "update staff set active = true, password_hash = :hash"
    " where practice_id = :practice and id = :id and not active"
)


def add(session: Session, username: str, name: str, password_hash: str) -> UUID | None:
    """Take somebody on; None when the user name is, or was, somebody's."""
    member = uuid4()
    values = {"id": member, "username": username, "name": name, "hash": password_hash}
    return member if session.run(_ADD, **values).rowcount else None


def all_of(session: Session, now: datetime, idle_since: datetime) -> list[OnStaff]:
    """Everybody, those who may sign in first."""
    return [OnStaff(**row) for row in session.all(_ALL, now=now, idle_since=idle_since)]


def set_password(session: Session, member: UUID, password_hash: str) -> bool:
    """Give somebody another password; False when they have left."""
    return session.run(_SET_PASSWORD, id=member, hash=password_hash).rowcount == 1


def leave(session: Session, member: UUID) -> bool:
    """Let somebody sign in no more; False when they have left before."""
    return session.run(_LEAVE, id=member).rowcount == 1


def come_back(session: Session, member: UUID, password_hash: str) -> bool:
    """Let somebody who had left sign in again; False when they had not."""
    return session.run(_COME_BACK, id=member, hash=password_hash).rowcount == 1
