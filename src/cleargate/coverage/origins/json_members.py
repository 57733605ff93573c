"""JSON from strangers: parsed at one place, read member by member, complained of by name.

Nothing here raises for what a document holds. A member of the wrong kind is reported with its
path and taken for absent; its value is never told. Numbers keep the text they were written in.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from cleargate.x12.diagnostics import Diagnostic, Report, Severity, error, warning

ITEMS_MAX = 10_000
"""No list of an answer is a tenth of this; what is beyond is left unread, and said."""
FINDINGS_MAX = 100
"""So many findings tell that a document is none; a million of them help nobody."""

_SHAPE = "json_shape"
_SURROGATE = re.compile("[\ud800-\udfff]")
_EXPONENT = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?[eE][+-]?\d{1,2}")
_DATE = re.compile(r"(\d{4})(-?)(\d\d)\2(\d\d)(?:T.*)?", re.ASCII)
_RANGE = re.compile(r"(\d{8})-(\d{8})", re.ASCII)


_Make = Callable[[str, int, str], Diagnostic]


class Number(str):
    """A JSON number in the text it was written in, so that it can be told from a string."""

    __slots__ = ()


class Limited:
    """Hands on the first findings, and says once that there are more.

    `lost`: a member of the answer had a shape that could not be read.
    """

    def __init__(self, report: Report) -> None:
        self.lost = False
        self._report = report
        self._count = 0

    def __call__(self, finding: Diagnostic) -> None:
        """Take one finding."""
        self._count += 1
        self.lost = self.lost or (finding.code == _SHAPE and finding.severity is Severity.ERROR)
        if self._count <= FINDINGS_MAX:
            self._report(finding)
        elif self._count == FINDINGS_MAX + 1:
            self._report(error("more_findings", 0, "There are more findings than are told."))


def parse(content: bytes, report: Report) -> Mapping[str, object] | None:
    """The object that a document is, or None with a finding."""
    twice: list[str] = []

    def members(pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) != len(pairs):
            twice.extend(name for name, value in pairs if found[name] != value)
        return found

    def constant(_: str) -> None:
        report(warning("json_constant", 0, "NaN or Infinity is no JSON; taken for absent."))

    # The one place where depth, truncation, bad bytes and whatever else is no JSON shows.
    try:
        value = json.loads(
            _decoded(content, report),
            object_pairs_hook=members,
            parse_float=_number,
            parse_int=Number,
            parse_constant=constant,
        )
    except RecursionError:
        report(error("json_depth", 0, "The document is nested too deeply to be an answer."))
        return None
    except ValueError:
        report(error("json", 0, "The file is no complete JSON document."))
        return None
    if twice:
        report(error("json_twice", 0, "A member stands twice with two values; nothing is read."))
        return None
    if not isinstance(value, dict):
        report(error(_SHAPE, 0, "The document is no JSON object."))
        return None
    return value


def _decoded(content: bytes, report: Report) -> str:
    encoding = json.detect_encoding(content)
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        report(
            warning("encoding", 0, "The file is no clean Unicode text; what is not is left out.")
        )
        text = content.decode(encoding, errors="replace")
    return text.lstrip("\ufeff")


def _number(text: str) -> Number:
    """`20.50` as it stands; an exponent is written out, for no payer writes money so."""
    return Number(format(Decimal(text), "f") if _EXPONENT.fullmatch(text) else text)


@dataclass(frozen=True, slots=True)
class Members:
    """One JSON object. `path` leads to it, `segment` is the number of the entry it belongs to."""

    values: Mapping[str, object]
    path: str
    segment: int
    report: Report

    def at(self, name: str) -> str:
        """The path of a member."""
        return f"{self.path}.{name}" if self.path else name

    def text(self, name: str) -> str:
        """A member that is text; empty where it is absent or something else."""
        value = self.values.get(name)
        if isinstance(value, Number):
            self._finding(warning, name, "is a number and should be text")
        return self._text(value, name)

    def number(self, name: str) -> str:
        """An amount, share or quantity, which some write as a number and some as text."""
        return self._text(self.values.get(name), name)

    def texts(self, name: str) -> tuple[str, ...]:
        """A member that is a list of texts, without the empty ones."""
        found = [self._text(value, at) for value, at in self._items(name)]
        return tuple([text for text in found if text])

    def numbered_texts(self, name: str) -> list[tuple[str, str]]:
        """The texts of a list, each with its path."""
        found = [(self._text(value, at), self.at(at)) for value, at in self._items(name)]
        return [(text, at) for text, at in found if text]

    def member(self, name: str) -> "Members":
        """A member that is an object; one without members where it is absent."""
        value = self.values.get(name)
        if isinstance(value, list) and len(value) == 1 and isinstance(value[0], dict):
            self._finding(warning, name, "is a list and should be one object")
            value = value[0]
        if not isinstance(value, dict):
            if value is not None:
                self._finding(error, name, "is no object")
            value = {}
        return Members(value, self.at(name), self.segment, self.report)

    def members(self, name: str) -> "list[Members]":
        """A member that is a list of objects, without what is none."""
        found: list[Members] = []
        for value, at in self._items(name):
            if isinstance(value, dict):
                found.append(Members(value, self.at(at), self.segment, self.report))
            elif value is not None:
                self._finding(error, at, "is no object")
        return found

    def entries(self, name: str, first: int, path: str | None = None) -> "list[Members]":
        """A list of objects that are entries of the answer, each with its number, from `first`.

        What is no object keeps its number, too. `path` replaces the path of every entry.
        """
        found: list[Members] = []
        for number, (value, at) in enumerate(self._items(name), first):
            if isinstance(value, dict):
                where = self.at(at) if path is None else path
                found.append(Members(value, where, number, self.report))
            else:
                self.report(error(_SHAPE, number, f"The entry {self.at(at)} is no object."))
        return found

    def flag(self, name: str) -> bool | None:
        """A member that is true or false; None where it is absent or something else."""
        value = self.values.get(name)
        if value is None or isinstance(value, bool):
            return value
        self._finding(error, name, "is neither true nor false")
        return None

    def has(self, name: str) -> bool:
        """Whether a member is there and is not null."""
        return self.values.get(name) is not None

    def day(self, name: str) -> date | None:
        """A member that is a date, `20260101` or `2026-01-01`."""
        text = self.text(name)
        found = as_date(text)
        if text and found is None:
            self._finding(warning, name, "is no date; not used")
        return found

    def days(self, name: str) -> tuple[date, date | None] | None:
        """A date or a range of dates, as X12 writes them: `20260101`, `20260101-20261231`."""
        text = self.text(name)
        pair = _RANGE.fullmatch(text)
        begin = as_date(pair[1] if pair else text)
        end = as_date(pair[2]) if pair else None
        if begin is None or (pair and end is None):
            if text:
                self._finding(warning, name, "is no date or range of dates; not used")
            return None
        if end is not None and end < begin:
            self._finding(warning, name, "ends before it begins; not used")
            return None
        return begin, end

    def _items(self, name: str) -> list[tuple[object, str]]:
        """The items of a list with their names in it; one that stands alone is a list of one."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self._finding(warning, name, "is no list; read as a list of one")
            return [(value, name)]
        if len(value) > ITEMS_MAX:
            self._finding(error, name, "is longer than any answer; its end is not read")
        return [(item, f"{name}[{at}]") for at, item in enumerate(value[:ITEMS_MAX])]

    def _text(self, value: object, name: str) -> str:
        if value is None:
            return ""
        if not isinstance(value, str):
            self._finding(error, name, "is no text")
            return ""
        if value.isascii():
            return value.strip()
        clean = _SURROGATE.sub("\ufffd", value)
        if clean != value:
            self._finding(warning, name, "holds half a character")
        return clean.strip()

    def _finding(self, make: _Make, name: str, what: str) -> None:
        self.report(make(_SHAPE, self.segment, f"The member {self.at(name)} {what}."))


def as_date(text: str) -> date | None:
    """A date in either of the two spellings, with or without a time of day; None when none."""
    match = _DATE.fullmatch(text)
    if match is None:
        return None
    try:
        return date(int(match[1]), int(match[3]), int(match[4]))
    except ValueError:
        return None
