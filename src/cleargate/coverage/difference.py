"""What a payer says now and did not say before, as far as a front desk has to act on it. Pure.

Amounts that are used up move with every visit: they are a difference only when nothing is left.
What one of the two answers leaves unsaid is none, but for a need and an end that are new.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from cleargate.coverage.services import NAMES
from cleargate.nouns.coverage import (
    Amount,
    AmountKind,
    AuthorisationNeed,
    Coverage,
    Network,
    Person,
    Verdict,
)
from cleargate.nouns.money import dollars
from cleargate.nouns.patient import letters

VERDICTS = {
    Verdict.ACTIVE: "active",
    Verdict.ACTIVE_UNCLEAR: "active, but unclear",
    Verdict.INACTIVE: "not active",
    Verdict.UNDETERMINED: "not determined",
    Verdict.PENDING: "no answer yet",
}
_NEEDS = {
    AuthorisationNeed.REQUIRED: "needed",
    AuthorisationNeed.NOT_REQUIRED: "not needed",
    AuthorisationNeed.UNSTATED: "not stated",
}
_NETWORKS = {
    Network.IN: "in network",
    Network.OUT: "out of network",
    Network.EITHER: "in or out of network",
    Network.UNSTATED: "",
}
_NOTHING = "none"
_UNSTATED = "not stated"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is otherwise now, in words that a front desk reads."""

    what: str
    before: str
    now: str


def difference(before: Coverage, now: Coverage) -> list[Change]:
    """Whatever has changed between two answers about one person and policy, the gravest first."""
    return [
        *_verdicts(before, now),
        *_said("Plan", before.plan, now.plan),
        *_said("Member ID", before.member_id, now.member_id),
        *_network(before.provider_network, now.provider_network),
        *_needs("Authorization", before.authorisation, now.authorisation),
        *_needs("Referral", before.referral, now.referral),
        *_visits(before, now),
        *_amounts(before, now),
        *_end(before.ends, now.ends),
        *_other_payers(before, now),
    ]


def is_good_news(before: Coverage, now: Coverage) -> bool:
    """Whether what was in doubt is plainly active now, and needs nothing that it did not need."""
    needs = [(before.authorisation, now.authorisation), (before.referral, now.referral)]
    return (
        before.verdict is not Verdict.ACTIVE
        and now.verdict is Verdict.ACTIVE
        and not any(new is AuthorisationNeed.REQUIRED is not old for old, new in needs)
    )


def _verdicts(before: Coverage, now: Coverage) -> list[Change]:
    """Services whose verdicts changed in the same way are one change."""
    earlier = {each.code: each.verdict for each in before.services}
    changed: dict[tuple[Verdict, Verdict], list[str]] = {}
    for code, new in {each.code: each.verdict for each in now.services}.items():
        old = earlier.get(code, new)
        if old is not new:
            changed.setdefault((old, new), []).append(code)
    if not now.services and before.verdict is not now.verdict:
        changed[before.verdict, now.verdict] = []
    return [
        Change(_names(codes), VERDICTS[old], VERDICTS[new]) for (old, new), codes in changed.items()
    ]


def _names(codes: list[str]) -> str:
    names = [NAMES.get(code, f"Service {code}") for code in codes[:2]]
    more = [f"{len(codes) - 2} more"] if len(codes) > 2 else []
    return ", ".join([*names, *more]) or "Coverage"


def _said(what: str, before: str, now: str) -> list[Change]:
    """A text that both answers state, and state otherwise."""
    if not before or not now or letters(before) == letters(now):
        return []
    return [Change(what, before, now)]


def _network(before: Network, now: Network) -> list[Change]:
    """The practice has left the plan's network, or come into it."""
    if before is now or now not in (Network.IN, Network.OUT):
        return []
    if now is Network.IN and before is not Network.OUT:
        return []
    return [Change("Practice", _NETWORKS[before] or "not stated", _NETWORKS[now])]


def _needs(what: str, before: AuthorisationNeed, now: AuthorisationNeed) -> list[Change]:
    if before is now or AuthorisationNeed.REQUIRED not in (before, now):
        return []
    return [Change(what, _NEEDS[before], _NEEDS[now])]


def _visits(before: Coverage, now: Coverage) -> list[Change]:
    """Visits that were left and are not any more."""

    def used_up(coverage: Coverage) -> bool:
        return any(each.remaining == 0 for each in coverage.visit_limits)

    if used_up(before) or not used_up(now):
        return []
    left = [str(each.remaining) for each in before.visit_limits if each.remaining is not None]
    return [Change("Visits left", _listed(left), "0")]


def _amounts(before: Coverage, now: Coverage) -> list[Change]:
    """What the patient pays; a plan that is not active has no amounts to compare."""
    if now.verdict is Verdict.INACTIVE:
        return []
    return [
        *_sizes("Copay", AmountKind.COPAY, before, now),
        *_sizes("Coinsurance", AmountKind.COINSURANCE, before, now),
        *_sizes("Deductible", AmountKind.DEDUCTIBLE, before, now),
    ]


def _sizes(what: str, kind: AmountKind, before: Coverage, now: Coverage) -> list[Change]:
    """Amounts of a kind as sets: payers do not keep their order, or say the same thing twice."""
    old = {_key(each): each for each in before.amounts if each.kind is kind and _has_size(each)}
    new = {_key(each): each for each in now.amounts if each.kind is kind and _has_size(each)}
    if old.keys() == new.keys():
        return []
    gone = [_size(old[key]) for key in old if key not in new]
    come = [_size(new[key]) for key in new if key not in old]
    return [Change(what, _listed(gone, _UNSTATED), _listed(come, _UNSTATED))]


def _key(amount: Amount) -> tuple[object, ...]:
    """What makes an amount another one; what is left of it, and its place, do not."""
    scope = (amount.person, amount.network, amount.period, frozenset(amount.service_types))
    return (amount.cents, amount.percent, *scope)


def _has_size(amount: Amount) -> bool:
    return amount.cents is not None or amount.percent is not None


def _size(amount: Amount) -> str:
    size = f"{amount.percent.normalize():f}%" if amount.percent is not None else ""
    if amount.cents is not None:
        size = dollars(amount.cents)
    period = f" per {amount.period.replace('_', ' ')}" if amount.period else ""
    person = "" if amount.person is not Person.FAMILY else "family"
    parts = (f"{size}{period}", person, _NETWORKS[amount.network])
    return ", ".join(part for part in parts if part)


def _end(before: date | None, now: date | None) -> list[Change]:
    """An end that is new, or earlier than was said; a plan that goes on longer troubles nobody."""
    if now is None or (before is not None and now >= before):
        return []
    return [Change("Covered until", _day(before), _day(now))]


def _day(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else "open"


def _other_payers(before: Coverage, now: Coverage) -> list[Change]:
    def named(coverage: Coverage) -> dict[tuple[str, str], str]:
        found = coverage.other_payers
        return {(letters(each.name), each.order): f"{each.name} {each.order}" for each in found}

    old, new = named(before), named(now)
    if old.keys() == new.keys():
        return []
    return [Change("Other payers", _listed(old.values()), _listed(new.values()))]


def _listed(texts: Iterable[str], nothing: str = _NOTHING) -> str:
    return "; ".join(dict.fromkeys(text.strip() for text in texts)) or nothing
