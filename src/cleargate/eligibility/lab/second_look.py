"""A second look at a de-identified copy, by eyes that know nothing of how it was made.

Given what was taken out, it reads the copy as text: word by word, and with all that separates
words taken away; dates in every usual spelling. What it finds is told by its place.

What it does not count: a format's own words and codes where the format has them (`"name":`, the
element `<plan>`, EB02's IND), small numbers in the segments of benefits, and the names of payers
that are in the public directory. A patient called Kaiser may be insured with Kaiser.
"""

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import date
from html import unescape
from typing import NamedTuple

from cleargate.eligibility.lab.dates import FAR, dates_in
from cleargate.eligibility.lab.free_text import vocabulary
from cleargate.eligibility.lab.leaf import CONSTANTS, KNOWN_NAMES, SEGMENTS, Kind
from cleargate.eligibility.lab.replace import Original
from cleargate.nouns.errors import Refused

ORIGINALS_MAX = 5000
"""Of the largest answer seen a twentieth of this is replaced; more would take minutes."""
WORD_MIN = 3
LETTERS_MIN, DIGITS_MIN = 6, 7
"""From so many characters on a value is also looked for across separators."""
_NOT_TELLING = frozenset({Kind.TIME})
"""A time of day tells nothing without its date."""
_PHRASES = frozenset({Kind.GROUP, Kind.ADDRESS, Kind.CITY})
"""What is also looked for by those of its words that are neither numbers nor benefit words."""
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip

_WORD = re.compile(r"[^\W_]+")
_ESCAPE = re.compile(r"\\u([0-9a-fA-F]{4})|\\[nrtbf]")
_MEMBER = re.compile(r"\"(\w+)\"(?=\s*:)|</?(?:\w+:)?([\w-]+)")
_SMALL = re.compile(
    r"(\"\w*(?:[aA]mount|[pP]ercent|[qQ]uantity|value|numOfPeriods|Modulus|[cC]odes?)\"\s*:\s*"
    r"[\[\s]*\"?|<(?:benefitamount|percent|quantity|benefitquantity|period_count)>\s*)"
    r"-?(?:\d{1,3}|\d{0,5}\.\d{1,4})(?!\w)"
)
_PLACES: dict[str, set[int]] = {key.partition(".")[0]: set() for key in SEGMENTS} | {
    "SE": {1}, "GE": {1}, "IEA": {1}, "LS": {1}, "LE": {1}, "REF": {1},
    "EB": set(range(1, 13)), "HSD": set(range(1, 9)), "III": {1, 2}, "DTP": {1, 2},
    "HL": {1, 2, 3, 4}, "BHT": {1, 2}, "AAA": {1, 3, 4}, "ST": {1, 3}, "NM1": {1, 2, 8},
    "INS": {1, 2, 3, 4},
}  # fmt: skip
"""The segments that there are, and which of their elements hold codes and counts."""
_SMALL_NUMBER = re.compile(r"-?(?:\d{1,3}|\d{0,5}\.\d{1,4})", re.ASCII)


class Found(NamedTuple):
    """Something that should be gone: where it stands now, and where it stood."""

    line: int
    kind: Kind
    was: str


class _Text:
    """The copy as words in small letters, each with the line on which it stands."""

    def __init__(self, text: str) -> None:
        folded = _folded(text)
        found = [(run.group(), run.start()) for run in _WORD.finditer(folded)]
        self._lines = [at for at, sign in enumerate(folded) if sign == "\n"]
        self._starts = [start for _, start in found]
        self.words = {word for word, _ in found}
        self.spaced = " " + " ".join(word for word, _ in found) + " "
        self.squeezed = "".join(word for word, _ in found)
        self._ends: list[int] = []
        total = 0
        for word, _ in found:
            total += len(word)
            self._ends.append(total)

    def line_of_word(self, number: int) -> int:
        return bisect_right(self._lines, self._starts[number]) + 1

    def find(self, phrase: tuple[str, ...]) -> int:
        """The line of a phrase, or 0."""
        if not phrase or any(word not in self.words for word in phrase):
            return 0
        at = self.spaced.find(f" {' '.join(phrase)} ")
        return 0 if at < 0 else self.line_of_word(self.spaced.count(" ", 0, at))

    def find_squeezed(self, value: str) -> int:
        """The line on which a value begins, whatever separates its parts; or 0."""
        at = self.squeezed.find(value)
        return 0 if at < 0 else self.line_of_word(bisect_right(self._ends, at))


class Public(NamedTuple):
    """What everybody may know, in small letters: names of payers, and the words of this one's.

    `own_words` is empty for a payer that is on no list: its name may be that of an employer.
    """

    names: frozenset[str]
    own_words: frozenset[str] = frozenset()


def look(originals: Iterable[Original], copy: str, public: Public) -> list[Found]:
    """Everything of the originals that is still in the copy, each place once.

    `copy` has one X12 segment a line, or the lines of an XML or JSON document. Raises Refused
    where there is more to look for than one answer has.
    """
    found: dict[tuple[int, Kind], Found] = {}
    places: dict[tuple[str, Kind], str] = {}
    for value, kind, place in originals:
        places.setdefault((value, kind), place)
    if len(places) > ORIGINALS_MAX:
        raise Refused("The file holds more values to replace than the answer about one patient.")
    text = _Text(_without_public(_without_format(_decoded(copy)), public.names))
    for (value, kind), was in places.items():
        line = _line_of(value, kind, text, public.own_words)
        if line:
            found.setdefault((line, kind), Found(line, kind, was))
    return sorted(found.values())


