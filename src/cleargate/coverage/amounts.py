"""Copays, coinsurance, deductibles and out-of-pocket limits: rows to amounts.

A payer gives a total, what is used and what remains in separate rows that share a key; they are
joined here. What can be read in two ways is left out or marked, with a doubt that names it.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import combinations
from typing import NamedTuple

from cleargate.coverage.network import effective_network, overlap
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import PLAN, BenefitRow, Info
from cleargate.nouns.coverage import Amount, AmountKind, Network, Person, Source
from cleargate.nouns.money import cents_from_text

KINDS = {
    Info.COPAY: AmountKind.COPAY,
    Info.COINSURANCE: AmountKind.COINSURANCE,
    Info.DEDUCTIBLE: AmountKind.DEDUCTIBLE,
    Info.OUT_OF_POCKET: AmountKind.OUT_OF_POCKET,
}
_VISIT_SHARES = frozenset({AmountKind.COPAY, AmountKind.COINSURANCE})
"""Kinds that are paid for each visit."""
_OF_A_VISIT = frozenset({"visit", "day"})
"""Periods that a single visit falls into: a share for the one and one for the other compete."""
_POOLED = frozenset({AmountKind.DEDUCTIBLE, AmountKind.OUT_OF_POCKET})
"""Kinds that fill up over a period, and so have a remaining part."""
_SENTINEL = re.compile(r"9{4,}\.99|9{5,}(?:\.0*)?")
"""Seen: `EB*G*FAM*30***23*99999.99*****W` for "none"."""
_PERCENT = re.compile(r"\d{1,3}(?:\.\d{0,6})?|\.\d{1,6}", re.ASCII)
_WHOLE = frozenset({Decimal(1), Decimal(100)})
SIZES_MAX = 64
"""How many different shares for one service are compared with each other."""
_PARTS = {"remaining": "remaining", "lifetime_remaining": "remaining", "year_to_date": "used"}


class _Value(NamedTuple):
    """One row read: its `measure` (amount or percent), and whether that is a total or a part."""

    row: BenefitRow
    cents: int | None
    percent: Decimal | None
    network: Network
    part: str
    measure: str

    @property
    def source(self) -> Source:
        """Where the size stands."""
        return self.row.at(self.measure)

    @property
    def key(self) -> tuple[object, ...]:
        """What a total and its parts have in common."""
        row, places = self.row, self.row.details.places
        procedure, insurance = row.procedure, row.insurance_type
        return row.info, row.person, self.network, row.services, procedure, places, insurance

    @property
    def words(self) -> tuple[str, ...]:
        """The payer's words, which tell totals of one key apart."""
        return tuple([message.text for message in self.row.messages])


def read_amounts(
    rows: Iterable[BenefitRow], asked: frozenset[str]
) -> tuple[list[Amount], list[Doubt]]:
    """The amounts that relevant rows state, in file order, and what is doubtful about them."""
    doubts: list[Doubt] = []
    read = [_read(row, doubts) for row in rows if row.info in KINDS]
    values = [value for value in read if value is not None]
    if not values:
        return [], doubts
    amounts = [amount for group in _grouped(values).values() for amount in _joined(group, doubts)]
    amounts = _without_fillers(amounts, asked)
    doubts.extend(_disagreements(amounts, asked))
    doubts.extend(_missing_individuals(amounts))
    doubts.extend(_fighting_totals(values))
    return sorted(amounts, key=lambda amount: amount.source.segment), doubts


def _read(row: BenefitRow, doubts: list[Doubt]) -> _Value | None:
    """Read one cost-sharing row; None when it holds no amount that can be taken."""
    kind = KINDS[row.info]
    cents, percent, measure = _size(row, kind, doubts)
    if cents is None and percent is None:
        return None
    network, doubt = effective_network(row) if row.messages else (row.network, None)
    if doubt is not None:
        doubts.append(doubt)
    if not row.period and kind in _POOLED and cents:
        doubts.append(_doubt("period_unstated", row, row.at(measure)))
    return _Value(row, cents, percent, network, _PARTS.get(row.period, "total"), measure)


def _amount(
    value: _Value,
    remaining: int | None = None,
    used: int | None = None,
    parts: tuple[Source, ...] = (),
) -> Amount:
    """The amount of a total, or of a part whose total the payer did not give."""
    row = value.row
    is_total = value.part == "total"
    return Amount(
        KINDS[row.info],
        value.cents if is_total else None,
        value.percent if is_total else None,
        row.person,
        value.network,
        row.period if is_total else "",
        remaining,
        row.services,
        value.source,
        _note(row),
        used,
        parts,
    )


