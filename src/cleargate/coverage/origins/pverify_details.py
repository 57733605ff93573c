"""pVerify's `ServiceDetails`: one entry of `EligibilityDetails` is one EB segment in words.

A segment that names several services is taken to stand under each of them. What stands under
`Others` has no service of its own in the samples; whether it is about the plan is not confirmed,
so that nothing of it is a yes, while its noes and doubts reach every service.
"""

from cleargate.coverage.origins.codes import (
    AUTHORISATIONS,
    INFO,
    INFO_WORDS,
    INSURANCE_WORDS,
    NETWORK_WORDS,
    NETWORKS,
    PER_WORDS,
    PERIOD_WORDS,
    PERIODS,
    PERSON_WORDS,
    PERSONS,
    PLAIN,
    QUANTITIES,
    QUANTITY_WORDS,
    ROLE_WORDS,
    ROLES,
    SERVICE_WORDS,
    is_misplaced,
    per,
    words,
)
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import details
from cleargate.coverage.origins.pverify_members import money, share, span_of_words
from cleargate.coverage.rows import BenefitRow, Details, Entity, Frequency, Info, Role
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.diagnostics import error, warning

_OTHERS = frozenset({"", "OTHERS", "OTHER"})
_SILENT = frozenset(
    {
        "BENEFIT_DISCLAIMER",
        "CARD_S_REPORTED_LOST_STOLEN",
        "COST_CONTAINMENT",
        "HEALTH_CARE_FACILITY",
        "NOT_DEEMED_A_MEDICAL_NECESSITY",
        "OTHER_SOURCE_OF_DATA",
        "PRE_EXISTING_CONDITION",
        "PRIMARY_CARE_PROVIDER",
        "PRIOR_YEAR_HISTORY",
        "RESERVE",
        "SECOND_SURGICAL_OPINION_REQUIRED",
    }
)
"""EB01 of what says nothing about benefits."""
_YES = frozenset({Info.ACTIVE, Info.ACTIVE_PENDING, *(INFO[code] for code in PLAIN)})
_ANSWERS = {"YES": "Y", "NO": "N", "Y": "Y", "N": "N"}


def rows(document: Members) -> list[BenefitRow]:
    """The rows of all services, in the order in which they stand; none where there are none."""
    found: list[BenefitRow] = []
    for service in document.members("ServiceDetails"):
        name = service.text("ServiceName")
        entries = service.entries("EligibilityDetails", 1 + (found[-1].segment if found else 0))
        found.extend(_row(entry, name) for entry in entries)
    return found


def _row(entry: Members, service: str) -> BenefitRow:
    code, info = _info(entry)
    period = _coded(entry, "TimePeriodQualifier", PERIOD_WORDS)
    kind = _coded(entry, "QuantityQualifier", QUANTITY_WORDS)
    network = _coded(entry, "PlanNetworkIndicator", NETWORK_WORDS)
    level = _coded(entry, "CoverageLevel", PERSON_WORDS)
    quantity = entry.number("Quantity") or entry.number("QuantityAmount")
    approval = words(entry.text("AuthorizationOrCertificationRequired"))
    if network and network not in NETWORKS:
        what = f"The member {entry.at('PlanNetworkIndicator')} is no word that we know."
        entry.report(warning("unknown_word", entry.segment, what))
    return BenefitRow(
        info,
        entry.segment,
        _services(service, info),
        PERSONS.get(level, Person.UNSTATED),
        NETWORKS.get(network, Network.UNSTATED),
        _coded(entry, "InsuranceType", INSURANCE_WORDS),
        entry.text("PlanCoverageDescription"),
        PERIODS.get(period, period),
        money(entry.number("MonetaryAmount")),
        share(entry.number("Percent")),
        QUANTITIES.get(kind, kind),
        quantity,
        AUTHORISATIONS.get(_ANSWERS.get(approval, ""), AuthorisationNeed.UNSTATED),
        _told(entry, "Procedure"),
        code == "F" and is_misplaced(period, kind, quantity),
        _details(entry),
        {
            "info": entry.at("EligibilityOrBenefit"),
            "insurance_type": entry.at("InsuranceType"),
            "amount": entry.at("MonetaryAmount"),
            "percent": entry.at("Percent"),
            "quantity": entry.at("Quantity"),
            "authorisation": entry.at("AuthorizationOrCertificationRequired"),
            "network": entry.at("PlanNetworkIndicator"),
        },
    )


def _info(entry: Members) -> tuple[str, Info]:
    """What an entry states: EB01, and its meaning."""
    said = words(entry.text("EligibilityOrBenefit"))
    code = INFO_WORDS.get(said, "")
    if code or said in _SILENT:
        return code, INFO.get(code, Info.OTHER)
    what = f"The member {entry.at('EligibilityOrBenefit')} is no benefit that we know."
    entry.report(error("unknown_benefits", entry.segment, what))
    # It may have been a no: what cannot be read must not leave the rest to say yes.
    return "", Info.CANNOT_PROCESS


def _services(name: str, info: Info) -> tuple[str, ...]:
    said = words(name)
    if said not in _OTHERS:
        return (SERVICE_WORDS.get(said, name),)
    return ("Others",) if info in _YES else ()


def _coded(entry: Members, name: str, table: dict[str, str]) -> str:
    """The code of a member's words; the words themselves where they are in no list."""
    text = entry.text(name)
    return table.get(words(text), text)


def _told(entry: Members, name: str) -> str:
    """A member of which only that it is there matters; what it looks like is not confirmed."""
    value = entry.values.get(name)
    return value if isinstance(value, str) else "stated" if value else ""


def _details(entry: Members) -> Details:
    spans = [span_of_words(one) for one in entry.members("Date")]
    place = _told(entry, "PlaceOfService")
    return details(
        entry.numbered_texts("Message"),
        entry.segment,
        spans=tuple([span for span in spans if span is not None]),
        frequencies=tuple([_frequency(one) for one in _listed(entry)]),
        refused=(),
        places=(place,) if place else (),
        entities=tuple([_entity(one) for one in entry.members("BenefitEntities")]),
    )


def _listed(entry: Members) -> list[Members]:
    return entry.members("HealthCareServiceDeliveries")


def _frequency(one: Members) -> Frequency:
    unit = _coded(one, "QuantityQualifier", QUANTITY_WORDS)
    period = _coded(one, "TimePeriodQualifier", PERIOD_WORDS)
    return Frequency(
        QUANTITIES.get(unit, unit),
        one.number("TotalQuantity"),
        per(_coded(one, "MeasurementUnit", PER_WORDS), one.number("MeasurementPeriod")),
        PERIODS.get(period, period),
        one.number("TotalNumberOfPeriods"),
        one.segment,
        one.at("TotalQuantity"),
    )


def _entity(one: Members) -> Entity:
    role = ROLES.get(ROLE_WORDS.get(words(one.text("EntityType")), ""), Role.OTHER)
    names = (one.text("Firstname"), one.text("Lastname_R"))
    return Entity(role, " ".join(filter(None, names)), one.segment, one.at("Lastname_R"))
