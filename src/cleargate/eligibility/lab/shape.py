"""A captured X12 answer as a shape for the sandbox: its text in pieces, with places between.

A piece is text, or an object that says what to put there: `{"put": "family"}` for what belongs to
the question or its patient, `{"day": "visit", "shift": -320, "form": "8"}` for a date. A date is
told by days from the date asked, or by whole years and months where it bounds one. What each word
means is written in docs/sandbox.md; the sandbox shares no code with this.
"""

import re
from datetime import date, timedelta
from typing import NamedTuple

from cleargate.eligibility.lab import x12_places
from cleargate.eligibility.lab.dates import FAR, dates_in, with_dates
from cleargate.eligibility.lab.leaf import Kind, Leaf

FORM = "cleargate-lab-1"
"""Raised when the meaning of a piece changes."""

Piece = str | dict[str, object]

_ENVELOPE = {
    ("ISA", 6): "from15", ("ISA", 8): "to15", ("ISA", 9): "date6", ("ISA", 10): "time4",
    ("ISA", 13): "isa", ("GS", 2): "from", ("GS", 3): "to", ("GS", 4): "date8",
    ("GS", 5): "time4", ("GS", 6): "control", ("GE", 2): "control", ("IEA", 2): "isa",
    ("BHT", 3): "trace30", ("BHT", 4): "date8", ("BHT", 5): "time4",
}  # fmt: skip
_PATIENT = {
    ("NM1.person", 3): "family", ("NM1.person", 4): "given", ("NM1.person", 9): "member",
    ("DMG", 2): "birth", ("DMG", 3): "sex", ("TRN", 2): "trace",
    ("NM1.person", 5): "", ("NM1.person", 6): "", ("NM1.person", 7): "",
}  # fmt: skip
"""At the patient's own level; the middle name, prefix and suffix are nobody's."""
_PERSONAL = frozenset({"family", "given", "birth", "sex"})
_PROVIDER = {("NM1.group", 3): "provider", ("NM1.group", 9): "npi"}
_MARK = re.compile("\0(\\d+)\0")


class _Member(NamedTuple):
    """Whom the captured answer is about: the id, and whether a dependent stands below."""

    id: str
    has_dependent: bool


def shape_of(text: str, on: date) -> list[Piece]:
    """The pieces of a de-identified answer that was asked for a date."""
    leaves: list[Leaf] = []

    def collect(leaf: Leaf) -> str:
        leaves.append(leaf)
        return leaf.value

    x12_places.rewrite(text, collect)
    about = _Member(
        next((one.value for one in leaves if _is_member_id(one)), ""),
        any(leaf.level == "23" for leaf in leaves),
    )
    places: list[list[Piece]] = []

    def mark(leaf: Leaf) -> str:
        pieces = _pieces(leaf, about, on)
        if pieces is None:
            return leaf.value
        places.append(pieces)
        return f"\0{len(places) - 1}\0"

    # The padding of ISA's elements belongs to what is put there.
    marked = re.sub(r"(\0\d+\0) +", r"\1", x12_places.rewrite(text, mark))
    found: list[Piece] = []
    for at, part in enumerate(_MARK.split(marked)):
        found.extend(places[int(part)] if at % 2 else [part] if part else [])
    return found


def _is_member_id(leaf: Leaf) -> bool:
    return leaf.key == "NM1.person" and leaf.element == 9 and leaf.level == "22"


def _pieces(leaf: Leaf, about: _Member, on: date) -> list[Piece] | None:
    """What is put at a place; None where the captured value stays."""
    word = _word(leaf, about)
    if word is not None:
        return [{"put": word}] if word else []
    return _dates(leaf.value, on) if leaf.kind is Kind.DATE else None


def _word(leaf: Leaf, about: _Member) -> str | None:
    """The name of what is put at a place, empty for nothing."""
    at = (leaf.key, leaf.element)
    word = _ENVELOPE.get(at)
    if leaf.level == "21":
        word = _PROVIDER.get(at, word)
    elif leaf.level in {"22", "23"}:
        word = _PATIENT.get(at, word)
        if word in _PERSONAL and leaf.level == "22" and about.has_dependent:
            word = f"sub_{word}"
    if word is None and leaf.kind is Kind.ID and about.id and leaf.value == about.id:
        word = "member"
    return word


def _dates(value: str, on: date) -> list[Piece] | None:
    """A date of eight digits, or a range of two."""
    days = dates_in(value)
    if not days or any(day.year >= FAR for day in days):
        return None
    pieces: list[Piece] = []
    for at, part in enumerate(value.split("-")):
        if with_dates(part, lambda day: day) != part or len(part) != 8:
            return None
        pieces.extend([*(["-"] if at else []), _day(days[at], on)])
    return pieces


def _day(day: date, on: date) -> Piece:
    if day == on:
        return {"day": "visit", "shift": 0}
    years, months = day.year - on.year, (day.year - on.year) * 12 + day.month - on.month
    if (day.month, day.day) == (1, 1):
        return {"day": "year_begin", "shift": years}
    if (day.month, day.day) == (12, 31):
        return {"day": "year_end", "shift": years}
    if day.day == 1:
        return {"day": "month_begin", "shift": months}
    if (day + timedelta(1)).day == 1:
        return {"day": "month_end", "shift": months}
    return {"day": "visit", "shift": (day - on).days}
