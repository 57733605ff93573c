"""A stranger's XML as a small tree: no DTD, no entities, no network, and limits on its size.

Whatever stands before a fault is kept, as far as its elements are closed: an answer that was cut
off on its way still has rows. Findings name the line and never what stands there.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple
from xml.parsers import expat

from cleargate.x12.diagnostics import Report, error, warning

ELEMENTS_MAX = 50_000
"""The largest answer seen has seven hundred."""

DEPTH_MAX = 64
"""The deepest seen, in its envelope, has nine levels."""

_MARKS = (
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)
"""How UTF-16 begins; all else is UTF-8, or read as Latin-1."""
_EDGES = "\ufeff \t\r\n"
"""A byte order mark or white space before the declaration, which XML itself does not allow."""
_SPACES = re.compile(r"\s+")


@dataclass(slots=True)
class Node:
    """One element: its name without prefix, its line from 1, its own text without outer spaces.

    `closed` is False when the document broke off inside it; then its text is left empty.
    """

    name: str
    line: int
    text: str = ""
    children: list["Node"] = field(default_factory=list)
    closed: bool = False

    def all(self, name: str) -> list["Node"]:
        """The children of a name, in document order."""
        return [child for child in self.children if child.name == name]

    def first(self, *names: str) -> "Node":
        """The first child on a path of names; an empty element where there is none."""
        node = self
        for name in names:
            node = next((child for child in node.children if child.name == name), _NOTHING)
        return node

    def walk(self) -> Iterator["Node"]:
        """The element itself and all below it, in document order."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


_NOTHING = Node("", 0, closed=True)


class Tree(NamedTuple):
    """What was read; `root` is None without a single element. `complete`: nothing was lost."""

    root: Node | None
    complete: bool


class _TooLarge(Exception):
    """The document passes a limit."""


class _Builder:
    """Takes expat's events, and keeps the elements that are open."""

    def __init__(self) -> None:
        self.root: Node | None = None
        self._open: list[tuple[Node, list[str]]] = []
        self._count = 0
        self.parser = expat.ParserCreate("utf-8")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._text

    def _start(self, name: str, _attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS_MAX or len(self._open) == DEPTH_MAX:
            raise _TooLarge
        node = Node(name.rpartition(":")[2], self.parser.CurrentLineNumber)
        if self._open:
            self._open[-1][0].children.append(node)
        else:
            self.root = node
        self._open.append((node, []))

    def _text(self, text: str) -> None:
        if self._open:
            self._open[-1][1].append(text)

    def _end(self, _name: str) -> None:
        node, parts = self._open.pop()
        node.text = "".join(parts).strip()
        node.closed = True


def read_tree(content: bytes | str, report: Report) -> Tree:
    """Read a document. Never raises for what the bytes hold.

    Text is decoded here: whatever the declaration says of its encoding is not believed, for it
    outlives the copying of a document into another one.
    """
    text = (content if isinstance(content, str) else decoded(content, report)).lstrip(_EDGES)
    if (at := text.find("<!DOCTYPE")) >= 0:
        line = text.count("\n", 0, at) + 1
        report(error("xml_dtd", 0, f"The XML has a DTD on line {line}; it is left unread."))
        return Tree(None, complete=False)
    builder = _Builder()
    try:
        builder.parser.Parse(text.encode("utf-8", "replace"), True)
    except expat.ExpatError as failure:
        line = failure.lineno
        report(error("xml_broken", 0, f"The XML is malformed, or breaks off, on line {line}."))
        return Tree(builder.root, complete=False)
    except _TooLarge:
        line = builder.parser.CurrentLineNumber
        report(error("too_large", 0, f"The XML is too large or too deep from line {line} on."))
        return Tree(builder.root, complete=False)
    return Tree(builder.root, complete=True)


def decoded(content: bytes, report: Report | None = None) -> str:
    """Bytes as text. What is no UTF-8 is read as Latin-1, with a finding if it can be reported."""
    encoding = next((name for mark, name in _MARKS if content.startswith(mark)), "utf-8-sig")
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as failure:
        if report is not None:
            line = content.count(b"\n", 0, failure.start) + 1
            report(warning("encoding", 0, f"The XML has bytes of another encoding on line {line}."))
        if encoding != "utf-8-sig":
            return content.decode(encoding, "replace")
        return content.decode("latin-1")


def spaced(text: str) -> str:
    """Text on one line with single spaces, without what cannot be printed."""
    return "".join(filter(str.isprintable, _SPACES.sub(" ", text).strip()))