def _note(row: BenefitRow) -> str:
    """Where and for what, and the payer's words."""
    if not (row.messages or row.details.places or row.procedure):
        return ""
    notes = [f"place of service {place}" for place in row.details.places]
    if row.procedure:
        notes.append(f"procedure {row.procedure}")
    return " / ".join([*notes, *(message.text for message in row.messages)])


def _doubt(code: str, row: BenefitRow, source: Source, *, stops: bool = False) -> Doubt:
    return Doubt(reason(code, (source,)), row.reach, stops)


def _size(
    row: BenefitRow, kind: AmountKind, doubts: list[Doubt]
) -> tuple[int | None, Decimal | None, str]:
    """Dollars or percent, whichever the row has (of both, a coinsurance's percent), and where."""
    if row.percent and (kind is AmountKind.COINSURANCE or not row.amount):
        return None, _percent(row, doubts), "percent"
    cents = cents_from_text(row.amount)
    if not row.amount:
        doubts.append(_doubt("amount_missing", row, row.at("info")))
    elif "99" in row.amount and _SENTINEL.fullmatch(row.amount):
        doubts.append(_doubt("sentinel", row, row.at("amount")))
        cents = None
    elif cents is None or cents < 0:
        doubts.append(_doubt("amount_unreadable", row, row.at("amount")))
        cents = None
    return cents, None, "amount"


def _percent(row: BenefitRow, doubts: list[Doubt]) -> Decimal | None:
    """A share as 0 to 100.

    The standard writes decimals (`.2` is 20 %); some payers write whole percents (`50`). Only 1
    can be read both ways, and is doubtful: UnitedHealthcare writes it for 100 %.
    """
    share = written_share(row)
    if share is None or share > 100:
        doubts.append(_doubt("amount_unreadable", row, row.at("percent")))
        return None
    if share in _WHOLE:
        code = "percent_scale" if share == 1 else "patient_pays_all"
        matters = effective_network(row)[0] is not Network.OUT
        doubts.append(_doubt(code, row, row.at("percent"), stops=matters))
    return (share if share > 1 else share * 100).normalize() + 0


def written_share(row: BenefitRow) -> Decimal | None:
    """A share as the payer wrote it, on whatever scale; None when it is no number."""
    return Decimal(row.percent) if _PERCENT.fullmatch(row.percent) else None


def _grouped(values: list[_Value]) -> dict[tuple[object, ...], list[_Value]]:
    groups: dict[tuple[object, ...], list[_Value]] = defaultdict(list)
    for value in values:
        groups[value.key].append(value)
    return groups


def _joined(group: list[_Value], doubts: list[Doubt]) -> list[Amount]:
    """Give each total its remaining and used parts; parts without a total stand alone."""
    totals = [value for value in group if value.part == "total"]
    if len(totals) == len(group):
        return [_amount(total) for total in totals]
    parts = [value for value in group if value.part != "total"]
    said = {(one.cents, one.percent, one.row.period, one.words): one for one in reversed(totals)}
    totals = list(reversed(said.values()))
    if len(totals) <= 1:
        return [_with_parts((totals or parts)[0], parts, doubts)]
    owners: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, total in enumerate(totals):
        owners[total.words].append(at)
    mine: dict[int, list[_Value]] = defaultdict(list)
    for part in parts:
        owner = owners.get(part.words, [])
        mine[owner[0] if len(owner) == 1 else _ALONE].append(part)
    amounts = [_with_parts(total, mine[at], doubts) for at, total in enumerate(totals)]
    if mine[_ALONE]:
        amounts.append(_with_parts(mine[_ALONE][0], mine[_ALONE], doubts))
    return amounts


_ALONE = -1
"""The place of parts that belong to no total, or to several."""


def _with_parts(total: _Value, parts: list[_Value], doubts: list[Doubt]) -> Amount:
    """Fill in remaining and used; what is missing is computed, what disagrees is dropped."""
    remaining = {part.cents for part in parts if part.part == "remaining"}
    used = {part.cents for part in parts if part.part == "used"}
    left = next(iter(remaining), None)
    spent = next(iter(used), None)
    whole = total.cents if total.part == "total" else None
    if whole is not None:
        left = whole - spent if left is None and spent is not None else left
        spent = whole - left if spent is None and left is not None else spent
    agree = len(remaining) <= 1 and len(used) <= 1 and min(left or 0, spent or 0) >= 0
    if whole is not None and left is not None and spent is not None:
        agree = agree and left + spent == whole
    if agree:
        return _amount(total, left, spent, tuple(p.source for p in parts if p is not total))
    sources = dict.fromkeys((total.source, *(part.source for part in parts)))
    doubts.append(Doubt(reason("amounts_disagree", sources), total.row.reach, stops=True))
    return _amount(total)


