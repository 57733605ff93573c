"""`cleargate token`: which programs may call the API of a practice."""

import re
import secrets

from rich.console import Console
from rich.table import Table

from cleargate.house import House, keep_practices
from cleargate.nouns.errors import Refused
from cleargate.operations.checks import actor, practice_of
from cleargate.store import api_tokens, audit
from cleargate.store.audit import Action, Event
from cleargate.store.links import token_hash

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,39}", re.ASCII)


def add(house: House, slug: str, name: str, console: Console) -> None:
    """Make a token for a program and print it, this once; only its hash is kept. Raises Refused."""
    keep_practices(house)
    profile = practice_of(house, slug)
    if not _NAME.fullmatch(name):
        raise Refused("NAME: the program's, in small letters, digits, and . _ -, 40 at most.")
    token = secrets.token_urlsafe(32)
    with house.database.session(profile.id) as session:
        if any(each.name == name and not each.revoked for each in api_tokens.all_of(session)):
            raise Refused(
                "NAME: a token of that name is in force; revoke it, or take another name."
            )
        api_tokens.keep(session, token_hash(token), name)
        audit.record(session, _event("add", Action.CREATE, name))
    console.print("The token. It is shown this once; give it to the program and nobody else:")
    console.print(token, markup=False, highlight=False, soft_wrap=True)


def show(house: House, slug: str, console: Console) -> None:
    """Print the tokens of every practice, or of one, those in force first."""
    table = Table()
    for title in ("practice", "name", "made", "revoked"):
        table.add_column(title, overflow="fold")
    for profile in [practice_of(house, slug)] if slug else house.profiles.values():
        with house.database.session(profile.id) as session:
            for each in api_tokens.all_of(session):
                revoked = "" if each.revoked is None else f"{each.revoked:%Y-%m-%d}"
                table.add_row(profile.slug, each.name, f"{each.created:%Y-%m-%d}", revoked)
    console.print(table)


def revoke(house: House, slug: str, name: str, console: Console) -> None:
    """End a program's token from the next call on. Raises Refused when there is none."""
    profile = practice_of(house, slug)
    with house.database.session(profile.id) as session:
        if not api_tokens.revoke(session, name, house.clock.now()):
            raise Refused("NAME: no token of that name is in force; see `cleargate token list`.")
        audit.record(session, _event("revoke", Action.DELETE, name))
    console.print("Revoked: it opens nothing any more.")


def _event(what: str, action: Action, name: str) -> Event:
    return Event(f"token.{what}", action, "token", name, actor=actor())
