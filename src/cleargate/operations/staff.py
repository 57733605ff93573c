"""`cleargate staff`: who may sign in at a practice's desk."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from rich.console import Console
from rich.table import Table

from cleargate.directory.practice import Profile
from cleargate.house import House, keep_practices
from cleargate.nouns.errors import Refused
from cleargate.operations.checks import actor, practice_of
from cleargate.people.passwords import check_new, hash_of
from cleargate.people.sign_in import IDLE
from cleargate.store import audit, people, staff
from cleargate.store.audit import Action, Event
from cleargate.store.database import Session
from cleargate.store.staff import OnStaff

NAME_MAX = 100

_USERNAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,99}", re.ASCII)

AskPassword = Callable[[], str]
"""Gives the new password, however it was asked for."""


@dataclass(frozen=True, slots=True)
class Member:
    """Whom a command is about: the practice's slug, the user name, and the name that is shown."""

    practice: str
    username: str
    name: str = ""


def add(house: House, who: Member, ask: AskPassword, console: Console, *, again: bool) -> None:
    """Let somebody sign in; `again` is for one who had left and is back. Raises Refused."""
    keep_practices(house)
    profile = practice_of(house, who.practice)
    if not _USERNAME.fullmatch(who.username):
        raise Refused("USERNAME: small letters, digits, and . _ @ + - in between, 100 at most.")
    if again:
        _take_back(house, profile, who, ask)
    else:
        _take_on(house, profile, who, ask)
    console.print(f"{who.username} may sign in at /{profile.slug}/desk.", markup=False)


def _take_on(house: House, profile: Profile, who: Member, ask: AskPassword) -> None:
    name = who.name.strip()
    if not name or len(name) > NAME_MAX or not name.isprintable():
        raise Refused(
            f"--name: the person's name as the desk shows it, {NAME_MAX} letters at most."
        )
    with house.database.session(profile.id) as session:
        known = _find(house, session, who.username)
    if known is not None:
        raise Refused(_TAKEN if known.active else _HAD_LEFT)
    hashed = _new_hash(profile, who.username, name, ask)
    with house.database.session(profile.id) as session:
        member = staff.add(session, who.username, name, hashed)
        if member is None:
            raise Refused(_TAKEN)
        audit.record(session, _event("add", Action.CREATE, member))


_TAKEN = "USERNAME: somebody has it; take another. For a new password: `cleargate staff password`."
_HAD_LEFT = (
    "USERNAME: it was somebody's who left, and the trail names them by it. If that person is back,"
    " add --again; otherwise take another."
)


def _take_back(house: House, profile: Profile, who: Member, ask: AskPassword) -> None:
    with house.database.session(profile.id) as session:
        known = _known(house, session, who.username)
    hashed = _new_hash(profile, known.username, known.name, ask)
    with house.database.session(profile.id) as session:
        if not staff.come_back(session, known.id, hashed):
            raise Refused("--again: that person has not left.")
        audit.record(session, _event("add", Action.UPDATE, known.id, "again"))


def show(house: House, slug: str, console: Console) -> None:
    """Print everybody of every practice, or of one, those who may sign in first."""
    table = Table()
    for title in ("practice", "user name", "name", "may sign in", "signed in now"):
        table.add_column(title, overflow="fold")
    for profile in [practice_of(house, slug)] if slug else house.profiles.values():
        with house.database.session(profile.id) as session:
            for each in _everybody(house, session):
                state = "yes" if each.active else "no, has left"
                table.add_row(
                    profile.slug, each.username, each.name, state, str(each.sessions or "")
                )
    console.print(table)


def set_password(house: House, who: Member, ask: AskPassword, console: Console) -> None:
    """Give somebody a new password; whoever signed in with the old one is out. Raises Refused."""
    profile = practice_of(house, who.practice)
    with house.database.session(profile.id) as session:
        known = _known(house, session, who.username)
    if not known.active:
        raise Refused("That person has left. If they are back: `cleargate staff add --again`.")
    hashed = _new_hash(profile, known.username, known.name, ask)
    with house.database.session(profile.id) as session:
        if not staff.set_password(session, known.id, hashed):
            raise Refused("That person has left meanwhile.")
        ended = people.sign_out_everywhere(session, known.id)
        audit.record(session, _event("password", Action.UPDATE, known.id))
    console.print(f"The password is changed. Sessions ended: {ended}.", highlight=False)


def leave(house: House, who: Member, console: Console) -> None:
    """Let somebody sign in no more, and end their sessions at once. Raises Refused."""
    profile = practice_of(house, who.practice)
    with house.database.session(profile.id) as session:
        known = _known(house, session, who.username)
        if not staff.leave(session, known.id):
            raise Refused("That person has left before.")
        ended = people.sign_out_everywhere(session, known.id)
        audit.record(session, _event("leave", Action.UPDATE, known.id))
        others = any(each.active for each in _everybody(house, session))
    console.print(f"{who.username} is out. Sessions ended: {ended}.", markup=False, highlight=False)
    if not others:
        console.print(
            f"Nobody can sign in at /{profile.slug}/desk any more, and what needs a person waits:"
            " `cleargate staff add` lets somebody in.",
            markup=False,
        )


def _everybody(house: House, session: Session) -> list[OnStaff]:
    now = house.clock.now()
    return staff.all_of(session, now, now - IDLE)


def _find(house: House, session: Session, username: str) -> OnStaff | None:
    return next((each for each in _everybody(house, session) if each.username == username), None)


def _known(house: House, session: Session, username: str) -> OnStaff:
    known = _find(house, session, username)
    if known is None:
        raise Refused("USERNAME: the practice has nobody of that name; see `cleargate staff list`.")
    return known


def _new_hash(profile: Profile, username: str, name: str, ask: AskPassword) -> str:
    """The hash of a password that keeps the rules. Asked for while no transaction is open."""
    password = ask()
    check_new(password, (username, name, profile.name, profile.slug))
    return hash_of(password)


def _event(what: str, action: Action, member: UUID, code: str = "") -> Event:
    return Event(f"staff.{what}", action, "staff", str(member), actor=actor(), code=code)