def _without_fillers(amounts: list[Amount], asked: frozenset[str]) -> list[Amount]:
    """Drop a zero copay beside a real coinsurance for the same service, and the other way round.

    Seen: `EB*B*IND*50***7*0*****W` with `EB*A*IND*50***7**.2****W`.
    """
    shares = [amount for amount in amounts if amount.kind in _VISIT_SHARES]
    if not any(_is_zero(amount) for amount in shares):
        return amounts
    real = {
        (amount.kind, amount.network, service)
        for amount in shares
        if not _is_zero(amount)
        for service in asked.intersection(amount.service_types)
    }

    def is_filler(amount: Amount) -> bool:
        if not (amount.kind in _VISIT_SHARES and _is_zero(amount)):
            return False
        return any(
            kind is not amount.kind
            and overlap(network, amount.network)
            and service in amount.service_types
            for kind, network, service in real
        )

    return [amount for amount in amounts if not is_filler(amount)]


def _is_zero(amount: Amount) -> bool:
    return not amount.cents and not amount.percent


def _disagreements(amounts: Sequence[Amount], asked: frozenset[str]) -> Iterable[Doubt]:
    """Different shares of one kind for one service, told apart by free text at most."""
    questions: dict[tuple[str, AmountKind, str, tuple[str, ...]], list[Amount]] = {}
    for amount in amounts:
        if amount.kind in _VISIT_SHARES:
            structured = _structured(amount)
            for service in asked.intersection(amount.service_types):
                period = "visit" if amount.period in _OF_A_VISIT else amount.period
                question = (service, amount.kind, period, structured)
                questions.setdefault(question, []).append(amount)
    for (service, _, _, _), shares in questions.items():
        if len(shares) == 1:
            continue
        sizes = {(one.cents, one.percent, one.network): one for one in reversed(shares)}
        firsts = sorted(sizes.values(), key=lambda one: one.source.segment)[:SIZES_MAX]
        if any(_disagree(one, other) for one, other in combinations(firsts, 2)):
            why = reason("cost_share_disagrees", (amount.source for amount in firsts))
            yield Doubt(why, frozenset((service,)), stops=True)


def _disagree(one: Amount, other: Amount) -> bool:
    sizes_differ = (one.cents, one.percent) != (other.cents, other.percent)
    return sizes_differ and overlap(one.network, other.network)


def _structured(amount: Amount) -> tuple[str, ...]:
    """The places and procedures of a note, which are codes and not free text."""
    if not amount.note:
        return ()
    return tuple(
        part
        for part in amount.note.split(" / ")
        if part.startswith(("place of service ", "procedure "))
    )


def _missing_individuals(amounts: Sequence[Amount]) -> Iterable[Doubt]:
    """A family's deductible or limit without the patient's own (seen: Cigna HSA plans)."""
    for kind in _POOLED:
        pooled = [amount for amount in amounts if amount.kind is kind]
        own = {amount.network for amount in pooled if amount.person is not Person.FAMILY}
        family = [
            amount
            for amount in pooled
            if amount.person is Person.FAMILY
            and not any(overlap(amount.network, network) for network in own)
        ]
        if family:
            yield Doubt(
                reason("individual_missing", (a.source for a in family)),
                frozenset(code for a in family for code in a.service_types or (PLAN,)),
            )


def _fighting_totals(values: Sequence[_Value]) -> Iterable[Doubt]:
    """Two totals of one pool with the same words, or a patient's own above the family's."""
    pools: dict[tuple[object, ...], list[_Value]] = defaultdict(list)
    for value in values:
        row = value.row
        if KINDS[row.info] in _POOLED and value.part == "total" and value.cents is not None:
            kind = (row.info, row.services, row.procedure, row.details.places)
            pools[*kind, row.insurance_type, row.plan, value.words].append(value)
    for totals in pools.values():
        if len(totals) == 1:
            continue
        sizes = {(one.cents, one.row.person, one.network, one.row.period): one for one in totals}
        firsts = list(sizes.values())[:SIZES_MAX]
        fights = [pair for pair in combinations(firsts, 2) if _fight(*pair)]
        if fights:
            sources = sorted({one.source for pair in fights for one in pair}, key=str)
            why = reason("amounts_disagree", sources)
            yield Doubt(why, firsts[0].row.reach, stops=True)


def _fight(one: _Value, other: _Value) -> bool:
    """Whether two totals cannot both be true for the same care."""
    periods = {one.row.period, other.row.period} - {""}
    if len(periods) > 1 or not overlap(one.network, other.network):
        return False
    if one.row.person is other.row.person:
        return one.cents != other.cents
    of = {one.row.person: one.cents or 0, other.row.person: other.cents or 0}
    return of.get(Person.INDIVIDUAL, 0) > of.get(Person.FAMILY, max(of.values()))
