"""Visit limits: from EB09 and EB10, from HSD, or from the payer's words.

A limit may be shared: "Combined Physical and Occupational Therapy" is one pot, and the row that
says so need not carry the service type that was asked for.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
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
_REMAINING = frozenset({"remaining", "lifetime_remaining"})
_SHARED = re.compile(r"\bCOMBIN|\bSHARED\b|\bAGGREGATE\b|\bTOTAL FOR\b")
_VISITS = re.compile(r"\b(\d{1,3})\s*(?:VISITS?|VISIT\(S\))(\s+(?:REMAIN|LEFT)\w*)?(?!\w)")
_WORD_PERIODS = (
    (re.compile(r"CALENDAR\s+YEAR|\bCAL\s+YR\b"), "calendar_year"),
    (re.compile(r"(?:BENEFIT|PLAN|SERVICE|CONTRACT)\s+YEAR"), "service_year"),
    (re.compile(r"PER\s+YEAR|/\s*YEAR|ANNUAL"), "years"),
    (re.compile(r"LIFETIME"), "lifetime"),
)


class _Count(NamedTuple):
    """One number of visits: a total, the rest or the used."""

    limit: VisitLimit
    part: str
    number: int


def read_limits(plan: Plan, asked: frozenset[str]) -> tuple[list[VisitLimit], list[Doubt]]:
    """All limits on the services asked for, in file order, and what is doubtful about them."""
    doubts: list[Doubt] = []
    rows = {row.segment: row for row in plan.relevant if _may_limit(row, asked)}
    rows.update((row.segment, row) for row in plan.talking if _names(row, asked))
    if not rows:
        return [], doubts
    counts = [count for segment in sorted(rows) for count in _read(rows[segment], doubts)]
    limits = _without_repeats(_joined(counts, doubts))
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
    if not (row.quantity or row.frequencies) or row.info not in _ROWS:
        return False
    return not asked.isdisjoint(row.services)


def _names(row: BenefitRow, asked: frozenset[str]) -> bool:
    """Whether the words of a limit, whatever its service type, name a service asked."""
    return row.info in _ROWS and any(is_named_in(row.text, service) for service in asked)


def _reach(limit: VisitLimit, asked: frozenset[str]) -> frozenset[str]:
    """The services that a limit touches: those of its row, and those its words name."""
    named = {service for service in asked if is_named_in(limit.shared.upper(), service)}
    return frozenset(limit.service_types) | named


def _read(row: BenefitRow, doubts: list[Doubt]) -> list[_Count]:
    """The numbers of one row: from its quantity, or its frequencies, or its words."""
    network, doubt = effective_network(row)
    if doubt is not None:
        doubts.append(doubt)
    shared = next((m.text for m in row.messages if _SHARED.search(m.text.upper())), "")
    blank = VisitLimit(None, None, "", network, row.services, shared, row.at("EB10"))
    counts = [] if row.misplaced else _from_quantity(row, blank)
    for frequency in row.frequencies:
        counts.extend(_from_frequency(frequency, blank))
    if row.info is Info.LIMIT and not counts and not row.misplaced:
        counts = _from_words(row, blank)
    if row.misplaced or (row.info is Info.LIMIT and not counts and _states_a_number(row)):
        sources = (row.at("EB10"), *(message.source for message in row.messages))
        doubts.append(Doubt(reason("limit_unreadable", sources), frozenset(row.services)))
    return counts


def _states_a_number(row: BenefitRow) -> bool:
    if row.quantity or row.frequencies:
        return not row.quantity_kind.startswith("age_")
    return any(_VISITS.search(message.text.upper()) for message in row.messages)


def _from_quantity(row: BenefitRow, blank: VisitLimit) -> list[_Count]:
    number = _whole(row.quantity)
    if number is None:
        return []
    if row.quantity_kind == "used":
        return [_Count(blank, "used", number)]
    if row.quantity_kind not in _TOTAL_KINDS:
        return []
    return [_count(blank, row.quantity_kind, row.period, number)]


def _from_frequency(frequency: Frequency, blank: VisitLimit) -> list[_Count]:
    number = _whole(frequency.quantity)
    if number is None or frequency.unit not in _UNITS:
        return []
    period = frequency.period
    if period and frequency.periods not in {"", "1"} and period not in _REMAINING:
        period = f"{frequency.periods} {period}"
    if frequency.per:
        period = f"{frequency.per}, for {period}" if period else frequency.per
    placed = replace(blank, source=frequency.source)
    return [_count(placed, frequency.unit, period, number)]


def _from_words(row: BenefitRow, blank: VisitLimit) -> list[_Count]:
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
        _Count(replace(blank, period="" if part == "remaining" else period, source=source), part, n)
        for part, (n, source) in found.items()
    ]


def _count(blank: VisitLimit, unit: str, period: str, number: int) -> _Count:
    """A number of a unit in a period; `remaining` and `year_to_date` are parts, no periods."""
    limit = replace(blank, unit=unit if unit in _UNITS else "visits")
    if period in _REMAINING:
        return _Count(limit, "remaining", number)
    if period == "year_to_date":
        return _Count(limit, "used", number)
    return _Count(replace(limit, period=period), "total", number)


def _whole(text: str) -> int | None:
    """A count such as `60`, `60.0` or `060`; None when it is no whole number."""
    head, _, tail = text.partition(".")
    if head.isascii() and head.isdigit() and len(head) < 6 and not tail.strip("0"):
        return int(head)
    return None


def _joined(counts: Sequence[_Count], doubts: list[Doubt]) -> list[VisitLimit]:
    """Join totals with what remains or is used of them, by service, network and sharing."""
    groups: dict[tuple[object, ...], list[_Count]] = {}
    for count in counts:
        limit = count.limit
        key = (frozenset(limit.service_types), limit.network, limit.shared, limit.unit)
        groups.setdefault(key, []).append(count)
    limits: list[VisitLimit] = []
    for group in groups.values():
        totals = {(c.number, c.limit.period): c for c in group if c.part == "total"}
        rest = [c for c in group if c.part != "total"]
        if rest and len(totals) <= 1:
            total = next(iter(totals.values()), None)
            limits.append(_with_rest(total, rest, doubts))
        else:
            limits.extend(replace(c.limit, allowed=c.number) for c in totals.values())
            limits.extend(
                replace(c.limit, remaining=c.number) for c in rest if c.part == "remaining"
            )
    return limits


def _with_rest(total: _Count | None, rest: list[_Count], doubts: list[Doubt]) -> VisitLimit:
    base = replace(total.limit, allowed=total.number) if total else rest[0].limit
    remaining = {count.number for count in rest if count.part == "remaining"}
    used = {count.number for count in rest if count.part == "used"}
    if base.allowed is not None:
        remaining |= {base.allowed - number for number in used}
    sane = len(remaining) <= 1 and all(
        0 <= number <= (base.allowed if base.allowed is not None else number)
        for number in remaining
    )
    if not sane:
        sources = (base.source, *(count.limit.source for count in rest))
        doubts.append(
            Doubt(reason("limit_disagrees", sources), frozenset(base.service_types), stops=True)
        )
        return base
    return replace(base, remaining=next(iter(remaining), None))


def _without_repeats(limits: list[VisitLimit]) -> list[VisitLimit]:
    """Drop a limit repeated without its network flag (seen: UnitedHealthcare, 33 and PT)."""
    flagged = {_unplaced(limit) for limit in limits if limit.network is not Network.UNSTATED}
    kept: dict[VisitLimit, VisitLimit] = {}
    for limit in limits:
        if limit.network is not Network.UNSTATED:
            kept.setdefault(replace(limit, source=_NOWHERE), limit)
        elif _unplaced(limit) not in flagged:
            kept.setdefault(_unplaced(limit), limit)
    return list(kept.values())


_NOWHERE = Source(0, "")


def _unplaced(limit: VisitLimit) -> VisitLimit:
    return replace(limit, network=Network.UNSTATED, source=_NOWHERE)
