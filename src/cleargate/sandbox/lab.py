"""Captured payers: folders that hold an answer in pieces, with places for whoever is asked for.

The folder's form is written in docs/sandbox.md, and is all that this shares with whoever made it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from cleargate.nouns.errors import Refused
from cleargate.sandbox.answers import Payer
from cleargate.sandbox.trees import Json, Tree, text, whole

FORM = "cleargate-lab-1"
CODE = "LAB-"
"""Before the fixture's name, in capitals: the payer's code."""
FOLDERS_MAX = 500
DAYS_MAX = 40_000
"""No date of an answer is further from the date asked: a century."""
_NEVER = DAYS_MAX + 1

_WORDS = frozenset(
    {
        "from", "from15", "to", "to15", "date6", "date8", "time4", "isa", "control", "trace",
        "trace30", "provider", "npi", "member", "family", "given", "birth", "sex", "sub_family",
        "sub_given", "sub_birth", "sub_sex",
    }
)  # fmt: skip
_DAYS = frozenset({"visit", "year_begin", "year_end", "month_begin", "month_end"})


@dataclass(frozen=True, slots=True)
class Captured:
    """One captured answer, as a payer."""

    payer: Payer
    pieces: tuple[Json, ...]

    def fill(self, values: Mapping[str, str], service: date) -> bytes:
        """The answer about whoever `values` are about, for the date asked."""
        return "".join(_filled(piece, values, service) for piece in self.pieces).encode()


def captured_payers(root: Path) -> Mapping[str, Captured]:
    """The captured X12 answers below a folder, by payer's code. Raises Refused, naming the file.

    A folder without a shape (an answer in XML or JSON) is no payer.
    """
    files = sorted(root.glob("*/shape.json"))
    if not files or len(files) > FOLDERS_MAX:
        raise Refused(f"--lab: {root} has no captured X12 answers (NAME/shape.json), or too many.")
    found = [_read(file) for file in files]
    return {each.payer.code: each for each in found}


def _read(file: Path) -> Captured:
    try:
        shape: Json = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        raise Refused(f"{file} cannot be read as JSON.") from None
    if not isinstance(shape, dict) or text(shape, "form") != FORM:
        raise Refused(f"{file} is not of the form {FORM}.")
    name, pieces = text(shape, "name"), shape.get("pieces")
    if not name or not isinstance(pieces, list) or not all(map(_is_piece, pieces)):
        raise Refused(f"{file} has no name, or a piece that means nothing.")
    payer = Payer(f"{CODE}{name.upper()}", text(shape, "payer"), "unknown", "none", 20)
    return Captured(payer, tuple(pieces))


def _is_piece(piece: Json) -> bool:
    if isinstance(piece, str):
        return True
    if not isinstance(piece, dict):
        return False
    return text(piece, "put") in _WORDS or (
        text(piece, "day") in _DAYS and abs(whole(piece, "shift", default=_NEVER)) <= DAYS_MAX
    )


def _filled(piece: Json, values: Mapping[str, str], service: date) -> str:
    if isinstance(piece, str):
        return piece
    assert isinstance(piece, dict)  # noqa: S101  (made sure of by _is_piece)
    if "put" in piece:
        return values[text(piece, "put")]
    return f"{_day(piece, service):%Y%m%d}"


def _day(piece: Tree, service: date) -> date:
    """A date told from the date asked: days, or the bounds of years and months."""
    shift = whole(piece, "shift", default=0)
    match text(piece, "day"):
        case "year_begin":
            return date(service.year + shift, 1, 1)
        case "year_end":
            return date(service.year + shift, 12, 31)
        case "month_begin":
            return _month(service, shift)
        case "month_end":
            return _month(service, shift + 1) - timedelta(1)
        case _:
            return service + timedelta(shift)


def _month(service: date, shift: int) -> date:
    """The first of a month, so many months after that of a date."""
    years, month = divmod(service.month - 1 + shift, 12)
    return date(service.year + years, month + 1, 1)
