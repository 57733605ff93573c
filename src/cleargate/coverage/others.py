"""Who else is involved: other payers, and organisations that manage the care."""

import re
from collections.abc import Sequence

from cleargate.coverage.plan import Plan, is_medicare, medicare_part
from cleargate.coverage.reasons import Doubt, reason
from cleargate.coverage.rows import PLAN, BenefitRow, Entity, Info, Role
from cleargate.nouns.coverage import OtherPayer

_ORDERS = {
    Role.PRIMARY_PAYER: "primary",
    Role.SECONDARY_PAYER: "secondary",
    Role.TERTIARY_PAYER: "tertiary",
    Role.PRIOR_PAYER: "prior",
}
_ADVANTAGE = frozenset({"HM", "HN", "IN", "PR", "PS"})
"""EB04 of a Medicare Advantage plan in Medicare's answer (seen: HN), by the kind of plan: HMO, HMO
with risk, indemnity, PPO, POS. Payers that pay before Medicare have 12 to 47 there."""
_PRIME = re.compile(r"\b([A-Z]+)\s+IS\s+(?:THE\s+)?PRIM")


def read_other_payers(plan: Plan) -> tuple[list[OtherPayer], list[Doubt]]:
    """Other payers in file order; the doubt is for information, it stops nothing."""
    if not (plan.notable or plan.foreign):
        return [], []
    found: list[OtherPayer] = []
    for row in plan.notable:
        named = [_other_payer(entity) for entity in row.details.entities if _is_other(entity, row)]
        found.extend(named)
        if row.info is Info.OTHER_PAYER and not named:
            found.append(OtherPayer(row.plan, "", row.at("info")))
    found.extend(_medicare(row) for row in plan.foreign)
    if not found:
        return [], []
    return found, [Doubt(reason("other_payer", (other.source for other in found)))]


def _is_other(entity: Entity, row: BenefitRow) -> bool:
    return entity.role in _ORDERS or (entity.role is Role.PAYER and row.info is Info.OTHER_PAYER)


def _other_payer(entity: Entity) -> OtherPayer:
    return OtherPayer(entity.name, _ORDERS.get(entity.role, ""), entity.source)


def _medicare(row: BenefitRow) -> OtherPayer:
    """Medicare beside this payer: `BCBSMA IS PRIME` makes it the second one."""
    match = _PRIME.search(row.text)
    order = ""
    if match is not None:
        order = "primary" if match[1] == "MEDICARE" else "secondary"
    return OtherPayer(medicare_part(row), order, row.at("insurance_type"))


def replacements(payer: str, plan: Plan) -> list[Doubt]:
    """A Medicare Advantage plan, in Medicare's own answer: it pays instead of Medicare.

    Medicare says that Parts A and B are active all the same. Seen: `EB*R**30*HN` with
    `MSG*MCO BILL OPTION CODE - C` and the plan's name as primary payer.
    """
    if not is_medicare(payer):
        return []
    return [
        _doubt("medicare_advantage", row, row.details.entities)
        for row in plan.notable
        if row.info is Info.OTHER_PAYER and row.insurance_type in _ADVANTAGE and row.speaks_for_plan
    ]


def delegations(plan: Plan) -> list[Doubt]:
    """Somebody else decides: a management organisation (`NM1*X3`), or `EB*U` contact rows.

    A row for the plan reaches every service, a row for services reaches those.
    Seen: `NM1*X3*2*WELLMED MEDICAL MANAGEMENT INC`; `EB*U**88` with `NM1*VN*2*OPTUMRX`.
    """
    doubts: list[Doubt] = []
    for row in plan.notable:
        managers = [entity for entity in row.details.entities if entity.role is Role.MANAGER]
        if managers or row.info is Info.MANAGED_CARE:
            doubts.append(_doubt("delegated", row, managers or row.details.entities))
        elif row.info is Info.CONTACT:
            doubts.append(_doubt("contact_other", row, row.details.entities))
    return doubts


def _doubt(code: str, row: BenefitRow, entities: Sequence[Entity]) -> Doubt:
    names = ", ".join(entity.name for entity in entities if entity.name)
    sources = (row.at("info"), *(entity.source for entity in entities))
    services = None if row.speaks_for_plan else frozenset(row.services)
    # A contact for nothing in particular is a telephone number; one for 30 is a redirection.
    stops = row.info is not Info.CONTACT or bool(row.services)
    if PLAN in row.services:
        services = None
    return Doubt(reason(code, sources, names), services, stops=stops)
