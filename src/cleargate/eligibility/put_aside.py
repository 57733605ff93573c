"""What an answer says and its coverage does not use, each with the reason why."""

from collections.abc import Iterator
from typing import NamedTuple

from cleargate.coverage.amounts import KINDS
from cleargate.coverage.dates import standing
from cleargate.coverage.plan import foreign_rows, is_carved_out
from cleargate.coverage.rows import BenefitRow, Info, PayerAnswer
from cleargate.coverage.services import Asked
from cleargate.nouns.coverage import Coverage, Source


class PutAside(NamedTuple):
    """One row that was left out of account, and why."""

    why: str
    source: Source


def put_aside(coverage: Coverage, answer: PayerAnswer, asked: Asked) -> list[PutAside]:
    """The rows about the plan and the services asked that were left out, in file order."""
    used = _used(coverage)
    foreign = {row.segment for row in foreign_rows(answer)}
    found: list[PutAside] = []
    for row in answer.rows:
        if not (row.speaks_for_plan or not asked.each.isdisjoint(row.services)):
            continue
        if row.segment in foreign:
            found.append(PutAside("another payer's status", row.at("insurance_type")))
        elif row.details.spans and standing(row.details.spans, asked.on).missed:
            found.append(PutAside("not in force on the day of the visit", row.at("info")))
        elif row.speaks_for_plan and row.plan and is_carved_out(row):
            found.append(PutAside("about a part of the plan only", row.at("info")))
        elif row.segment not in used and _is_filler(row):
            found.append(PutAside("zero beside a real share for the same service", row.at("info")))
        elif row.segment not in used and _is_count(row):
            found.append(PutAside("a limit that another row states as well", row.at("info")))
    return found


def _used(coverage: Coverage) -> frozenset[int]:
    """The segments of which an amount, a reason or a rule for the payer speaks."""
    return frozenset(source.segment for source in sources_of(coverage))


def sources_of(coverage: Coverage) -> Iterator[Source]:
    """Every place of which a coverage speaks."""
    for service in coverage.services:
        yield from service.sources
        for reason in service.reasons:
            yield from reason.sources
    for reason in coverage.reasons:
        yield from reason.sources
    for settled in coverage.settled:
        yield from settled.sources
    for amount in coverage.amounts:
        yield from (amount.source, *amount.parts)
    for limit in coverage.visit_limits:
        yield from (limit.source, *limit.parts)


def _is_count(row: BenefitRow) -> bool:
    """Whether a row limits how often; one that could not be read has its reason instead."""
    counts = bool(row.quantity or row.details.frequencies)
    return row.info is Info.LIMIT and counts and not row.quantity_kind.startswith("age_")


def _is_filler(row: BenefitRow) -> bool:
    size = row.percent or row.amount
    return row.info in KINDS and bool(size) and not size.strip("0.")
