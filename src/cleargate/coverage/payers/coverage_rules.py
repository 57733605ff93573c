"""Kinds of rules that say more about what was judged: whom to ask, what counts, what a code means.

None of them changes a verdict or an amount.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

from cleargate.coverage.payers.row_rules import NO_CHOICES, Choices, Found
from cleargate.coverage.payers.spelling import plain
from cleargate.coverage.rows import BenefitRow, Info, PayerAnswer, Role
from cleargate.nouns.coverage import Coverage, Reason, VisitLimit


@runtime_checkable
class CoverageRule(Protocol):
    """A rule about a coverage that was judged. `CHOICES` as with rules about rows."""

    CHOICES: ClassVar[Choices]

    def add(self, coverage: Coverage, answer: PayerAnswer, /) -> tuple[Coverage, list[Found]]:
        """The coverage with what the rule knows, and what was settled thereby."""


@dataclass(frozen=True, slots=True)
class Delegates:
    """An organization, by its exact `name`, that manages care for this payer: whom to `ask` next.

    The service still waits for a person, who is told what to do.
    """

    CHOICES: ClassVar[Choices] = NO_CHOICES

    name: str
    ask: str

    def add(self, coverage: Coverage, answer: PayerAnswer) -> tuple[Coverage, list[Found]]:
        """Put the way on into the reason's tip."""
        rows = [row for row in answer.rows if self._manages(row)]
        places = {row.at("info") for row in rows}
        found: list[Found] = []

        def told(reason: Reason) -> Reason:
            if reason.code != "delegated" or reason.sources[0] not in places:
                return reason
            text = f"{self.name} manages the care for this payer; the tip says whom to ask"
            found.append(Found(text, reason.sources))
            return replace(reason, tip=self.ask)

        coverage = _with_reasons(coverage, told) if rows else coverage
        return coverage, list(dict.fromkeys(found))

    def _manages(self, row: BenefitRow) -> bool:
        managers = [one.name for one in row.details.entities if one.role is Role.MANAGER]
        return bool(managers) and {plain(name) for name in managers} == {plain(self.name)}


def _with_reasons(coverage: Coverage, change: Callable[[Reason], Reason]) -> Coverage:
    services = tuple(
        replace(one, reasons=tuple(change(each) for each in one.reasons))
        for one in coverage.services
    )
    reasons = tuple(change(each) for each in coverage.reasons)
    return replace(coverage, services=services, reasons=reasons)


@dataclass(frozen=True, slots=True)
class PrimeWords:
    """The payer's exact `words` beside a row of Medicare's that say: this payer pays first."""

    CHOICES: ClassVar[Choices] = NO_CHOICES

    words: str

    def add(self, coverage: Coverage, answer: PayerAnswer) -> tuple[Coverage, list[Found]]:
        """Drop the question who pays first, where these words answer it for every other payer."""
        words = plain(self.words)
        said = {
            row.segment: message.source
            for row in answer.rows
            for message in row.messages
            if plain(message.text) == words
        }
        others = coverage.other_payers
        if not others or any(one.source.segment not in said for one in others):
            return coverage, []
        names = ", ".join(dict.fromkeys(one.name for one in others))
        sources = tuple(dict.fromkeys(said[one.source.segment] for one in others))
        reasons = tuple(one for one in coverage.reasons if one.code != "other_payer")
        found = Found(f"This payer pays first, {names} second", sources)
        return replace(coverage, reasons=reasons), [found]


@dataclass(frozen=True, slots=True)
class SharedLimits:
    """A limit of `services` whose `words` say that it is shared: it counts for others, too."""

    CHOICES: ClassVar[Choices] = NO_CHOICES

    services: tuple[str, ...]
    words: str
    counts_for: tuple[str, ...]

    def add(self, coverage: Coverage, _answer: PayerAnswer) -> tuple[Coverage, list[Found]]:
        """Add the services for which the limit counts."""
        limits = tuple(self._counted(limit) for limit in coverage.visit_limits)
        changed = [
            limit
            for limit, before in zip(limits, coverage.visit_limits, strict=True)
            if limit is not before
        ]
        if not changed:
            return coverage, []
        text = f"The shared limit counts for {', '.join(self.counts_for)}"
        found = Found(text, tuple(limit.source for limit in changed))
        return replace(coverage, visit_limits=limits), [found]

    def _counted(self, limit: VisitLimit) -> VisitLimit:
        more = tuple(one for one in self.counts_for if one not in limit.service_types)
        if not (more and limit.service_types and set(limit.service_types) <= {*self.services}):
            return limit
        if plain(self.words) not in plain(limit.shared):
            return limit
        return replace(limit, service_types=(*limit.service_types, *more))


@dataclass(frozen=True, slots=True)
class CodedMessages:
    """What the `codes` mean that a payer writes as the whole of a message beside its plan."""

    CHOICES: ClassVar[Choices] = NO_CHOICES

    codes: Mapping[str, str]

    def add(self, coverage: Coverage, answer: PayerAnswer) -> tuple[Coverage, list[Found]]:
        """Say the codes in words; what follows from them is for a person."""
        found = {
            message.text: Found(f"{message.text}: {self.codes[message.text]}", (message.source,))
            for row in answer.rows
            if row.info is Info.ACTIVE and row.speaks_for_plan
            for message in row.messages
            if message.text in self.codes
        }
        return coverage, list(found.values())


COVERAGE_RULES: Mapping[str, type[CoverageRule]] = {
    "delegates": Delegates,
    "prime_words": PrimeWords,
    "shared_limits": SharedLimits,
    "coded_messages": CodedMessages,
}
