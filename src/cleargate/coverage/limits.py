"""Visit limits: from EB09 and EB10, from HSD, or from the payer's words.

A limit may be shared: "Combined Physical and Occupational Therapy" is one pot, and the row that
says so need not carry the service type that was asked for.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

from cleargate.coverage.limit_doubts import (
    Found,
    against_unlimited,
    disagreements,
    used_up,
    used_up_in_words,
)
from cleargate.coverage.network import effective_network
from cleargate.coverage.plan import Plan
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import PLAN, BenefitRow, Frequency, Info
from cleargate.coverage.services import is_named_in
from cleargate.nouns.coverage import Network, Source, VisitLimit
from cleargate.nouns.money import cents_from_text

_ROWS = frozenset({Info.LIMIT, Info.DESCRIPTION, Info.ACTIVE})
_UNITS = frozenset({"visits", "days", "hours", "services", "units"})
_TOTAL_KINDS = _UNITS | {"maximum", "approved"}
_PARTS = {"remaining": "remaining", "lifetime_remaining": "remaining", "year_to_date": "used"}
_SHARED = re.compile(r"\bCOMBIN|\bSHARED\b|\bAGGREGATE\b|\bTOTAL FOR\b")
_VISITS = re.compile(r"\b(\d{1,3})\s*(?:VISITS?|VISIT\(S\))(\s+(?:REMAIN|LEFT)\w*)?(?!\w)")
_A_YEAR = re.compile(r"\b(\d{1,3})\s*(?:VISITS?|VISIT\(S\))[^.;,\d]{0,20}?\b(?:YEAR|YR)")
_WORD_PERIODS = (
    (re.compile(r"CALENDAR\s+YEAR|\bCAL\s+YR\b"), "calendar_year"),
    (re.compile(r"(?:BENEFIT|PLAN|SERVICE|CONTRACT)\s+YEAR"), "service_year"),
    (re.compile(r"PER\s+YEAR|/\s*YEAR|ANNUAL"), "years"),
    (re.compile(r"LIFETIME"), "lifetime"),
)


class _Count(NamedTuple):
    """One number of visits: a total, what remains or what is used; `reach` is for whom."""

    part: str
    number: int
    period: str
    unit: str
    source: Source
    reach: frozenset[str] = frozenset()


class _Pot(NamedTuple):
    """What counts must have in common to be one limit."""

    services: tuple[str, ...]
    network: Network
    shared: str
    unit: str


def read_limits(plan: Plan, asked: frozenset[str]) -> tuple[list[VisitLimit], list[Doubt]]:
    """All limits on the services asked for, in file order, and what is doubtful about them."""
    doubts: list[Doubt] = []
    found = [row for row in plan.relevant if row.info in _ROWS and _may_limit(row, asked)]
    if plan.talking:
        named = [row for row in plan.talking if row.info in _ROWS and _names(row, asked)]
        found.extend([*named, *_rest_of(named, plan)])
    if not found:
        return [], doubts
    doubts.extend(used_up_in_words(found, asked))
    rows = {row.segment: row for row in found}
    pots: dict[_Pot, list[_Count]] = {}
    for segment in sorted(rows):
        _read(rows[segment], asked, pots, doubts)
    limits = _without_repeats(
        [limit for pot, counts in pots.items() for limit in _joined(pot, counts, doubts)]
    )
    doubts.extend(disagreements(limits))
    doubts.extend(against_unlimited(plan.relevant, limits))
    doubts.extend(used_up(limits, asked))
    return [found.limit for found in limits], doubts


def _may_limit(row: BenefitRow, asked: frozenset[str]) -> bool:
    """Whether a row is a limit on everything or on a service asked, or has its frequency."""
    if row.info is Info.LIMIT:
        return not row.services or not asked.isdisjoint(row.services)
    return bool(row.quantity or row.details.frequencies) and not asked.isdisjoint(row.services)


def _names(row: BenefitRow, asked: frozenset[str]) -> bool:
    """Whether the words of a limit, whatever its service type, name a service asked."""
    return any(is_named_in(row.text, service) for service in asked)


def _rest_of(named: list[BenefitRow], plan: Plan) -> list[BenefitRow]:
    """What is left of limits that only their words bring here: rows with their opening words.

    Seen: Aetna, `SHRT TRM REHAB,Physical Therapy by Chiropractor` with 60 visits under 33, and
    `SHRT TRM REHAB` alone with those that remain.
    """
    openings = {(row.services, row.network, row.text.partition(",")[0]) for row in named}
    return [
        row
        for row in plan.talking
        if row.info is Info.LIMIT
        and (row.services, row.network, row.text) in openings
        and {row.period, *(one.period for one in row.details.frequencies)} & _PARTS.keys()
    ]


def _reach(row: BenefitRow, asked: frozenset[str]) -> frozenset[str]:
    """The services that a limit touches: those of its row, and those its words name."""
    named = [service for service in asked if row.text and is_named_in(row.text, service)]
    return frozenset((*row.services, *named) or (PLAN,))


def _read(
    row: BenefitRow, asked: frozenset[str], pots: dict[_Pot, list[_Count]], doubts: list[Doubt]
) -> None:
    """Put the numbers of one row into their pots: its quantity, its frequencies, or its words."""
    network, doubt = effective_network(row)
    if doubt is not None:
        doubts.append(doubt)
    reach = _reach(row, asked)
    counts = [] if row.misplaced else _from_quantity(row)
    counts.extend(count for one in row.details.frequencies for count in _from_frequency(one))
    if row.info is Info.LIMIT and not row.misplaced:
        counts.extend(list(_against(row, counts)) if counts else _from_words(row))
    if row.misplaced or (row.info is Info.LIMIT and not counts and _states_a_number(row)):
        sources = (row.at("quantity"), *(message.source for message in row.messages))
        doubts.append(Doubt(reason("limit_unreadable", sources), reach))
    elif not counts and row.amount and row.info is Info.LIMIT and PLAN not in reach:
        spent = _PARTS.get(row.period) == "remaining" and cents_from_text(row.amount) == 0
        stops = spent and network is not Network.OUT
        doubts.append(Doubt(reason("limit_in_money", (row.at("amount"),)), reach, stops=stops))
    shared = next((m.text for m in row.messages if _SHARED.search(m.text.upper())), "")
    for count in counts:
        pot = _Pot(row.services, network, shared, count.unit)
        pots.setdefault(pot, []).append(count._replace(reach=reach))


def _states_a_number(row: BenefitRow) -> bool:
    if row.quantity or row.quantity_kind or row.details.frequencies:
        return not row.quantity_kind.startswith("age_")
    return any(_VISITS.search(message.text.upper()) for message in row.messages)


def _from_quantity(row: BenefitRow) -> list[_Count]:
    number = _whole(row.quantity)
    if number is None:
        return []
    if row.quantity_kind == "used":
        return [_Count("used", number, "", "visits", row.at("quantity"))]
    if row.quantity_kind not in _TOTAL_KINDS:
        return []
    return [_count(number, row.quantity_kind, row.period, row.at("quantity"))]


def _from_frequency(frequency: Frequency) -> list[_Count]:
    number = _whole(frequency.quantity)
    if number is None or frequency.unit not in _UNITS:
        return []
    period = frequency.period
    if period and frequency.periods not in {"", "1"} and period not in _PARTS:
        period = f"{frequency.periods} {period}"
    if frequency.per:
        period = f"{frequency.per}, for {period}" if period else frequency.per
    return [_count(number, frequency.unit, period, frequency.source)]


def _from_words(row: BenefitRow) -> list[_Count]:
    """`30 VISITS PER CALENDAR YEAR`, `12 VISITS REMAINING`; nothing when numbers contradict."""
    found: dict[str, tuple[int, Source]] = {}
    for message in row.messages:
        for match in _VISITS.finditer(message.text.upper()):
            part = "remaining" if match[2] else "total"
            number = int(match[1])
            if found.setdefault(part, (number, message.source))[0] != number:
                return []
    text = row.text
    period = next((word for pattern, word in _WORD_PERIODS if pattern.search(text)), row.period)
    return [
        _Count(part, number, "" if part == "remaining" else period, "visits", source)
        for part, (number, source) in found.items()
    ]


def _against(row: BenefitRow, counts: list[_Count]) -> Iterable[_Count]:
    """What a row's words say against its own fields: other visits a year, or other visits left."""
    totals = {count.number for count in counts if count.part == "total" and count.unit == "visits"}
    left = {count.number for count in counts if count.part == "remaining"}
    for message in row.messages:
        text = message.text.upper()
        yearly = {int(match[1]) for match in _A_YEAR.finditer(text)}
        for number in sorted(yearly - totals if totals else ()):
            yield _Count("total", number, "years", "visits", message.source)
        remaining = {int(match[1]) for match in _VISITS.finditer(text) if match[2]}
        for number in sorted(remaining - left if left else ()):
            yield _Count("remaining", number, "", "visits", message.source)


