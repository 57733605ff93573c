"""What stands in the copy for each value of an answer: the same for the same, wherever it stands.

Two walks over the answer: the first collects, for dates are moved together and names are hidden in
texts that stand before them; the second replaces.
"""

import random
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import NamedTuple

from cleargate.eligibility.lab.dates import Dates, dates_in, with_dates
from cleargate.eligibility.lab.free_text import plain_text, vocabulary, words_of
from cleargate.eligibility.lab.leaf import Kind, Leaf, is_plain
from cleargate.nouns.errors import Refused
from cleargate.nouns.ids import npi_is_valid

NAMES = (
    "LABPERSON", "LABWRIGHT", "LABFORD", "LABSON", "LABFIELD", "LABBY", "LABHURST", "LABLEY",
    "LABTON", "LABWORTH", "LABWELL", "LABMAN",
)  # fmt: skip
"""Nobody's names; whichever the answer holds itself is left out."""
_OF_THE_PAYER = frozenset({("ISA", 6), ("ISA", 8), ("GS", 2), ("GS", 3), ("TRN", 3)})
"""Places outside of any patient where a payer's own id or name may stand again."""
_IDS = frozenset({Kind.ID, Kind.CONTROL, Kind.NPI, Kind.CONTACT, Kind.UNKNOWN, Kind.ZIP})
_HIDDEN_MIN = 3
"""A name of two letters that is a benefit word, too, would take IN from every IN NETWORK."""
_WHOLE_MIN = 5
"""An id of so many characters is also looked for inside others."""
_WHOLE_MAX = 200
_TRIES_MAX = 50
LEAVES_MAX = 20_000
"""The largest answer seen has a quarter of this."""
_CITY, _STREET, _GROUP, _TIME = "LABTOWN", "1 LABSTREET", "LABGROUP", "120000000000"


class Original(NamedTuple):
    """A value that was replaced, for the second look; `kind` is that of its place."""

    value: str
    kind: Kind
    place: str


class Collected:
    """The first walk: everything that the answer holds."""

    def __init__(self) -> None:
        self.leaves: list[Leaf] = []

    def __call__(self, leaf: Leaf) -> str:
        """Take a leaf and leave it as it is."""
        if len(self.leaves) == LEAVES_MAX:
            raise Refused("The file holds more values than the answer about one patient.")
        self.leaves.append(leaf)
        return leaf.value

    def of(self, *kinds: Kind) -> Iterable[str]:
        """The values of the kinds."""
        return (leaf.value for leaf in self.leaves if leaf.kind in kinds)


