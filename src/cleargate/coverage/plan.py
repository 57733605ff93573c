"""The plan as a whole: active, inactive, both, or only in part.

Service type 30 or none speaks for the plan. Not every such row does: a vision or dental plan that
is carved out has its own 30, and so has the Medicare that another payer knows of.
"""

import re
from typing import NamedTuple

from cleargate.coverage.dates import Miss, Standing, standing
from cleargate.coverage.rows import NO_DETAILS, BenefitRow, Details, Info, PayerAnswer, Role
from cleargate.coverage.services import Asked

STATUS = frozenset({Info.ACTIVE, Info.ACTIVE_PENDING, Info.INACTIVE})
_PLAIN = frozenset(
    {
        Info.ACTIVE,
        Info.INACTIVE,
        Info.COINSURANCE,
        Info.COPAY,
        Info.DEDUCTIBLE,
        Info.OUT_OF_POCKET,
        Info.LIMIT,
        Info.UNLIMITED,
        Info.DESCRIPTION,
        Info.BASIS,
        Info.OTHER,
    }
)
_BYSTANDERS = frozenset({Role.OTHER})
_PART = re.compile(
    r"\b(?:VISION|DENTAL|HEARING|PHARMACY|PRESCRIPTION|TRANSPORTATION|BEHAVIORAL|MENTAL HEALTH"
    r"|SUBSTANCE|OPTICAL|EYE ?CARE|CHIROPRACTIC)\b"
)
_WHOLE = re.compile(r"\bMEDICAL\b|\bMAJOR MED|\b(?:WITH|AND|INCL\w*|PLUS|W/)\s*\w*\s*$|[&+,/]\s*$")
_MEDICARE_PARTS = {"MA": "Medicare Part A", "MB": "Medicare Part B"}
"""EB04. An own row with such a code is Medicare's only where Medicare itself answers."""


class Plan(NamedTuple):
    """The rows that are in force on the day, sorted by what they can decide.

    `active`, `pending` and `inactive` speak for the plan. `outdated` are rows of a status whose
    dates miss the day, `carved_out` active rows of a part of the plan, `foreign` another payer's.
    Of all other `rows`, `relevant` speak for the plan or name a service asked, `by_service` has
    them under it, `talking` have free text, and `notable` are more than plain benefits.
    """

    active: list[BenefitRow]
    pending: list[BenefitRow]
    inactive: list[BenefitRow]
    outdated: list[tuple[BenefitRow, Standing]]
    carved_out: list[BenefitRow]
    foreign: tuple[BenefitRow, ...]
    rows: list[BenefitRow]
    relevant: list[BenefitRow]
    by_service: dict[str, list[BenefitRow]]
    talking: list[BenefitRow]
    notable: list[BenefitRow]

    def naming(self, service: str) -> list[BenefitRow]:
        """The rows in force that name a service themselves."""
        return self.by_service.get(service, [])

    @property
    def name(self) -> str:
        """The plan's name as the payer wrote it, from the first active row that has one."""
        for row in (*self.active, *self.pending, *self.inactive):
            if row.plan:
                return row.plan
        return ""


def read_plan(answer: PayerAnswer, asked: Asked) -> Plan:
    """Sort an answer's rows by what they say about the plan, and about services, on the day."""
    foreign = foreign_rows(answer)
    plan = Plan([], [], [], [], [], foreign, [], [], {}, [], [])
    for row in answer.rows:
        if foreign and row in foreign:
            continue
        spans = row.details.spans
        if spans and (when := standing(spans, asked.on)).missed:
            # A plan that says it is inactive and ended is inactive for good; see verdict.py.
            ended = row.info is Info.INACTIVE and when.missed is Miss.ENDED
            part = row.speaks_for_plan and is_carved_out(row)
            if (ended or row.info is Info.ACTIVE) and not part:
                plan.outdated.append((row, when))
        else:
            _file(plan, row, asked.wanted)
    return plan


def _file(plan: Plan, row: BenefitRow, wanted: frozenset[str]) -> None:
    """Put a row in force wherever it will be looked for."""
    info, details, for_plan = row.info, row.details, row.speaks_for_plan
    if for_plan and row.plan and is_carved_out(row):
        if info is Info.ACTIVE:
            plan.carved_out.append(row)
        return
    plan.rows.append(row)
    # A status for one procedure (EB13) has no service type either, and is not the plan's.
    if for_plan and info in STATUS and not row.procedure:
        _of_status(plan, info).append(row)
    named = wanted.intersection(row.services)
    for service in named:
        plan.by_service.setdefault(service, []).append(row)
    if for_plan or named:
        plan.relevant.append(row)
    if details.messages:
        plan.talking.append(row)
    if info not in _PLAIN or (details is not NO_DETAILS and _involves_others(details)):
        plan.notable.append(row)


def _involves_others(details: Details) -> bool:
    """Whether a payer or a manager is named beside a row, or a refusal stands there.

    A desk or a physician changes nothing.
    """
    others = [entity for entity in details.entities if entity.role not in _BYSTANDERS]
    return bool(others or details.refusals)


def _of_status(plan: Plan, info: Info) -> list[BenefitRow]:
    if info is Info.ACTIVE:
        return plan.active
    return plan.pending if info is Info.ACTIVE_PENDING else plan.inactive


def is_carved_out(row: BenefitRow) -> bool:
    """Whether a plan's name (EB05) says that it is a part only: `SPECTERA VISION PLAN`.

    `PPO WITH DENTAL` and `MEDICAL/DENTAL` are not. A row that is taken for a part by mistake
    makes a service unclear and never active.
    """
    name = row.plan.upper()
    part = _PART.search(name)
    return part is not None and not _WHOLE.search(name[: part.start()]) and "MEDICAL" not in name


def foreign_rows(answer: PayerAnswer) -> tuple[BenefitRow, ...]:
    """Active Medicare rows in another payer's answer, beside that payer's own plan.

    Seen: Blue Cross of Massachusetts, `EB*1**30*MA` with `MSG*BCBSMA IS PRIME`.
    """
    if not [row for row in answer.rows if row.insurance_type in _MEDICARE_PARTS]:
        return ()
    if is_medicare(answer.payer):
        return ()
    status = [row for row in answer.rows if row.info in STATUS and row.speaks_for_plan]
    if all(row.insurance_type in _MEDICARE_PARTS for row in status):
        return ()
    return tuple(row for row in status if row.insurance_type in _MEDICARE_PARTS)


def is_medicare(payer: str) -> bool:
    """Whether a payer of this name is Medicare itself."""
    name = payer.upper()
    return "MEDICARE" in name or "CMS" in name.split()


def medicare_part(row: BenefitRow) -> str:
    """What to call the Medicare of a foreign row."""
    return _MEDICARE_PARTS.get(row.insurance_type, "Medicare")
