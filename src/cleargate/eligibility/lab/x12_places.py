"""Every value of an X12 file with its place, and the file again with other values in them.

Delimiters, blanks, line ends and the order of everything stay. Segments that no answer has, or
that `places.toml` does not know, keep nothing but their number of elements.
"""

import re
from typing import NamedTuple

from cleargate.eligibility.lab.leaf import PAYER_ROLES, SEGMENTS, Kind, Leaf, Visit
from cleargate.nouns.errors import Refused
from cleargate.x12.envelope import element
from cleargate.x12.tokenizer import Delimiters, Elements, Tokenizer

_REPEATING = frozenset({Kind.CODE, Kind.PROCEDURE, Kind.AMOUNT})
_UNKNOWN_TAG = "ZZ1"


class _At(NamedTuple):
    """Where in the file: the segment's number from 1, HL03, and whether below an EB."""

    number: int
    level: str
    in_benefit: bool


def rewrite(text: str, visit: Visit) -> str:
    """The file, with what `visit` says at every place. Refused where it is no X12."""
    marks = delimiters(text)
    start = text.index("ISA")
    if text[:start].strip("\ufeff \t\r\n"):
        raise Refused("There is text before the interchange header (ISA); take it away first.")
    at = _At(0, "", in_benefit=False)
    parts: list[str] = [text[:start]]
    for number, part in enumerate(text[start:].split(marks.terminator)):
        if number:
            parts.append(marks.terminator)
        lead, body, trail = _edges(part)
        if body:
            elements = body.split(marks.element)
            at = _moved(at, elements)
            elements = _rewritten(elements, at, marks, visit)
            body = marks.element.join(elements)
        parts.extend((lead, body, trail))
    return "".join(parts)


def delimiters(text: str) -> Delimiters:
    """The delimiters that the first interchange header declares."""
    tokenizer = Tokenizer([text.encode("utf-8", "replace")], lambda _: None)
    if next(iter(tokenizer), None) is None:
        raise Refused("There is no interchange header (ISA).")
    return tokenizer.delimiters


def _edges(part: str) -> tuple[str, str, str]:
    body = part.strip()
    lead = part[: len(part) - len(part.lstrip())] if body else part
    return lead, body, part[len(lead) + len(body) :]


def _moved(at: _At, elements: Elements) -> _At:
    tag = elements[0].strip()
    if tag == "HL":
        return _At(at.number + 1, element(elements, 3).strip(), in_benefit=False)
    if tag in {"ST", "SE"}:
        return _At(at.number + 1, "", in_benefit=False)
    return _At(at.number + 1, at.level, at.in_benefit or tag == "EB")


def _rewritten(elements: Elements, at: _At, marks: Delimiters, visit: Visit) -> Elements:
    """A segment with its values replaced; ISA's blanks are part of its format."""
    tag = elements[0].strip()
    key = _key(tag, elements, at)
    kinds = SEGMENTS.get(key)
    place = f"segment {at.number}"
    level = f"{at.level}{'EB' if at.in_benefit else ''}"
    found = [elements[0] if kinds is not None else _UNKNOWN_TAG]
    for index, value in enumerate(elements[1:], 1):
        kind = kinds[index - 1] if kinds is not None and index <= len(kinds) else Kind.UNKNOWN
        if key == "III" and index == 2 and elements[1].strip() != "ZZ":
            kind = Kind.UNKNOWN
        name = f"{place}, {tag}{index:02}" if kinds is not None else place
        found.append(_value(Leaf(value, kind, name, key, index, level), marks, visit))
    return found


def _value(leaf: Leaf, marks: Delimiters, visit: Visit) -> str:
    """One element: its outer blanks stay, a list of codes is seen code by code."""
    lead, body, trail = _edges(leaf.value)
    if not body:
        return leaf.value
    if leaf.kind is Kind.MARK:
        return visit(leaf)
    if leaf.kind not in _REPEATING:
        new = _clean(visit(leaf._replace(value=body)), marks)
        return lead + (new.ljust(len(body) + len(trail)) if len(trail) > 1 else new + trail)
    splitter = "".join(re.escape(mark) for mark in (marks.repetition, marks.component) if mark)
    pieces = re.split(f"([{splitter}])", body) if splitter else [body]
    new = "".join(
        piece if index % 2 else visit(leaf._replace(value=piece)) if piece else ""
        for index, piece in enumerate(pieces)
    )
    return lead + new + trail


def _clean(value: str, marks: Delimiters) -> str:
    """A value without the characters that would end it."""
    for mark in (marks.element, marks.terminator):
        value = value.replace(mark, " ")
    return value


def _key(tag: str, elements: Elements, at: _At) -> str:
    """The name in `places.toml`; that of an NM1 says whom it is about."""
    if tag != "NM1":
        return tag
    if element(elements, 2).strip() != "2":
        return "NM1.person"
    if at.level == "20" and not at.in_benefit:
        return "NM1.payer"
    return "NM1.other" if element(elements, 1).strip() in PAYER_ROLES else "NM1.group"
