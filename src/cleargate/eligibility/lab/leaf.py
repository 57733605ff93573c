"""A value at a place of an answer, and what such a place may hold.

The three formats hand out every value that they hold as a Leaf, with the kind that
`places.toml` knows for its place. What it does not know is UNKNOWN, and is replaced.
"""

import re
import tomllib
from collections.abc import Callable
from enum import StrEnum
from importlib import resources
from typing import NamedTuple


class Kind(StrEnum):
    """What a place is for. The first group may stay if it looks like what it should be."""

    CODE = "code"
    AMOUNT = "amount"
    COUNTER = "counter"
    PROCEDURE = "procedure"
    VERSION = "version"
    MARK = "mark"
    STATE = "state"
    TEXT = "text"
    PAYER_NAME = "payer_name"
    PAYER_ID = "payer_id"
    OTHER_PAYER = "other_payer"

    PERSON = "person"
    GROUP = "group"
    ADDRESS = "address"
    CITY = "city"
    ZIP = "zip"
    ID = "id"
    CONTROL = "control"
    NPI = "npi"
    CONTACT = "contact"
    DATE = "date"
    BIRTH = "birth"
    TIME = "time"
    UNKNOWN = "unknown"


class Leaf(NamedTuple):
    """One value. `place` may be shown; `key` is the place's name in `places.toml`.

    In X12 `key` is the segment, such as `NM1.person`, `element` the number in it, and `level` is
    HL03, with `EB` behind it where the value hangs on a benefit.
    """

    value: str
    kind: Kind
    place: str
    key: str = ""
    element: int = 0
    level: str = ""


Visit = Callable[[Leaf], str]
"""Given a leaf, says what shall stand there instead."""

_TABLES = tomllib.loads(
    resources.files("cleargate.eligibility.lab").joinpath("places.toml").read_text("utf-8")
)
SEGMENTS: dict[str, tuple[Kind, ...]] = {
    key: tuple(Kind(name) for name in line.split()) for key, line in _TABLES["x12"].items()
}
"""The kinds of a segment's elements, from the first."""
PAYER_ROLES = frozenset(_TABLES["payer_roles"].split())
"""NM101 of organisations that pay or manage."""
CONSTANTS = frozenset(_TABLES["constants"].split()) | {key.partition(".")[0] for key in SEGMENTS}
"""Codes of more than two characters, and the tags that a 999 repeats."""
NAMES: dict[str, Kind] = {
    name: Kind(kind) for kind, names in _TABLES["names"].items() for name in names.split()
}
"""The kind of what an XML element or JSON member of a name, or of a path's end, holds."""
CONTAINERS = frozenset(_TABLES["containers"].split())
"""Names of elements and members that only hold others."""

_CODE = re.compile(r"[A-Za-z0-9]{1,2}(?:[\^:,|>}][A-Za-z0-9]{1,2}){0,100}")
"""A code, or a list of them in whatever way XML has it."""
_AMOUNT = re.compile(r"-?\d{0,6}(?:\.\d{0,4})?|[A-Z][A-Z0-9]?|9{4,9}(?:\.9{1,4})?", re.ASCII)
_PLAIN = {
    Kind.COUNTER: re.compile(r"0{0,8}\d{1,4}", re.ASCII),
    Kind.CONTROL: re.compile(r"0*\d{1,2}", re.ASCII),
    Kind.PROCEDURE: re.compile(r"[A-Z0-9]{1,2}|\d{5}|[A-Z]\d{4}|\d{4}[A-Z]", re.ASCII),
    Kind.VERSION: re.compile(r"00[345]0\d|00[345]01\dX\d{3}(?:A\d)?", re.ASCII),
    Kind.MARK: re.compile(r".?", re.DOTALL),
    Kind.PAYER_ID: re.compile(r"[A-Za-z0-9 .-]{1,20}", re.ASCII),
    Kind.AMOUNT: _AMOUNT,
}
_STATES = frozenset(_TABLES["states"].split())


def is_plain(leaf: Leaf) -> bool:
    """Whether a value is of the harmless kind that its place is for."""
    text = leaf.value.strip()
    if not text:
        return True
    if leaf.kind is Kind.CODE:
        return bool(_CODE.fullmatch(text)) or text in CONSTANTS
    if leaf.kind is Kind.STATE:
        return text.upper() in _STATES
    pattern = _PLAIN.get(leaf.kind)
    return pattern is not None and pattern.fullmatch(text) is not None


def kind_of(path: tuple[str, ...]) -> Kind:
    """What the element or member at the end of a path of names holds."""
    for length in (3, 2, 1):
        kind = NAMES.get(".".join(path[-length:])) if len(path) >= length else None
        if kind is Kind.TEXT and length == 1 and not KNOWN_NAMES.issuperset(path[-2:]):
            return Kind.UNKNOWN  # A name of whatever: whose, nobody knows.
        if kind is not None:
            return kind
    return Kind.UNKNOWN


KNOWN_NAMES = CONTAINERS | {part for name in NAMES for part in name.split(".")}
"""Names of elements and members that are a format's own."""
