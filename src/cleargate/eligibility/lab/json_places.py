"""Every value of a JSON document with its place, and the document again with others in them.

Read as text, for white space and the order of everything shall stay. Names of members that are
not known are replaced as values are. A string that is a document itself goes to `inside`.
"""

import json
import re

from cleargate.eligibility.lab.leaf import KNOWN_NAMES, Kind, Leaf, Visit, kind_of
from cleargate.eligibility.lab.xml_places import Inside
from cleargate.nouns.errors import Refused

DEPTH_MAX = 64

_TOKEN = re.compile(
    r"(?P<space>\s+)|(?P<string>\"(?:[^\"\\]|\\.)*\")(?P<colon>\s*:)?"
    r"|(?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|(?P<word>true|false|null)"
    r"|(?P<open>[\[{])|(?P<close>[\]}])|(?P<comma>,)"
)


def rewrite(text: str, visit: Visit, inside: Inside) -> str:
    """The document, with what `visit` says at every place. Refused where it is no JSON."""
    try:
        json.loads(text.lstrip("\ufeff"))
    except (ValueError, RecursionError):
        raise Refused("The file is no complete JSON document.") from None
    walk = _Walk(visit, inside)
    mark = text[: len(text) - len(text.lstrip("\ufeff"))]
    parts = [mark]
    at = len(mark)
    while (token := _TOKEN.match(text, at)) is not None and walk.depth <= DEPTH_MAX:
        parts.append(walk.take(token))
        at = token.end()
    if at != len(text):
        raise Refused(f"The JSON cannot be followed from line {text.count(chr(10), 0, at) + 1} on.")
    return "".join(parts)


class _Walk:
    """Where in the document: the names of the members that are open, and the line."""

    def __init__(self, visit: Visit, inside: Inside) -> None:
        self._visit = visit
        self._inside = inside
        self._open: list[str] = []
        self._member = ""
        self._line = 1

    @property
    def depth(self) -> int:
        """How many objects and lists are open."""
        return len(self._open)

    def take(self, token: re.Match[str]) -> str:
        """One token, rewritten. A list's items have the name of the list."""
        self._line += token.group().count("\n")
        match token.lastgroup:
            case "colon":
                return self._name(json.loads(token["string"])) + token["colon"]
            case "string":
                return self._string(token["string"])
            case "number":
                return self._number(token["number"])
            case "open":
                self._open.append(self._member)
            case "close":
                self._member = self._open.pop()
        return token.group()

    def _path(self) -> tuple[str, ...]:
        """The names from the outermost member down, each once where lists hold objects."""
        names = [name for name in (*self._open, self._member) if name]
        return tuple(n for at, n in enumerate(names) if at == 0 or n != names[at - 1])

    def _name(self, name: str) -> str:
        self._member = name
        if name in KNOWN_NAMES:
            return json.dumps(name)
        new = self._visit(Leaf(name, Kind.UNKNOWN, f"line {self._line}, a member's name"))
        return json.dumps(f"x{new}")

    def _string(self, token: str) -> str:
        value = json.loads(token)
        new = self._inside(value) if value.strip() else value
        if new is None:
            new = self._visit(self._leaf(value))
        return token if new == value else json.dumps(new)

    def _number(self, token: str) -> str:
        """A number that is replaced becomes a string only where it cannot be one any more."""
        new = self._visit(self._leaf(token))
        return new if re.fullmatch(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", new) else json.dumps(new)

    def _leaf(self, value: str) -> Leaf:
        path = self._path()
        known = path[-1] if path and path[-1] in KNOWN_NAMES else "a member"
        return Leaf(value, kind_of(path), f"line {self._line}, {known}", ".".join(path[-2:]))
