"""The plan as a whole: active, inactive, both, or only in part.

Service type 30 or none speaks for the plan. Not every such row does: a vision or dental plan that
is carved out has its own 30, and so has the Medicare that another payer knows of.
"""

import re
from dataclasses import dataclass
from datetime import date

from cleargate.coverage.dates import Standing, When, standing
from cleargate.coverage.rows import BenefitRow, Info, PayerAnswer

STATUS = frozenset({Info.ACTIVE, Info.ACTIVE_PENDING, Info.INACTIVE})
_PART = re.compile(
    r"\b(?:VISION|DENTAL|HEARING|PHARMACY|PRESCRIPTION|TRANSPORTATION|BEHAVIORAL|MENTAL HEALTH"
    r"|SUBSTANCE|OPTICAL|EYE ?CARE|CHIROPRACTIC)\b"
)
_WHOLE = re.compile(r"\bMEDICAL\b|\bMAJOR MED|\b(?:WITH|AND|INCL\w*|PLUS|W/)\s*\w*\s*$|[&+,/]\s*$")
_MEDICARE_PARTS = {"MA": "Medicare Part A", "MB": "Medicare Part B"}
"""EB04. An own row with such a code is Medicare's only where Medicare itself answers."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The rows that speak for the plan on the day, sorted.

    `outdated` are active rows whose dates miss the day. `carved_out` are active rows of a part
    of the plan. `foreign` are another payer's. `rows` are all rows that are in force and neither,
    `by_service` the same under the services that they name, `talking` those with free text.
    """

    active: tuple[BenefitRow, ...]
    pending: tuple[BenefitRow, ...]
    inactive: tuple[BenefitRow, ...]
    outdated: tuple[tuple[BenefitRow, Standing], ...]
    carved_out: tuple[BenefitRow, ...]
    foreign: tuple[BenefitRow, ...]
    rows: tuple[BenefitRow, ...]
    by_service: dict[str, list[BenefitRow]]
    talking: tuple[BenefitRow, ...]

    def naming(self, service: str) -> list[BenefitRow]:
        """The rows in force that name a service themselves."""
        return self.by_service.get(service, [])

    @property
    def name(self) -> str:
        """The plan's name as the payer wrote it, from the first active row that has one."""
        return next(
            (row.plan for row in (*self.active, *self.pending, *self.inactive) if row.plan), ""
        )


def read_plan(answer: PayerAnswer, on: date) -> Plan:
    """Sort an answer's rows by what they say about the plan on a day."""
    rows: list[BenefitRow] = []
    outdated: list[tuple[BenefitRow, Standing]] = []
    carved_out: list[BenefitRow] = []
    foreign = foreign_rows(answer)
    status: dict[Info, list[BenefitRow]] = {info: [] for info in STATUS}
    for row in answer.rows:
        if row in foreign:
            continue
        if row.spans and (when := standing(row.spans, on)).when is not When.INSIDE:
            if row.info is Info.ACTIVE:
                outdated.append((row, when))
        elif not row.speaks_for_plan:
            rows.append(row)
        elif is_carved_out(row):
            if row.info is Info.ACTIVE:
                carved_out.append(row)
        else:
            rows.append(row)
            if row.info in STATUS:
                status[row.info].append(row)
    return Plan(
        tuple(status[Info.ACTIVE]),
        tuple(status[Info.ACTIVE_PENDING]),
        tuple(status[Info.INACTIVE]),
        tuple(outdated),
        tuple(carved_out),
        foreign,
        tuple(rows),
        _by_service(rows),
        tuple([row for row in rows if row.messages]),
    )


def _by_service(rows: list[BenefitRow]) -> dict[str, list[BenefitRow]]:
    index: dict[str, list[BenefitRow]] = {}
    for row in rows:
        for service in row.services:
            if service in index:
                index[service].append(row)
            else:
                index[service] = [row]
    return index


def is_carved_out(row: BenefitRow) -> bool:
    """Whether a plan's name (EB05) says that it is a part only: `SPECTERA VISION PLAN`.

    `PPO WITH DENTAL` and `MEDICAL/DENTAL` are not. A row that is taken for a part by mistake
    makes a service unclear and never active.
    """
    if not row.plan:
        return False
    name = row.plan.upper()
    part = _PART.search(name)
    return part is not None and not _WHOLE.search(name[: part.start()]) and "MEDICAL" not in name


def foreign_rows(answer: PayerAnswer) -> tuple[BenefitRow, ...]:
    """Active Medicare rows in another payer's answer, beside that payer's own plan.

    Seen: Blue Cross of Massachusetts, `EB*1**30*MA` with `MSG*BCBSMA IS PRIME`.
    """
    if not [row for row in answer.rows if row.insurance_type in _MEDICARE_PARTS]:
        return ()
    name = answer.payer.upper()
    if "MEDICARE" in name or "CMS" in name.split():
        return ()
    status = [row for row in answer.rows if row.info in STATUS and row.speaks_for_plan]
    if all(row.insurance_type in _MEDICARE_PARTS for row in status):
        return ()
    return tuple(row for row in status if row.insurance_type in _MEDICARE_PARTS)


def medicare_part(row: BenefitRow) -> str:
    """What to call the Medicare of a foreign row."""
    return _MEDICARE_PARTS.get(row.insurance_type, "Medicare")