def _count(number: int, unit: str, period: str, source: Source) -> _Count:
    """A number of a unit in a period; `remaining` and `year_to_date` are parts, no periods."""
    part = _PARTS.get(period, "total")
    unit = unit if unit in _UNITS else "visits"
    return _Count(part, number, period if part == "total" else "", unit, source)


def _whole(text: str) -> int | None:
    """A count such as `60`, `60.0` or `060`; None when it is no whole number."""
    head, _, tail = text.partition(".")
    if head.isascii() and head.isdigit() and len(head) < 6 and not tail.strip("0"):
        return int(head)
    return None


def _joined(pot: _Pot, counts: list[_Count], doubts: list[Doubt]) -> list[Found]:
    """Join the totals of one pot with what remains or is used of them."""
    totals = {(count.number, count.period): count for count in counts if count.part == "total"}
    rest = [count for count in counts if count.part != "total"]
    reach = frozenset(service for count in counts for service in count.reach)
    if rest and len(totals) <= 1:
        only = next(iter(totals.values()), None)
        return [Found(_with_rest(pot, only, rest, reach, doubts), reach)]
    limits = [_limit(pot, count, allowed=count.number) for count in totals.values()]
    for count in rest:
        if count.part == "remaining":
            limits.append(_limit(pot, count, remaining=count.number))
    return [Found(limit, reach) for limit in limits]


