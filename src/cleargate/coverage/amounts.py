"""Copays, coinsurance, deductibles and out-of-pocket limits: rows to amounts.

A payer gives a total, what is used and what remains in separate rows that share a key; they are
joined here. What can be read in two ways is left out or marked, with a doubt that names it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations

from cleargate.coverage.network import effective_network, overlap
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import BenefitRow, Info
from cleargate.nouns.coverage import Amount, AmountKind, Network, Person, Source
from cleargate.nouns.money import cents_from_text

KINDS = {
    Info.COPAY: AmountKind.COPAY,
    Info.COINSURANCE: AmountKind.COINSURANCE,
    Info.DEDUCTIBLE: AmountKind.DEDUCTIBLE,
    Info.OUT_OF_POCKET: AmountKind.OUT_OF_POCKET,
}
_POOLED = frozenset({AmountKind.DEDUCTIBLE, AmountKind.OUT_OF_POCKET})
"""Kinds that fill up over a period, and so have a remaining part."""
_SENTINEL = re.compile(r"9{4,}\.99|9{5,}(?:\.0*)?")
"""Seen: `EB*G*FAM*30***23*99999.99*****W` for "none"."""
_PERCENT = re.compile(r"\d{0,3}(?:\.\d{0,6})?")
SIZES_MAX = 64
"""How many different shares for one service are compared with each other."""
_REMAINING = frozenset({"remaining", "lifetime_remaining"})


@dataclass(frozen=True, slots=True)
class _Value:
    """One row read: the amount as it stands, and whether it is a total, the rest or the used."""

    amount: Amount
    part: str
    key: tuple[object, ...]
    words: frozenset[str]


def read_amounts(
    rows: Iterable[BenefitRow], asked: frozenset[str]
) -> tuple[list[Amount], list[Doubt]]:
    """The amounts for the plan and for services asked, in file order, and what is doubtful."""
    doubts: list[Doubt] = []
    values = [
        value
        for row in rows
        if row.info in KINDS and (row.speaks_for_plan or not asked.isdisjoint(row.services))
        for value in _read(row, doubts)
    ]
    if not values:
        return [], doubts
    amounts = [amount for group in _grouped(values).values() for amount in _joined(group, doubts)]
    amounts = _without_fillers(amounts, asked)
    doubts.extend(_disagreements(amounts, asked))
    doubts.extend(_missing_individuals(amounts))
    return sorted(amounts, key=lambda amount: amount.source.segment), doubts


def _read(row: BenefitRow, doubts: list[Doubt]) -> Iterable[_Value]:
    """Read one cost-sharing row; nothing when it holds no amount that can be taken."""
    kind = KINDS[row.info]
    services = frozenset(row.services)
    cents, percent, source = _size(row, kind, doubts)
    if cents is None and percent is None:
        return ()
    network, doubt = effective_network(row)
    if doubt is not None:
        doubts.append(doubt)
    part = "total"
    if row.period in _REMAINING:
        part = "remaining"
    elif row.period == "year_to_date":
        part = "used"
    elif not row.period and kind in _POOLED and cents:
        doubts.append(Doubt(reason("period_unstated", (source,)), services))
    notes = [*(f"place of service {place}" for place in row.places)]
    if row.procedure:
        notes.append(f"procedure {row.procedure}")
    notes.extend(message.text for message in row.messages)
    amount = Amount(
        kind,
        cents,
        percent,
        row.person,
        network,
        "" if part == "used" else row.period,
        None,
        row.services,
        source,
        " / ".join(notes),
    )
    key = (kind, row.person, network, services, row.procedure, row.places, row.insurance_type)
    return (_Value(amount, part, key, frozenset(message.text for message in row.messages)),)


def _size(
    row: BenefitRow, kind: AmountKind, doubts: list[Doubt]
) -> tuple[int | None, Decimal | None, Source]:
    """Dollars or percent, whichever the row has; a coinsurance with both is its percent."""
    services = frozenset(row.services)
    if row.percent and (kind is AmountKind.COINSURANCE or not row.amount):
        return None, _percent(row, doubts), row.at("EB08")
    source = row.at("EB07")
    if not row.amount:
        doubts.append(Doubt(reason("amount_missing", (row.at("EB01"),)), services))
        return None, None, source
    if _SENTINEL.fullmatch(row.amount):
        doubts.append(Doubt(reason("sentinel", (source,)), services))
        return None, None, source
    cents = cents_from_text(row.amount)
    if cents is None or cents < 0:
        doubts.append(Doubt(reason("amount_unreadable", (source,)), services))
        return None, None, source
    return cents, None, source


def _percent(row: BenefitRow, doubts: list[Doubt]) -> Decimal | None:
    """A share as 0 to 100.

    The standard writes decimals (`.2` is 20 %); some payers write whole percents (`50`). Only 1
    can be read both ways, and is doubtful: UnitedHealthcare writes it for 100 %.
    """
    services = frozenset(row.services)
    source = row.at("EB08")
    share = Decimal(row.percent) if _PERCENT.fullmatch(row.percent) and row.percent != "." else None
    if share is None or share > 100:
        doubts.append(Doubt(reason("amount_unreadable", (source,)), services))
        return None
    percent = share if share > 1 else share * 100
    if share == 1:
        matters = effective_network(row)[0] is not Network.OUT
        doubts.append(Doubt(reason("percent_scale", (source,)), services, stops=matters))
    elif percent == 100 and effective_network(row)[0] is not Network.OUT:
        doubts.append(Doubt(reason("patient_pays_all", (source,)), services, stops=True))
    return percent.normalize() + 0


def _grouped(values: list[_Value]) -> dict[tuple[object, ...], list[_Value]]:
    groups: dict[tuple[object, ...], list[_Value]] = defaultdict(list)
    for value in values:
        groups[value.key].append(value)
    return groups


def _joined(group: list[_Value], doubts: list[Doubt]) -> list[Amount]:
    """Give each total its remaining and used parts; parts without a total stand alone."""
    totals = [value for value in group if value.part == "total"]
    parts = [value for value in group if value.part != "total"]
    if not parts:
        return [value.amount for value in totals]
    mine: dict[int, list[_Value]] = defaultdict(list)
    alone: list[_Value] = []
    for part in parts:
        owners = [at for at, total in enumerate(totals) if total.words == part.words]
        if len(owners) != 1 and len(totals) == 1:
            owners = [0]
        if len(owners) == 1:
            mine[owners[0]].append(part)
        else:
            alone.append(part)
    amounts = [_with_parts(total.amount, mine[at], doubts) for at, total in enumerate(totals)]
    if alone:
        shell = replace(alone[0].amount, cents=None, percent=None, period="")
        amounts.append(_with_parts(shell, alone, doubts))
    return amounts


def _with_parts(total: Amount, parts: list[_Value], doubts: list[Doubt]) -> Amount:
    """Fill in remaining and used; what is missing is computed, what disagrees is dropped."""
    remaining = {
        p.amount.cents for p in parts if p.part == "remaining" and p.amount.cents is not None
    }
    used = {p.amount.cents for p in parts if p.part == "used" and p.amount.cents is not None}
    sources = (total.source, *(part.amount.source for part in parts))
    left = min(remaining) if remaining else None
    spent = min(used) if used else None
    if total.cents is not None:
        left = total.cents - spent if left is None and spent is not None else left
        spent = total.cents - left if spent is None and left is not None else spent
    agree = len(remaining) <= 1 and len(used) <= 1
    if left is not None and left < 0:
        agree = False
    if total.cents is not None and left is not None and spent is not None:
        agree = agree and spent >= 0 and left + spent == total.cents
    if not agree:
        doubts.append(
            Doubt(reason("amounts_disagree", sources), frozenset(total.service_types), stops=True)
        )
        return total
    return replace(total, remaining=left, used=spent)


def _without_fillers(amounts: list[Amount], asked: frozenset[str]) -> list[Amount]:
    """Drop a zero copay beside a real coinsurance for the same service, and the other way round.

    Seen: `EB*B*IND*50***7*0*****W` with `EB*A*IND*50***7**.2****W`.
    """
    real = {
        (amount.kind, amount.network, service)
        for amount in amounts
        if _is_visit_share(amount) and not _is_zero(amount)
        for service in asked.intersection(amount.service_types)
    }

    def is_filler(amount: Amount) -> bool:
        if not (_is_visit_share(amount) and _is_zero(amount)):
            return False
        return any(
            kind is not amount.kind
            and overlap(network, amount.network)
            and service in amount.service_types
            for kind, network, service in real
        )

    return [amount for amount in amounts if not is_filler(amount)]


def _is_visit_share(amount: Amount) -> bool:
    return amount.kind in {AmountKind.COPAY, AmountKind.COINSURANCE}


def _is_zero(amount: Amount) -> bool:
    return not amount.cents and not amount.percent


def _disagreements(amounts: Sequence[Amount], asked: frozenset[str]) -> Iterable[Doubt]:
    """Different shares of one kind for one service, told apart by free text at most."""
    for service in asked:
        shares: dict[tuple[object, ...], dict[tuple[object, ...], list[Amount]]] = {}
        for amount in amounts:
            if _is_visit_share(amount) and service in amount.service_types:
                question = (amount.kind, amount.period, _structured(amount))
                size = (amount.cents, amount.percent, amount.network)
                shares.setdefault(question, {}).setdefault(size, []).append(amount)
        for sizes in shares.values():
            firsts = [same[0] for same in sizes.values()]
            if any(_disagree(one, other) for one, other in combinations(firsts[:SIZES_MAX], 2)):
                sources = (amount.source for amount in firsts)
                reached = frozenset((service,))
                yield Doubt(reason("cost_share_disagrees", sources), reached, stops=True)


def _disagree(one: Amount, other: Amount) -> bool:
    sizes_differ = (one.cents, one.percent) != (other.cents, other.percent)
    return sizes_differ and overlap(one.network, other.network)


def _structured(amount: Amount) -> tuple[str, ...]:
    """The places and procedures of a note, which are codes and not free text."""
    return tuple(
        part
        for part in amount.note.split(" / ")
        if part.startswith(("place of service ", "procedure "))
    )


def _missing_individuals(amounts: Sequence[Amount]) -> Iterable[Doubt]:
    """A family's deductible or limit without the patient's own (seen: Cigna HSA plans)."""
    for kind in _POOLED:
        family = [a for a in amounts if a.kind is kind and a.person is Person.FAMILY]
        if family and not any(a.kind is kind and a.person is not Person.FAMILY for a in amounts):
            yield Doubt(
                reason("individual_missing", (a.source for a in family)),
                frozenset(code for a in family for code in a.service_types),
            )
