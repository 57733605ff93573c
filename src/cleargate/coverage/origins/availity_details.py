"""What hangs on one entry of Availity's coverages: sizes, dates, frequencies, words, names."""

from typing import NamedTuple

from cleargate.coverage.origins.codes import (
    PER_WORDS,
    PERIOD_WORDS,
    PERIODS,
    QUANTITIES,
    QUANTITY_WORDS,
    ROLE_WORDS,
    ROLES,
    per,
    words,
)
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import coded, details
from cleargate.coverage.rows import Details, Entity, Frequency, Info, Role, Span, SpanKind
from cleargate.x12.diagnostics import error, warning

_SPANS = (
    (SpanKind.PLAN, "coverageStartDate", "coverageEndDate"),
    (SpanKind.PLAN, "planStartDate", "planEndDate"),
    (SpanKind.ELIGIBILITY, "eligibilityStartDate", "eligibilityEndDate"),
    (SpanKind.BENEFIT, "benefitBeginDate", "benefitEndDate"),
    (SpanKind.POLICY, "policyEffectiveDate", "policyExpirationDate"),
    (SpanKind.COBRA, "cobraStartDate", "cobraEndDate"),
    (SpanKind.SERVICE, "serviceDate", "serviceDate"),
)
_PERCENT = frozenset({"PERCENT", "PERCENTAGE", "PCT"})
_DOLLARS = frozenset({"DOLLAR", "DOLLARS", "USD", "AMOUNT"})
_REMAINING = frozenset({"29", "33"})
_SIZES = ("amount", "total", "remaining")


class Size(NamedTuple):
    """One size of an entry, as a row has it; `member` is what the entry calls it."""

    amount: str = ""
    percent: str = ""
    quantity: str = ""
    period: str = ""
    member: str = "amount"


def sizes(entry: Members, info: Info) -> list[Size]:
    """A size for each that is stated, or one that is empty; a total like the amount is the same.

    What remains of a limit is counted in its own quantity; of everything else in money or percent.
    """
    found: list[Size] = []
    if entry.has("quantity"):
        number = entry.number("quantity")
        found.append(Size(quantity=number, period=_any_period(entry), member="quantity"))
    counted = info is Info.LIMIT and bool(found or _names_a_quantity(entry))
    for name in _SIZES:
        value = entry.number(name)
        size = _size(entry, name, value, counted=counted and name != "amount", info=info)
        if value and size._replace(member="") not in [one._replace(member="") for one in found]:
            found.append(size)
    return found or [Size(period=_any_period(entry))]


def _size(entry: Members, name: str, value: str, *, counted: bool, info: Info) -> Size:
    empty = Size(period=_period(entry, name), member=name)
    if not value:
        return empty
    if counted:
        return empty._replace(quantity=value)
    unit = _unit(entry, info)
    if unit == "percent":
        return empty._replace(percent=value)
    return empty._replace(amount=value) if unit else empty


def _names_a_quantity(entry: Members) -> bool:
    return entry.has("quantityQualifierCode") or entry.has("quantityQualifier")


def _period(entry: Members, name: str) -> str:
    prefix = f"{name}TimePeriod"
    code = coded(entry, f"{prefix}Code", prefix, PERIOD_WORDS)
    if name == "remaining" and code not in _REMAINING:
        code = "29"
    return PERIODS.get(code, code)


def _any_period(entry: Members) -> str:
    """The period of an entry with a quantity, or with none: whichever is stated."""
    stated = (_period(entry, name) for name in ("amount", "total"))
    return next((period for period in stated if period), "")


def _unit(entry: Members, info: Info) -> str:
    """Which part of a row a size is: `percent` or `amount`; empty where the unit is unknown."""
    unit = words(entry.text("units"))
    if entry.text("units").strip() in {"%", "$"}:
        return "percent" if entry.text("units").strip() == "%" else "amount"
    if unit in _PERCENT:
        return "percent"
    if unit in _DOLLARS:
        return "amount"
    if not unit and info is not Info.COINSURANCE:
        return "amount"
    what = f"The member {entry.at('units')} does not say whether it is money or percent; not used."
    entry.report(error("unknown_unit", entry.segment, what))
    return ""


def details_of(entry: Members) -> Details:
    """What hangs on an entry."""
    place = entry.text("placeOfServiceCode")
    return details(
        entry.numbered_texts("payerNotes") if _notes_are_texts(entry) else [],
        entry.segment,
        spans=spans_of(entry),
        frequencies=tuple([_frequency(one) for one in entry.members("deliveryInformation")]),
        refused=(),
        places=(place,) if place else (),
        entities=_entities(entry),
    )


def _notes_are_texts(entry: Members) -> bool:
    """Notes of a benefit are objects, and are rows of their own; those of an entry are texts."""
    notes = entry.values.get("payerNotes")
    return not (isinstance(notes, list) and any(isinstance(one, dict) for one in notes))


def spans_of(entry: Members) -> tuple[Span, ...]:
    """The dates that bound something."""
    found: list[Span] = []
    for kind, first, last in _SPANS:
        begin, end = entry.day(first), entry.day(last)
        if begin is None and end is None:
            continue
        if begin is not None and end is not None and end < begin:
            what = f"The member {entry.at(last)} lies before {first}; not used."
            entry.report(warning("date_order", entry.segment, what))
            continue
        found.append(Span(kind, begin, end, entry.segment, entry.at(first if begin else last)))
    return tuple(found)


def _frequency(one: Members) -> Frequency:
    unit = coded(one, "quantityQualifierCode", "quantityQualifier", QUANTITY_WORDS)
    period = coded(one, "timePeriodCode", "timePeriod", PERIOD_WORDS)
    return Frequency(
        QUANTITIES.get(unit, unit),
        one.number("quantity"),
        per(coded(one, "perCode", "per", PER_WORDS), one.number("amount")),
        PERIODS.get(period, period),
        one.number("timePeriods"),
        one.segment,
        one.at("quantity"),
    )


def _entities(entry: Members) -> tuple[Entity, ...]:
    """Who an entry is about, when it is a contact or a payer, and who is named beside it."""
    found = [_entity(entry)] if entry.has("name") or entry.has("lastName") else []
    found.extend(_entity(one) for one in entry.members("contacts") if one.has("name"))
    return tuple(found)


def _entity(one: Members) -> Entity:
    kinds = [one.text(name) for name in ("categoryCode", "category", "typeCode", "type")]
    codes = [kind if kind in ROLES else ROLE_WORDS.get(words(kind), "") for kind in kinds]
    role = next((ROLES[code] for code in codes if code), Role.OTHER)
    parts = (one.text("firstName"), one.text("lastName") or one.text("name"))
    name = " ".join(part for part in parts if part)
    return Entity(role, name, one.segment, one.at("name" if one.has("name") else "lastName"))