def _limit(
    pot: _Pot,
    count: _Count,
    *,
    allowed: int | None = None,
    remaining: int | None = None,
    parts: tuple[Source, ...] = (),
) -> VisitLimit:
    return VisitLimit(
        allowed,
        remaining,
        count.period,
        pot.network,
        pot.services,
        pot.shared,
        count.source,
        pot.unit,
        parts,
    )


def _with_rest(
    pot: _Pot,
    total: _Count | None,
    rest: list[_Count],
    reach: frozenset[str],
    doubts: list[Doubt],
) -> VisitLimit:
    base = total or rest[0]
    allowed = total.number if total else None
    remaining = {count.number for count in rest if count.part == "remaining"}
    if allowed is not None:
        remaining |= {allowed - count.number for count in rest if count.part == "used"}
    if len(remaining) > 1 or any(
        left < 0 or (allowed is not None and left > allowed) for left in remaining
    ):
        sources = dict.fromkeys((base.source, *(count.source for count in rest)))
        doubts.append(Doubt(reason("limit_disagrees", sources), reach, stops=True))
        return _limit(pot, base, allowed=allowed)
    parts = tuple(count.source for count in rest if count is not base)
    return _limit(pot, base, allowed=allowed, remaining=next(iter(remaining), None), parts=parts)


def _without_repeats(limits: list[Found]) -> list[Found]:
    """Drop a limit repeated without its network flag (seen: UnitedHealthcare, 33 and PT)."""
    flagged = {_content(one.limit) for one in limits if one.limit.network is not Network.UNSTATED}
    return [
        one
        for one in limits
        if one.limit.network is not Network.UNSTATED or _content(one.limit) not in flagged
    ]


def _content(limit: VisitLimit) -> tuple[object, ...]:
    return (
        limit.allowed,
        limit.remaining,
        limit.period,
        limit.service_types,
        limit.shared,
        limit.unit,
    )
