"""Free text of a payer: plain benefit words stay, with the amounts and visits beside them.

Whatever else stands there becomes a marker of its length class. The words are those of
`words.txt`, and of the tables that turn codes into words.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources

from cleargate.coverage.origins import codes, trizetto_words

_RUN = re.compile(r"[^\W_]+")
_UNIT = (
    r"visits?|days?|hours?|units?|sessions?|treatments?|services?|months?|weeks?|modalities"
    r"|occurrences?|combined|remaining|used|left|per|years?|minutes?"
)
_NUMBER = re.compile(
    r"\$\s?(?:\d{1,3}(?:,\d{3}){1,2}|\d{1,6})(?:\.\d\d)?(?![\d/-])"
    r"|(?<![\w/.,-])\d{1,3}(?:\.\d{1,2})?\s?(?:%|percent\b|pct\b)"
    rf"|(?<![\w/.,-])\d{{1,3}}(?=\s+(?:{_UNIT})\b|\s+visit\(s\))"
    r"|(?<![\w/.,$-])\d{1,6}\.\d\d(?![\w/.-])",
    re.IGNORECASE,
)
"""Money, shares and counts: a number without one of these signs may be a part of anything."""
_MAY = re.compile(r"(?<=\d)[\W_]+may\b|\bmay(?=[\W_]+\d)", re.IGNORECASE)
"""The month, which is a part of a date, and not what a plan may do."""
_OLD = re.compile(r"(?:9\d|1\d\d)(?=\s+years?\b)", re.IGNORECASE)
_CLASSES = (4, 8, 12)


def plain_text(
    text: str, known: frozenset[str], hidden: frozenset[str], note: Callable[[str], None]
) -> str:
    """The text with only words that are `known` and not `hidden`, both in small letters.

    `note` is told of every word and number that went.
    """
    kept = {
        at: found.end()
        for found in _NUMBER.finditer(text)
        if not _OLD.match(text, found.start())
        for at in range(found.start(), found.end())
    }

    months = {found.end() for found in _MAY.finditer(text)}

    def replaced(run: re.Match[str]) -> str:
        word = run.group()
        folded = word.casefold()
        if (
            run.end() in months
            or folded in hidden
            or not (folded in known or (word.isdigit() and run.start() in kept))
        ):
            note(word)
            return marker(word)
        return word

    return _RUN.sub(replaced, text)


def marker(word: str) -> str:
    """What stands for a word: X's, of which there are 4, 8 or 12."""
    return "X" * next((size for size in _CLASSES if len(word) <= size), _CLASSES[-1])


def words_of(text: str) -> tuple[str, ...]:
    """The words and numbers of a text, in small letters."""
    return tuple(run.group().casefold() for run in _RUN.finditer(text))


@cache
def vocabulary() -> frozenset[str]:
    """Every benefit word that is known, in small letters."""
    lines = resources.files("cleargate.eligibility.lab").joinpath("words.txt").read_text("utf-8")
    own = (word for line in lines.splitlines() if not line.startswith("#") for word in line.split())
    return frozenset((*own, *_of_tables()))


def _of_tables() -> Iterable[str]:
    """The words that stand for codes in XML and JSON."""
    in_json = {name: table for name, table in vars(codes).items() if name.endswith("_WORDS")}
    for table in (*in_json.values(), *vars(trizetto_words).values()):
        if isinstance(table, Mapping):
            for text in table:
                found = words_of(str(text).replace("_", " "))
                yield from (word for word in found if word.isalpha() and len(word) > 1)
