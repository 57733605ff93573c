"""Kinds of rules that put rows into the standard's own terms before anything is judged.

Each looks at the rows of one answer and changes those that its source speaks about; the strict
reading then finds nothing to doubt. What does not fit exactly stays as it was.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, NamedTuple, Protocol, runtime_checkable

from cleargate.coverage.amounts import written_share
from cleargate.coverage.network import effective_network
from cleargate.coverage.rows import BenefitRow, Info
from cleargate.nouns.coverage import Network, Person, Source
from cleargate.nouns.money import cents_from_text

Rows = tuple[BenefitRow, ...]
Choices = Mapping[str, tuple[object, ...]]
NO_CHOICES: Choices = {}


class Found(NamedTuple):
    """One thing that a rule settled, in the front desk's words, and where it stands."""

    text: str
    sources: tuple[Source, ...]


@runtime_checkable
class RowRule(Protocol):
    """A rule about rows. `CHOICES` are the values that a key may have, where not any."""

    CHOICES: ClassVar[Choices]

    def rewrite(self, rows: Rows) -> tuple[Rows, list[Found]]:
        """The rows in the standard's terms, and what was settled thereby."""


_POOLED = {Info.DEDUCTIBLE: "deductible", Info.OUT_OF_POCKET: "out-of-pocket limit"}
_LEFT = frozenset({"remaining", "lifetime_remaining"})
_PARTS = _LEFT | {"year_to_date"}
_PERSONS = {Person.INDIVIDUAL: "individual ", Person.FAMILY: "family "}
_NETWORKS = {Network.IN: " in network", Network.OUT: " out of network"}


def _named(row: BenefitRow) -> str:
    """What a pooled row is about, as in `family deductible in network`."""
    return f"{_PERSONS.get(row.person, '')}{_POOLED[row.info]}{_NETWORKS.get(row.network, '')}"


@dataclass(frozen=True, slots=True)
class PercentScale:
    """What a coinsurance of 1 is: `one_means` 100 or 1 percent, on the rows of `network`.

    It is 1 percent only in an answer that shows the scale itself: with another share above 1, and
    none between 0 and 1.
    """

    CHOICES: ClassVar[Choices] = {"one_means": (1, 100), "network": ("any", "in", "out")}

    one_means: int
    network: str = "any"

    def rewrite(self, rows: Rows) -> tuple[Rows, list[Found]]:
        """Write the share as the standard does: 1 for 100 percent, .01 for 1 percent."""
        shares = [written_share(row) for row in rows if row.info is Info.COINSURANCE]
        if self.one_means == 1 and not _in_whole_percents(shares):
            return rows, []
        written = {1: ".01", 100: "100"}[self.one_means]
        found: list[Found] = []

        def settled(row: BenefitRow) -> BenefitRow:
            if row.info is not Info.COINSURANCE or written_share(row) != 1 or not self._holds(row):
                return row
            text = f"A coinsurance of 1 is {self.one_means} %"
            found.append(Found(text, (row.at("percent"),)))
            return row._replace(percent=written)

        return tuple([settled(row) for row in rows]), found

    def _holds(self, row: BenefitRow) -> bool:
        """Whether flag and words of a row agree that it is for the network."""
        if self.network == "any":
            return True
        return row.network is Network(self.network) is effective_network(row)[0]


def _in_whole_percents(shares: list[Decimal | None]) -> bool:
    known = [share for share in shares if share is not None]
    return any(1 < one <= 100 for one in known) and not any(0 < one < 1 for one in known)


@dataclass(frozen=True, slots=True)
class NoneAmounts:
    """The `amount` of a deductible or out-of-pocket limit that stands for: there is none.

    What remains of it is the same number, or that less what is used, and is dropped with it. If
    it is another, the payer means an amount, and nothing is settled.
    """

    CHOICES: ClassVar[Choices] = NO_CHOICES

    amount: str

    def rewrite(self, rows: Rows) -> tuple[Rows, list[Found]]:
        """Say of the rows what X12 has a code for: unlimited."""
        none = cents_from_text(self.amount)
        pots: dict[tuple[object, ...], list[BenefitRow]] = {}
        for row in rows:
            if row.info in _POOLED:
                pots.setdefault(_pot(row), []).append(row)
        unlimited: set[int] = set()
        found: list[Found] = []
        for pot in pots.values():
            gone = _standing_for_none(pot, none)
            unlimited.update(row.segment for row in gone)
            if gone:
                text = f"There is no {_named(gone[0])}: {self.amount} stands for none"
                found.append(Found(text, tuple(row.at("amount") for row in gone)))
        if not unlimited:
            return rows, []
        return tuple([_unlimited(row) if row.segment in unlimited else row for row in rows]), found


def _pot(row: BenefitRow) -> tuple[object, ...]:
    """What a total and its parts have in common; as in amounts.py, with the flag alone."""
    places = row.details.places
    return (
        row.info,
        row.person,
        row.network,
        row.services,
        row.procedure,
        places,
        row.insurance_type,
    )


def _unlimited(row: BenefitRow) -> BenefitRow:
    return row._replace(info=Info.UNLIMITED) if row.info in _POOLED else row


def _standing_for_none(pot: list[BenefitRow], none: int | None) -> list[BenefitRow]:
    """The total of a pot and what remains of it, where they stand for none; else nothing."""
    totals = [row for row in pot if row.period not in _PARTS]
    if none is None or len(totals) != 1 or cents_from_text(totals[0].amount) != none:
        return []
    left = [row for row in pot if row.period in _LEFT]
    used = [cents_from_text(row.amount) for row in pot if row.period == "year_to_date"]
    fitting = {none, *(none - one for one in used if one is not None)}
    if any(cents_from_text(row.amount) not in fitting for row in left):
        return []
    return [*totals, *left]


@dataclass(frozen=True, slots=True)
class PeriodOf:
    """The `period` of an out-of-pocket total that the payer gives without one.

    It is that of the deductible of the same person and network, whose own `words` say that it is
    a part of the total; deductibles with those words and other periods settle nothing.
    """

    CHOICES: ClassVar[Choices] = {"period": ("calendar_year", "service_year", "contract")}

    words: str
    period: str

    def rewrite(self, rows: Rows) -> tuple[Rows, list[Found]]:
        """Give the totals the period."""
        words = self.words.upper()
        included: dict[tuple[Person, Network], list[BenefitRow]] = {}
        for row in rows:
            is_total = row.info is Info.DEDUCTIBLE and row.period not in _PARTS
            if is_total and row.speaks_for_plan and words in row.text:
                included.setdefault((row.person, row.network), []).append(row)
        found: list[Found] = []

        def settled(row: BenefitRow) -> BenefitRow:
            deductibles = included.get((row.person, row.network), [])
            if row.info is not Info.OUT_OF_POCKET or row.period or not row.speaks_for_plan:
                return row
            if {one.period for one in deductibles} != {self.period}:
                return row
            text = f"The {_named(row)} is per {self.period.replace('_', ' ')}"
            sources = (row.at("amount"), *(one.at("amount") for one in deductibles))
            found.append(Found(text, sources))
            return row._replace(period=self.period)

        if included:
            rows = tuple([settled(row) for row in rows])
        return rows, found


ROW_RULES: Mapping[str, type[RowRule]] = {
    "percent_scale": PercentScale,
    "none_amounts": NoneAmounts,
    "period_of": PeriodOf,
}
