"""What is doubtful about limits that were read: used up, or said twice with two numbers."""

import re
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from cleargate.coverage.network import overlap
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import PLAN, BenefitRow, Info
from cleargate.coverage.services import RELATED
from cleargate.coverage.words import says_plainly
from cleargate.nouns.coverage import Network, VisitLimit

_EXHAUSTED = re.compile(
    r"\bEXHAUSTED\b|\bMAX(?:IMUM)? (?:BENEFIT )?(?:(?:IS|HAS BEEN) )?(?:MET|REACHED)\b"
    r"|\bNO VISITS (?:REMAIN|LEFT)"
)
_YEARS = frozenset({"", "years", "calendar_year", "service_year"})
"""Periods that payers write for one another, or leave out."""
LIMITS_MAX = 64
"""How many limits of one kind are compared with each other."""


class Found(NamedTuple):
    """A limit, and the services that it touches: those of its rows, and those their words name."""

    limit: VisitLimit
    reach: frozenset[str]


def used_up(limits: Sequence[Found], asked: frozenset[str]) -> Iterable[Doubt]:
    """Limits of which no visits are left, unless they are for out of network only."""
    limited = frozenset(service for found in limits for service in found.reach)
    for found in limits:
        limit = found.limit
        if limit.remaining != 0 or limit.network is Network.OUT:
            continue
        of_visits = limit.unit == "visits"
        reach = found.reach
        if of_visits:
            reach |= {
                service
                for service in asked - limited
                if not RELATED.get(service, frozenset()).isdisjoint(reach)
            }
        services = None if of_visits and PLAN in reach else reach
        yield Doubt(reason("visits_used_up", (limit.source,)), services, stops=True)


def used_up_in_words(rows: Sequence[BenefitRow], asked: frozenset[str]) -> Iterable[Doubt]:
    """`BENEFIT EXHAUSTED` beside a limit on a service asked, whatever its numbers say."""
    for row in rows:
        if row.info is not Info.LIMIT or asked.isdisjoint(row.services):
            continue
        if row.network is Network.OUT:
            continue
        for message in row.messages:
            if says_plainly(_EXHAUSTED, message.text):
                why = reason("visits_used_up", (message.source,))
                yield Doubt(why, row.reach, stops=True)


def against_unlimited(rows: Sequence[BenefitRow], limits: Sequence[Found]) -> Iterable[Doubt]:
    """Visits without limit (EB*H) beside a limit of visits, for one service and network."""
    for row in rows:
        if row.info is not Info.UNLIMITED or row.quantity_kind != "visits":
            continue
        against = [
            found.limit.source
            for found in limits[:LIMITS_MAX]
            if overlap(found.limit.network, row.network)
            and not row.reach.isdisjoint(found.limit.service_types)
        ]
        if against:
            why = reason("limit_disagrees", (*against, row.at("info")))
            yield Doubt(why, row.reach, stops=True)


def disagreements(limits: Sequence[Found]) -> Iterable[Doubt]:
    """One limit in two sizes: of the same services, words and period, in networks that overlap."""
    same: dict[tuple[object, ...], list[Found]] = {}
    for found in limits:
        limit = found.limit
        period = "year" if limit.period in _YEARS else limit.period
        key = (limit.service_types, limit.shared, limit.unit, period)
        same.setdefault(key, []).append(found)
    for several in same.values():
        pairs = combinations(several[:LIMITS_MAX], 2)
        fights = [pair for pair in pairs if _fight(pair[0].limit, pair[1].limit)]
        if fights:
            sources = dict.fromkeys(found.limit.source for pair in fights for found in pair)
            reach = frozenset(service for found in several for service in found.reach)
            yield Doubt(reason("limit_disagrees", sources), reach, stops=True)


def _fight(one: VisitLimit, other: VisitLimit) -> bool:
    """Whether two limits cannot both be true; only what both state is compared."""
    allowed, remaining = {one.allowed, other.allowed}, {one.remaining, other.remaining}
    differ = len(allowed - {None}) > 1 or len(remaining - {None}) > 1
    return differ and overlap(one.network, other.network)
