"""Checkpoints as people keep them: on paper or in a mail, under a heading that says whose."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from cleargate.nouns.ids import PracticeId


@dataclass(frozen=True, slots=True)
class Printable:
    """A signed checkpoint, and since when it is the newest; `slug` is empty where nobody said."""

    practice: PracticeId
    at: datetime
    note: str
    slug: str = ""


_ABOUT = """\
Checkpoints of the audit trail
==============================

Each block below says how many events a practice's trail had at a moment, and what
their one hash was. It is signed, and tells nothing about a patient. Keep it where
nobody who runs the database can change it: on paper, or in a mailbox elsewhere.

Whoever shortens the trail or writes it anew later cannot make it fit. To look,
save this text to a file, or type a block into one, and run

    cleargate audit verify --against FILE
"""


def printed(checkpoints: Iterable[Printable]) -> str:
    """The text; `cleargate audit verify --against` reads it again."""
    return "\n".join([_ABOUT, *map(_block, checkpoints)])


def _block(each: Printable) -> str:
    size = each.note.split("\n")[1]
    name = f"{each.slug} ({each.practice})" if each.slug else str(each.practice)
    at = f"{each.at:%Y-%m-%d %H:%M:%S} UTC"
    return f"Practice {name}\n{size} events, {at}\n\n{each.note}"
