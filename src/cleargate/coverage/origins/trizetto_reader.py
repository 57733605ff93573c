"""The small things in TriZetto's XML: words to codes, dates, and findings about both."""

import re
from collections.abc import Collection, Iterator, Mapping
from datetime import date
from itertools import zip_longest

from cleargate.coverage.origins import codes, trizetto_words
from cleargate.coverage.origins.xml_tree import Node
from cleargate.coverage.rows import Span
from cleargate.x12.diagnostics import Report, error, warning

FINDINGS_MAX = 50
"""A document of another kind would give a finding an element."""

NARROWING = re.compile("procedure|place")
"""Elements that narrow what a row says. No sample has one; such names are expected."""

_DAY = re.compile(r"\d{8}(?:\d{4})?", re.ASCII)
_NAME_CHARACTERS_MAX = 40


class Words:
    """Turns the document's words into codes, and reports each kind of trouble once."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._reported: set[tuple[str, str]] = set()

    def code(self, node: Node, words: Mapping[str, str], known: Collection[str], at: int) -> str:
        """The code that an element's word stands for, or that it holds itself; empty without.

        A word that is on no list is reported and comes back as `key` writes it.
        """
        if not node.text:
            return ""
        word = trizetto_words.key(node.text)
        code = words.get(word)
        if code is not None:
            return code
        if node.text in known or node.text in words.values():
            return node.text
        self.finding("unknown_word", node, at, "holds a word that is on no list")
        return "?" if word in known or word in words.values() else word

    def expect(
        self, parent: Node, known: Collection[str], at: int = 0, once: Collection[str] = ()
    ) -> None:
        """Report children that this format is not known to have, and repeats of what is single."""
        seen: set[str] = set()
        for child in parent.children:
            if child.name not in known and not NARROWING.search(child.name):
                self.finding("unknown_element", child, at, "is unknown here; it is not read")
            elif child.name in once and child.name in seen:
                self.finding("repeated_element", child, at, "comes again; the first one is read")
            seen.add(child.name)

    def birth_date(self, person: Node) -> date | None:
        """When a patient was born."""
        node = person.first("date-of-birth")
        born = day(node.text)
        if node.text and born is None:
            self.finding("date", node, 0, "is no date; it is not used")
        return born

    def spans(self, parent: Node, at: int) -> Iterator[Span]:
        """The dates in an element: `datequalifier` and `date-of-service`, pair by pair."""
        pairs = zip_longest(parent.all("datequalifier"), parent.all("date-of-service"))
        for qualifier, dates in pairs:
            if qualifier is None or dates is None:
                alone = qualifier or dates or parent
                self.finding("date", alone, at, "has no counterpart; it is not used")
                continue
            first, _, last = dates.text.replace(" ", "").partition("-")
            begin, end = day(first), day(last)
            if begin is None or (last and end is None) or (end is not None and end < begin):
                self.finding("date", dates, at, "is no date or range of dates; it is not used")
                continue
            code = self.code(qualifier, trizetto_words.DATES, codes.SPANS, at)
            span = codes.span_of(code, begin, end, at, dates.name)
            if span is not None:
                yield span

    def finding(self, code: str, node: Node, at: int, what: str) -> None:
        """Report trouble with an element by its name and place, and never by what it holds."""
        name = node.name[:_NAME_CHARACTERS_MAX]
        if (code, name) not in self._reported and len(self._reported) < FINDINGS_MAX:
            self._reported.add((code, name))
            self._report(warning(code, at, f"The element {name} (line {node.line}) {what}."))

    def failed(self, code: str, what: str) -> None:
        """Report what leaves a part of the document unread."""
        self._report(error(code, 0, what))


def day(text: str) -> date | None:
    """A CCYYMMDD date, with or without a time after it; None when it is none."""
    if _DAY.fullmatch(text) is None:
        return None
    try:
        return date.fromisoformat(text[:8])
    except ValueError:
        return None
