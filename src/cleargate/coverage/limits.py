"""Visit limits: from EB09 and EB10, from HSD, or from the payer's words.

A limit may be shared: "Combined Physical and Occupational Therapy" is one pot, and the row that
says so need not carry the service type that was asked for.
"""

import re
from typing import NamedTuple

from cleargate.coverage.network import effective_network
from cleargate.coverage.plan import Plan
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import BenefitRow, Frequency, Info
from cleargate.coverage.services import is_named_in
from cleargate.nouns.coverage import Network, Source, VisitLimit

_ROWS = frozenset({Info.LIMIT, Info.DESCRIPTION, Info.ACTIVE})
_UNITS = frozenset({"visits", "days", "hours", "services", "units"})
_TOTAL_KINDS = _UNITS | {"maximum", "approved"}
_PARTS = {"remaining": "remaining", "lifetime_remaining": "remaining", "year_to_date": "used"}
_SHARED = re.compile(r"\bCOMBIN|\bSHARED\b|\bAGGREGATE\b|\bTOTAL FOR\b")
_VISITS = re.compile(r"\b(\d{1,3})\s*(?:VISITS?|VISIT\(S\))(\s+(?:REMAIN|LEFT)\w*)?(?!\w)")
_WORD_PERIODS = (
    (re.compile(r"CALENDAR\s+YEAR|\bCAL\s+YR\b"), "calendar_year"),
    (re.compile(r"(?:BENEFIT|PLAN|SERVICE|CONTRACT)\s+YEAR"), "service_year"),
    (re.compile(r"PER\s+YEAR|/\s*YEAR|ANNUAL"), "years"),
    (re.compile(r"LIFETIME"), "lifetime"),
)


class _Count(NamedTuple):
    """One number of visits: a total, what remains or what is used."""

    part: str
    number: int
    period: str
    unit: str
    source: Source


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
    rows = {row.segment: row for row in found}
    pots: dict[_Pot, list[_Count]] = {}
    for segment in sorted(rows):
        _read(rows[segment], pots, doubts)
    limits = _without_repeats(
        [limit for pot, counts in pots.items() for limit in _joined(pot, counts, doubts)]
    )
    for limit in limits:
        if limit.remaining == 0 and limit.network is not Network.OUT:
            doubts.append(
                Doubt(reason("visits_used_up", (limit.source,)), _reach(limit, asked), stops=True)
            )
    return limits, doubts


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


def _reach(limit: VisitLimit, asked: frozenset[str]) -> frozenset[str]:
    """The services that a limit touches: those of its row, and those its words name."""
    named = {service for service in asked if is_named_in(limit.shared.upper(), service)}
    return frozenset(limit.service_types) | named


def _read(row: BenefitRow, pots: dict[_Pot, list[_Count]], doubts: list[Doubt]) -> None:
    """Put the numbers of one row into their pots: its quantity, its frequencies, or its words."""
    network, doubt = effective_network(row)
    if doubt is not None:
        doubts.append(doubt)
    counts = [] if row.misplaced else _from_quantity(row)
    counts.extend(count for one in row.details.frequencies for count in _from_frequency(one))
    if row.info is Info.LIMIT and not counts and not row.misplaced:
        counts = _from_words(row)
    if row.misplaced or (row.info is Info.LIMIT and not counts and _states_a_number(row)):
        sources = (row.at("quantity"), *(message.source for message in row.messages))
        doubts.append(Doubt(reason("limit_unreadable", sources), frozenset(row.services)))
    shared = next((m.text for m in row.messages if _SHARED.search(m.text.upper())), "")
    for count in counts:
        pots.setdefault(_Pot(row.services, network, shared, count.unit), []).append(count)


def _states_a_number(row: BenefitRow) -> bool:
    if row.quantity or row.details.frequencies:
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


def _joined(pot: _Pot, counts: list[_Count], doubts: list[Doubt]) -> list[VisitLimit]:
    """Join the totals of one pot with what remains or is used of them."""
    totals = {(count.number, count.period): count for count in counts if count.part == "total"}
    rest = [count for count in counts if count.part != "total"]
    if rest and len(totals) <= 1:
        return [_with_rest(pot, next(iter(totals.values()), None), rest, doubts)]
    limits = [_limit(pot, count, allowed=count.number) for count in totals.values()]
    remaining = (count for count in rest if count.part == "remaining")
    return limits + [_limit(pot, count, remaining=count.number) for count in remaining]


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
    pot: _Pot, total: _Count | None, rest: list[_Count], doubts: list[Doubt]
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
        services = frozenset(pot.services)
        doubts.append(Doubt(reason("limit_disagrees", sources), services, stops=True))
        return _limit(pot, base, allowed=allowed)
    parts = tuple(count.source for count in rest if count is not base)
    return _limit(pot, base, allowed=allowed, remaining=next(iter(remaining), None), parts=parts)


def _without_repeats(limits: list[VisitLimit]) -> list[VisitLimit]:
    """Drop a limit repeated without its network flag (seen: UnitedHealthcare, 33 and PT)."""
    flagged = {_content(one) for one in limits if one.network is not Network.UNSTATED}
    return [
        one for one in limits if one.network is not Network.UNSTATED or _content(one) not in flagged
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