def _line_of(value: str, kind: Kind, text: _Text, own_words: frozenset[str]) -> int:
    if kind in _NOT_TELLING and value.isdigit():
        return 0
    is_endless = kind is Kind.DATE and any(day.year >= FAR for day in dates_in(value))
    words = () if is_endless else tuple(_WORD.findall(_folded(_decoded(value))))
    for phrase in _phrases(words, kind, own_words):
        if sum(map(len, phrase)) >= WORD_MIN and (line := text.find(phrase)):
            return line
    for squeezed in _squeezed(words, kind):
        if line := text.find_squeezed(squeezed):
            return line
    return next((line for each in _spellings(value) if (line := text.find(each))), 0)


def _phrases(
    words: tuple[str, ...], kind: Kind, own_words: frozenset[str]
) -> Iterator[tuple[str, ...]]:
    """What a value may be found as: whole, and the parts of a name.

    A clinic or a city that shares a word with the payer's public name is looked for whole.
    """
    if _is_everybodys(words, kind):
        return
    yield words
    if kind is Kind.PERSON:
        yield from ((word,) for word in words if len(word) >= WORD_MIN)
    elif kind in _PHRASES:
        common = vocabulary() | own_words
        telling = (word for word in words if not word.isdigit() and word not in common)
        yield from ((word,) for word in telling if len(word) >= WORD_MIN)


def _is_everybodys(words: tuple[str, ...], kind: Kind) -> bool:
    """Whether a value is made of benefit words only, and no person's name: it tells of nobody."""
    return kind is not Kind.PERSON and all(word in vocabulary() for word in words)


def _squeezed(words: tuple[str, ...], kind: Kind) -> Iterator[str]:
    """What a value may be found as when all separators are taken away."""
    if _is_everybodys(words, kind):
        return
    parts = words if kind is Kind.PERSON else ()
    for each in dict.fromkeys(("".join(words), *parts)):
        # A word of a text is part of many words; whose name it is stands elsewhere, too.
        is_word = each.isalpha() and kind is Kind.TEXT
        if not is_word and len(each) >= (LETTERS_MIN if each.isalpha() else DIGITS_MIN):
            yield each


def _spellings(value: str) -> Iterator[tuple[str, ...]]:
    """A value's dates as people and machines write them."""
    for day in dates_in(value.strip()):
        if day.year < FAR:
            yield from _spelled(day)


def _spelled(day: date) -> Iterator[tuple[str, ...]]:
    year, month, number = f"{day.year:04}", f"{day.month:02}", f"{day.day:02}"
    for parts in ((year, month, number), (month, number, year), (number, month, year)):
        yield parts
        yield ("".join(parts),)
    yield (str(day.month), str(day.day), year)
    yield (month, number, year[2:])
    yield (year[2:] + month + number,)
    yield (month + number + year[2:],)
    name = _MONTHS[day.month - 1]
    for word in (name, name[:3]):
        for one in dict.fromkeys((number, str(day.day))):
            yield (word, one, year)
            yield (one, word, year)
            yield (one + word + year,)
            yield (word + one + year,)


def _decoded(text: str) -> str:
    """Escapes of JSON and XML undone, twice for a document within a document."""
    for _ in range(2):
        text = unescape(_ESCAPE.sub(_sign, text))
    return text


def _sign(escape: re.Match[str]) -> str:
    return chr(int(escape[1], 16)) if escape[1] else " "


def _folded(text: str) -> str:
    """Small letters without accents; as long as before, so that places stay."""
    return "".join(unicodedata.normalize("NFKD", sign)[0].lower()[:1] or " " for sign in text)


def _without_format(text: str) -> str:
    """The copy without the words and codes that its format has by itself."""
    text = _SMALL.sub(lambda found: found[1] + " ", text)
    text = _MEMBER.sub(lambda name: _blank(name) if _is_own(name) else name.group(), text)
    return "\n".join(map(_without_codes, text.split("\n")))


def _is_own(name: re.Match[str]) -> bool:
    return (name[1] or name[2]) in KNOWN_NAMES


def _blank(found: re.Match[str]) -> str:
    return " " * len(found.group())


def _without_codes(line: str) -> str:
    """A line that is an X12 segment without its tag, codes and small numbers."""
    begins = re.match(r"\s*([A-Z][A-Z0-9]{1,2})([^\w\s])", line)
    if begins is None or begins[1] not in _PLACES:
        return line
    elements = line.split(begins[2])
    places = _PLACES[begins[1]]
    kept = [
        "" if at in places and (_SMALL_NUMBER.fullmatch(one) or one in CONSTANTS) else one
        for at, one in enumerate(elements)
    ]
    return begins[2].join(["", *kept[1:]])


def _without_public(text: str, public: frozenset[str]) -> str:
    """The copy without values that are a known payer's whole name."""
    return re.sub(
        r"[^*|~<>\"\n]+",
        lambda run: " " if " ".join(_WORD.findall(_folded(run.group()))) in public else run.group(),
        text,
    )
