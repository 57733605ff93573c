"""Signing in: argon2 passwords, sessions in the database behind an opaque cookie.

A session is checked at each request, so ending it is immediate; 15 minutes idle end it too.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cleargate.nouns.ids import PracticeId
from cleargate.store import audit, people, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import NOWHERE, Database, Session, Source
from cleargate.store.links import token_hash
from cleargate.store.people import SignIn, StaffMember

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=10)
TRIES_PER_QUARTER_HOUR = 10

_hasher = PasswordHasher()
# Verified when there is no such name, so that a wrong name takes as long as a wrong password.
_NOBODY = _hasher.hash(secrets.token_urlsafe(16))


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who is at the desk, and the token that their forms must carry."""

    member: StaffMember
    practice: PracticeId
    csrf: str

    @property
    def actor(self) -> str:
        """How the trail names them."""
        return f"staff:{self.member.id}"


def session_name(token: str) -> str:
    """How the trail names a signed-in session: the beginning of its token's hash."""
    return token_hash(token).hex()[:16]


def sign_in(
    database: Database,
    practice: PracticeId,
    username: str,
    password: str,
    now: datetime,
    source: Source = NOWHERE,
) -> str | None:
    """The cookie's token; None for a wrong name or password, or after too many tries."""
    with database.session(practice, source) as session:
        member = _authenticated(session, username, password, now)
        if member is None:
            return None
        token = secrets.token_urlsafe(32)
        new = SignIn(practice, member.id, secrets.token_urlsafe(24), now, now + LONGEST)
        people.sign_in(session.connection, token_hash(token), new)
    return token


def _authenticated(
    session: Session, username: str, password: str, now: datetime
) -> StaffMember | None:
    """The member, if the password is theirs; refusals are on the trail too."""
    window = now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)
    bucket = f"sign_in:{username}"
    in_time = throttle.take(session, bucket, window, TRIES_PER_QUARTER_HOUR)
    member = people.by_username(session, username)
    right = _is_right(member.password_hash if member else _NOBODY, password)
    allowed = member if member is not None and right and in_time else None
    if allowed:
        throttle.clear(session, bucket, window)  # Only wrong tries count.
    event = Event(
        "staff.sign_in",
        Action.EXECUTE,
        "staff",
        str(member.id) if member else "unknown",
        actor=f"staff:{member.id}" if member else "unknown",
        outcome="ok" if allowed else "refused",
    )
    audit.record(session, event)
    return allowed


def _is_right(password_hash: str, password: str) -> bool:
    try:
        return _hasher.verify(password_hash, password)
    except (VerificationError, InvalidHashError):
        return False


def signed_in(
    database: Database, practice: PracticeId, token: str, now: datetime, *, extend: bool = True
) -> SignedIn | None:
    """Whose session the token is, if it holds and is of this practice.

    Without `extend` it stays as idle as it was: a page that polls is nobody at the desk.
    """
    if not token:
        return None
    with database.public() as connection:
        found = people.seen(connection, token_hash(token), now, now - IDLE, extend=extend)
    if found is None or found.practice != practice:
        return None
    with database.session(practice) as session:
        member = people.by_id(session, found.staff)
    return None if member is None else SignedIn(member, practice, found.csrf)


def sign_out(database: Database, who: SignedIn, token: str, source: Source = NOWHERE) -> None:
    """End the session."""
    with database.public() as connection:
        people.sign_out(connection, token_hash(token))
    event = Event("staff.sign_out", Action.EXECUTE, "staff", str(who.member.id), actor=who.actor)
    with database.session(who.practice, source) as session:
        audit.record(session, event)