class Replacer:
    """The second walk. `public` are names of payers that everybody knows, in small letters."""

    def __init__(
        self, collected: Collected, public: frozenset[str], on: date, chance: random.Random
    ) -> None:
        self.originals: list[Original] = []
        self.counts: Counter[Kind] = Counter()
        self._public = public
        self._chance = chance
        births = {day for text in collected.of(Kind.BIRTH) for day in dates_in(text)}
        dates = {day for text in collected.of(Kind.DATE) for day in dates_in(text)}
        self.dates = Dates(dates, births, on, chance)
        payers = {_squeezed(name) for name in collected.of(Kind.PAYER_NAME)}
        self._payer_ids = {_squeezed(each) for each in collected.of(Kind.PAYER_ID)} | payers
        names = [words_of(name) for name in collected.of(Kind.PAYER_NAME)]
        self._known = vocabulary().union(*names)
        self.public_words = frozenset(
            word for words in names if " ".join(words) in public for word in words
        )
        self._hidden = _hidden(collected.leaves)
        self._names = [name for name in NAMES if name.casefold() not in self._hidden]
        self._new: dict[tuple[str, str], str] = {}
        self._ids = sorted(_long_ids(collected.leaves), key=len, reverse=True)

    def __call__(self, leaf: Leaf) -> str:
        """What shall stand for a leaf; whatever goes is remembered."""
        value = leaf.value
        if not value.strip() or leaf.kind is Kind.PAYER_NAME or self._is_known(leaf):
            return value
        if leaf.kind in {Kind.TEXT, Kind.OTHER_PAYER}:
            return self._text(leaf)
        new = self._replaced(leaf)
        if new != value:
            self._note(value, leaf)
        return new

    def _is_known(self, leaf: Leaf) -> bool:
        """Whether a value may stay: it looks like its harmless kind, or is a known payer's."""
        if leaf.kind is Kind.OTHER_PAYER:
            return " ".join(words_of(leaf.value)) in self._public
        if (leaf.key, leaf.element) in _OF_THE_PAYER and _squeezed(leaf.value) in self._payer_ids:
            return True
        return is_plain(leaf)

    def _note(self, value: str, leaf: Leaf) -> None:
        self.originals.append(Original(value, leaf.kind, leaf.place))
        self.counts[leaf.kind] += 1

    def _text(self, leaf: Leaf) -> str:
        """Free text, and the name of another payer that is on no list."""

        def note(word: str) -> None:
            self._note(word, leaf._replace(kind=Kind.TEXT))

        return plain_text(leaf.value, self._known, self._hidden, note)

    def _replaced(self, leaf: Leaf) -> str:
        value = leaf.value
        invented: Callable[[str], str] | None = {
            Kind.PERSON: self._name,
            Kind.GROUP: self._group,
            Kind.ADDRESS: lambda _: _STREET,
            Kind.CITY: lambda _: _CITY,
        }.get(leaf.kind)
        if invented is not None:
            new = invented(value)
            return new if value.upper() == value else new.title()
        made: Callable[[], str | None] | None = {
            Kind.DATE: lambda: with_dates(value, self.dates.moved),
            Kind.BIRTH: lambda: with_dates(value, self.dates.born),
            Kind.TIME: lambda: _TIME[: len(value)] if value.isdigit() else None,
            Kind.NPI: lambda: self._npi(value),
            Kind.CONTACT: lambda: _address(value),
        }.get(leaf.kind)
        return (made() if made is not None else None) or self._id(value)

    def _name(self, value: str) -> str:
        """A name of the pool, the same for the same value; lettered when the pool is used up."""
        key = "name", _squeezed(value)
        if key not in self._new:
            number = self._count("name")
            again = number // len(self._names)
            self._new[key] = self._names[number % len(self._names)] + "ABCDEFGHIJ"[:again]
        return self._new[key]

    def _group(self, value: str) -> str:
        key = "group", _squeezed(value)
        if key not in self._new:
            self._new[key] = f"{_GROUP} {1 + self._count('group')}"
        return self._new[key]

    def _count(self, sort: str) -> int:
        return sum(1 for used, _ in self._new if used == sort)

    def _npi(self, value: str) -> str | None:
        """Another NPI with a right check digit; None for what is no NPI."""
        key = "npi", value
        if key not in self._new and npi_is_valid(value):
            body = f"1{self._chance.randrange(10**8):08}"
            self._new[key] = next(
                made for last in range(10) if npi_is_valid(made := f"{body}{last}")
            )
        return self._new.get(key)

    def _id(self, value: str) -> str:
        """Another id of the same form: letters for letters, digits for digits, signs stay."""
        signs = [at for at, sign in enumerate(value) if sign.isalnum()]
        new = self._scrambled("".join(_upper(value[at]) for at in signs))
        made = list(value)
        for at, sign in zip(signs, new, strict=True):
            made[at] = sign.lower() if value[at].islower() else sign
        return "".join(made)

    def _scrambled(self, text: str) -> str:
        """Characters for characters; a longer id keeps another one's place within it."""
        key = "id", text
        if not text:
            return ""
        if key not in self._new:
            ids = self._ids if len(text) <= _WHOLE_MAX else ()
            inner = next((one for one in ids if one in text and one != text), None)
            if inner is not None:
                before, _, after = text.partition(inner)
                parts = map(self._scrambled, (before, inner, after))
                self._new[key] = "".join(parts)
            else:
                self._new[key] = self._other(text)
        return self._new[key]

    def _other(self, text: str) -> str:
        for _ in range(_TRIES_MAX):
            new = "".join(map(self._sign, text))
            if new != text:
                return new
        return "0" * len(text)

    def _sign(self, sign: str) -> str:
        return self._chance.choice("0123456789" if sign.isdigit() else "ABCDEFGHJKLMNPQRSTUVWXYZ")


def _address(value: str) -> str | None:
    """An address that leads nowhere; None for a number, which keeps its form."""
    if "@" in value:
        return "someone@example.com"
    if re.search(r"[A-Za-z]{3}", value) and "." in value:
        return "WWW.EXAMPLE.COM"
    return None


def counts_by_class(counts: Mapping[Kind, int]) -> dict[str, int]:
    """How many values of each class were replaced, by name."""
    return {kind.value: counts[kind] for kind in sorted(counts)}


def _hidden(leaves: Iterable[Leaf]) -> frozenset[str]:
    """Words that no free text may say, even if they are benefit words: a patient may be so called.

    Names of organisations are not among them: every clinic of the trade is called a therapy.
    """
    found: set[str] = set()
    for leaf in leaves:
        if leaf.kind is Kind.PERSON:
            found.update(word for word in words_of(leaf.value) if len(word) >= _HIDDEN_MIN)
        elif leaf.kind in _IDS and not is_plain(leaf):
            told = (word for word in words_of(leaf.value) if len(word) >= _HIDDEN_MIN)
            found.update(word for word in told if word not in vocabulary())
    return frozenset(found)


def _long_ids(leaves: Iterable[Leaf]) -> set[str]:
    values = (
        "".join(map(_upper, filter(str.isalnum, leaf.value)))
        for leaf in leaves
        if leaf.kind in _IDS
    )
    return {value for value in values if len(value) >= _WHOLE_MIN}


def _upper(sign: str) -> str:
    """A capital, where there is one of one character."""
    return sign.upper() if len(sign.upper()) == 1 else sign


def _squeezed(text: str) -> str:
    return "".join(words_of(text))
