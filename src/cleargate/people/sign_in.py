"""Signing in: argon2 passwords, sessions in the database behind an opaque cookie.

A session is checked at each request, so ending it is immediate; 15 minutes idle end it too.
"""

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from cleargate.nouns.ids import PracticeId
from cleargate.people.passwords import is_right
from cleargate.store import audit, people, refusals, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import NOWHERE, Database, Session, Source
from cleargate.store.links import token_hash
from cleargate.store.people import SignIn, StaffMember

IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=10)
TRIES_PER_QUARTER_HOUR = 10
TRIES_OF_AN_ADDRESS = 60
"""In a quarter of an hour, wrong ones only: a whole practice may sit behind one address."""


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
    """The cookie's token; None for a wrong name or password, or after too many tries.

    A try is counted before it is looked at, in a transaction of its own: looking takes a while, and
    a whole practice that comes to work must not wait in line for it.
    """
    window = quarter_hour(now)
    with database.session(practice, source) as session:
        in_time = _count_try(session, username, window)
    with database.session(practice, source) as session:
        member = people.by_username(session, username)
        right = in_time and is_right(member.password_hash if member else None, password)
        if member is None or not right:
            _refuse(session, member, now, in_time=in_time)
            return None
        _forget_tries(session, username, window)
        audit.record(session, _event(member))
        token = secrets.token_urlsafe(32)
        new = SignIn(practice, member.id, secrets.token_urlsafe(24), now, now + LONGEST)
        people.sign_in(session.connection, token_hash(token), new)
    return token


def _count_try(session: Session, username: str, window: datetime) -> bool:
    """Whether somebody may still try this name, and from this address."""
    of_name = throttle.take(session, _of_name(username), window, TRIES_PER_QUARTER_HOUR)
    of_address = throttle.take(session, _of_address(session), window, TRIES_OF_AN_ADDRESS)
    return of_name and of_address


def _forget_tries(session: Session, username: str, window: datetime) -> None:
    """Only wrong tries count; those of others from the same address still do."""
    throttle.clear(session, _of_name(username), window)
    throttle.give_back(session, _of_address(session), window)


def _refuse(session: Session, member: StaffMember | None, now: datetime, *, in_time: bool) -> None:
    """Each try that counted is on the trail; of those beyond the limit, one a minute."""
    event = replace(_event(member), outcome="refused")
    if in_time:
        audit.record(session, event)
    else:
        refusals.record(session, replace(event, code="too_many"), now)


def _event(member: StaffMember | None) -> Event:
    who = str(member.id) if member else "unknown"
    actor = f"staff:{who}" if member else who
    return Event("staff.sign_in", Action.EXECUTE, "staff", who, actor=actor)


def _of_name(username: str) -> str:
    return f"sign_in:{username}"


def _of_address(session: Session) -> str:
    return f"sign_in_from:{_network(session.source)}"


def quarter_hour(now: datetime) -> datetime:
    """When the window began in which wrong tries are counted."""
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0)


def _network(source: Source) -> str:
    """Who counts as one address: of IPv6, a whole house has 2^64."""
    try:
        address = ip_address(source.address)
    except ValueError:
        return "unknown"
    if isinstance(address, IPv6Address):
        return str(ip_network((int(address), 64), strict=False))
    return str(address)


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


def sign_out(database: Database, token: str, now: datetime, source: Source = NOWHERE) -> None:
    """End the session of a token, of whatever practice it is; nothing when it is over."""
    if not token:
        return
    with database.public() as connection:
        found = people.seen(connection, token_hash(token), now, now - IDLE, extend=False)
    if found is None:
        return
    source = replace(source, authn="password", session=session_name(token))
    event = Event(
        "staff.sign_out",
        Action.EXECUTE,
        "staff",
        str(found.staff),
        actor=f"staff:{found.staff}",
    )
    with database.session(found.practice, source) as session:
        if people.sign_out(session.connection, token_hash(token)):
            audit.record(session, event)
