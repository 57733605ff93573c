"""What is doubtful about limits once they are read: used up, or said twice with two numbers."""

from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import NamedTuple

from cleargate.coverage.network import overlap
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import PLAN
from cleargate.coverage.services import RELATED
from cleargate.nouns.coverage import Network, VisitLimit

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
