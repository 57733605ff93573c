"""How pVerify writes the small things: dates, amounts, shares, words of the other side."""

import re
from datetime import date
from decimal import Decimal

from cleargate.coverage.origins.codes import span_of, words
from cleargate.coverage.origins.json_members import Members, as_date
from cleargate.coverage.rows import BenefitRow, Info, Span
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.diagnostics import warning

WORDS_MAX = 200
"""So many characters of the other side's words are shown."""

PARTS = ("info", "insurance_type", "amount", "percent", "quantity", "authorisation", "network")
"""The parts of a row that have places, as EB_NAMES has them."""

_US_DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: .{1,20})?", re.ASCII)
_BETWEEN = re.compile(r" ?(?:-|–|to) ?(?=\d{1,2}/|\d{8}$)")
_MONEY = re.compile(r"\$? ?(\d{1,3}(?:,\d{3}){1,4}|\d{1,12})?(\.\d{1,4})?", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{1,4})?) ?%", re.ASCII)
_DATES = {
    "PLAN": "291",
    "BENEFIT": "292",
    "ELIGIBILITY": "307",
    "COBRA_BEGIN": "340",
    "COBRA_END": "341",
    "PLAN_BEGIN": "346",
    "PLAN_END": "347",
    "BENEFIT_BEGIN": "348",
    "BENEFIT_END": "349",
    "ELIGIBILITY_BEGIN": "356",
    "ELIGIBILITY_END": "357",
    "SERVICE": "472",
    "POLICY_EFFECTIVE": "539",
    "POLICY_EXPIRATION": "540",
}
"""DTP01 of the words in `Type`, which are those of the code list."""


def shown(text: str) -> str:
    """Words of the other side, as much of them as is shown."""
    return " ".join(text.split())[:WORDS_MAX].rstrip(". ")


def day(entry: Members, name: str) -> date | None:
    """A member that is a date: `02/20/1987`, with or without a time, or as X12 and ISO have it."""
    text = entry.text(name)
    found = _day(text)
    if text and found is None:
        entry.report(warning("date", entry.segment, f"The member {entry.at(name)} is no date."))
    return found


def span_of_words(one: Members) -> Span | None:
    """The span of a `Date` with its `Type` in words; None where it bounds nothing."""
    qualifier = _DATES.get(words(one.text("Type")))
    text = one.text("Date")
    if qualifier is None or not text:
        return None
    first, *rest = _BETWEEN.split(text, maxsplit=1)
    begin, end = _day(first), _day(rest[0]) if rest else None
    if begin is None or (rest and end is None) or (end is not None and end < begin):
        what = f"The member {one.at('Date')} is no date or range of dates; not used."
        one.report(warning("date", one.segment, what))
        return None
    return span_of(qualifier, begin, end, one.segment, one.at("Date"))


def _day(text: str) -> date | None:
    match = _US_DAY.fullmatch(text)
    if match is None:
        return as_date(text)
    try:
        return date(int(match[3]), int(match[1]), int(match[2]))
    except ValueError:
        return None


def money(text: str) -> str:
    """`$1,500.00` as 1500.00; what is no amount stays as it is, and the rules say so."""
    match = _MONEY.fullmatch(text)
    if match is None or not (match[1] or match[2]):
        return text
    return (match[1] or "").replace(",", "") + (match[2] or "")


def share(text: str) -> str:
    """`20%` as 0.2; without the sign it stays as it is, on whichever scale it is."""
    match = _PERCENT.fullmatch(text)
    return text if match is None else format(Decimal(match[1]) / 100, "f")


def plain_row(info: Info, segment: int, services: tuple[str, ...], place: str) -> BenefitRow:
    """A row of which nothing is stated yet, and of which every part will stand at one place."""
    return BenefitRow(
        info,
        segment,
        services,
        Person.UNSTATED,
        Network.UNSTATED,
        "",
        "",
        "",
        "",
        "",
        "",
        "",
        AuthorisationNeed.UNSTATED,
        "",
        names=dict.fromkeys(PARTS, place),
    )
