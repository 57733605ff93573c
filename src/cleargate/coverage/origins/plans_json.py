"""From `plans[].benefits` to benefit rows: Stedi's redesigned eligibility answer of 2026-06-01.

Benefits are grouped by plan and by kind, codes are spelled out, dates are ISO 8601. An entry names
one service, so that an EB segment with ten service types has become ten entries; a coverage level
that the payer did not send has become INDIVIDUAL. Neither can be told from what the payer sent.

Source, read on 2026-11-23: the models and the example answer of Stedi's own Python SDK
(pypi.org/project/stedi 1.0.0, `com.stedi.eligibility.v4.response`: CreateEligibilityCheckOutput
and below) and Stedi's changelog of 2026-09-09 on the redesign. Not in them and read all the same:
`outOfPocketMaximum` for `outOfPocket`, and a service without a code system.
"""

import re

from cleargate.coverage.origins.codes import (
    AUTHORISATION_WORDS,
    AUTHORISATIONS,
    INFO,
    INSURANCE_WORDS,
    NETWORK_WORDS,
    NETWORKS,
    PER_WORDS,
    PERIOD_WORDS,
    PERIODS,
    PERSON_WORDS,
    PERSONS,
    QUANTITIES,
    QUANTITY_WORDS,
    ROLE_WORDS,
    ROLES,
    STATUS_WORDS,
    per,
    words,
)
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import details, is_failure, may_matter, refusals
from cleargate.coverage.rows import (
    BenefitRow,
    Details,
    Entity,
    Frequency,
    Info,
    PayerAnswer,
    Role,
    Span,
    SpanKind,
)
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.diagnostics import error, warning

_STATUSES = "statuses"
_KINDS = {
    _STATUSES: "",
    "coInsurance": "A",
    "coPayment": "B",
    "deductible": "C",
    "coverageBasis": "CB",
    "benefitDescription": "D",
    "exclusions": "E",
    "limitations": "F",
    "outOfPocket": "G",
    "outOfPocketMaximum": "G",
    "unlimited": "H",
    "nonCovered": "I",
    "costContainment": "J",
    "reserve": "K",
    "primaryCareProvider": "L",
    "preExistingCondition": "M",
    "managedCareCoordinator": "MC",
    "servicesRestrictedToFollowingProvider": "N",
    "notDeemedMedicalNecessity": "O",
    "benefitDisclaimer": "P",
    "secondSurgicalOpinionRequired": "Q",
    "otherOrAdditionalPayer": "R",
    "priorYearsHistory": "S",
    "cardReportedStolen": "T",
    "contactFollowingEntityForInformation": "U",
    "cannotProcess": "V",
    "otherSourceOfData": "W",
    "healthCareFacility": "X",
    "spendDown": "Y",
}
"""EB01 of each kind of benefit; that of a status stands in its entry."""
_INVALID = "invalidEntries"
"""Entries that lack what their kind needs, or have too much: the payer said them all the same."""
_MEMBERS = {
    "insurance_type": "insuranceType",
    "amount": "amount",
    "percent": "percent",
    "quantity": "quantity.value",
    "authorisation": "priorAuthIndicator",
    "network": "network.indicator",
}
_DATES = {
    "plan": SpanKind.PLAN,
    "eligibility": SpanKind.ELIGIBILITY,
    "benefit": SpanKind.BENEFIT,
    "policy": SpanKind.POLICY,
    "cobra": SpanKind.COBRA,
    "service": SpanKind.SERVICE,
}
_PAYER_IDS = ("identification", "etin", "naicId", "tin", "ein")
"""NM109 of the payer, by its kind (NM108); one of them at most is there."""
_SERVICE = re.compile(r"[0-9A-Z]{1,2}")
"""What a service type code looks like, where an entry does not say that it is one."""
_PLAIN_NAME = re.compile(r"[A-Za-z]{1,40}")


def speaks(document: Members) -> bool:
    """Whether a document has members that only this form has."""
    if document.has("benefitsInformation") or document.has("tradingPartnerServiceId"):
        return False
    return any(document.has(name) for name in ("plans", "payerId", "dependent"))


def answers(document: Members, wanted: frozenset[str]) -> tuple[PayerAnswer, ...]:
    """The answer about the dependent, or else the subscriber; none where there is none."""
    rows: list[BenefitRow] = []
    for plan in document.members("plans"):
        _read_plan(plan, rows)
    refused = tuple(refusals(document, "errors"))
    if not (rows or refused) and (is_failure(document) or not document.has("plans")):
        return ()
    holder, dependent = document.member("subscriber"), document.member("dependent")
    patient = dependent if dependent.values else holder
    own, above = _spans(patient.member("dates")), _spans(holder.member("dates"))
    person = patient.member("name").member("person")
    own_id = patient.text("memberId") or patient.member("additionalInformation").text("memberId")
    payer = document.member("payer")
    return (
        PayerAnswer(
            payer=_name(payer.member("name")),
            rows=tuple([row for row in rows if may_matter(row, wanted)]),
            spans=own or above,
            holder_spans=above if own and patient is dependent else (),
            refusals=refused,
            trace=_trace(document.member("meta")),
            member_id=own_id or holder.text("memberId"),
            family_name=person.text("lastName") or patient.member("name").text("organization"),
            given_name=person.text("firstName"),
            birth_date=patient.day("dateOfBirth"),
            # `payerId` above it is Stedi's own for the payer.
            payer_id=next(filter(None, map(payer.text, _PAYER_IDS)), ""),
        ),
    )


def _trace(meta: Members) -> str:
    """The trace number that we sent, or else the payer's own."""
    traces = meta.members("subscriberTraceNumbers")
    ours = [one for one in traces if one.text("type") == "REFERENCED_TRANSACTION"]
    return next((one.text("referenceIdentification") for one in ours or traces), "")


def _read_plan(plan: Members, rows: list[BenefitRow]) -> None:
    """Add the rows of one plan, in the order in which they stand."""
    benefits = plan.member("benefits")
    name = plan.text("name")
    _read_kinds(benefits, name, rows)
    _read_kinds(benefits.member(_INVALID), name, rows)


def _read_kinds(benefits: Members, plan: str, rows: list[BenefitRow]) -> None:
    has_status = benefits.has(_STATUSES)
    for kind in benefits.values:
        code = _KINDS.get(kind)
        if code is None:
            if kind != _INVALID:
                _unknown(benefits, kind)
            continue
        for entry in benefits.entries(kind, 1 + (rows[-1].segment if rows else 0)):
            # The plan's name above another payer's entry is that payer's own, or none.
            named = plan if code != "R" or not has_status else ""
            rows.append(_row(entry, code, named))


def _unknown(benefits: Members, kind: str) -> None:
    """Benefits of a kind that we do not know; a name that is none is not repeated."""
    where = benefits.at(kind) if _PLAIN_NAME.fullmatch(kind) else f"a member of {benefits.path}"
    what = f"A kind of benefit that we do not know is not read: {where}."
    benefits.report(error("unknown_benefits", 0, what))


def _row(entry: Members, code: str, plan: str) -> BenefitRow:
    quantity = entry.member("quantity")
    services, procedure = _service(entry.member("service"))
    period = entry.text("timePeriod")
    kind = quantity.text("qualifier")
    network = NETWORK_WORDS.get(entry.member("network").text("indicator"), "")
    insurance = entry.text("insuranceType")
    own = entry.text("planCoverageDescription")
    return BenefitRow(
        INFO.get(code, Info.OTHER) if code else _status(entry),
        entry.segment,
        services,
        PERSONS.get(PERSON_WORDS.get(entry.text("coverageLevel"), ""), Person.UNSTATED),
        NETWORKS.get(network, Network.UNSTATED),
        INSURANCE_WORDS.get(insurance, insurance),
        f"{plan}: {own}" if plan and own else plan or own,
        PERIODS.get(PERIOD_WORDS.get(period, ""), period),
        entry.number("amount"),
        entry.number("percent"),
        QUANTITIES.get(QUANTITY_WORDS.get(kind, ""), kind),
        quantity.number("value"),
        _authorisation(entry),
        procedure,
        code == "F" and bool(period) and period not in PERIOD_WORDS,
        _details(entry),
        {
            "info": entry.at("status") if not code else entry.path,
            **{part: entry.at(member) for part, member in _MEMBERS.items()},
        },
    )


def _status(entry: Members) -> Info:
    status = entry.text("status")
    info = INFO.get(STATUS_WORDS.get(status, ""))
    if info is None:
        what = f"The member {entry.at('status')} is no status that we know."
        entry.report(error("unknown_status", entry.segment, what))
        # What cannot be read must not leave the rest to say yes.
        return Info.CANNOT_PROCESS
    return info


def _authorisation(entry: Members) -> AuthorisationNeed:
    code = AUTHORISATION_WORDS.get(entry.text("priorAuthIndicator"), "")
    return AUTHORISATIONS.get(code, AuthorisationNeed.UNSTATED)


def _service(one: Members) -> tuple[tuple[str, ...], str]:
    """The service type of an entry, or the procedure that it is about."""
    system, value = one.text("system"), one.text("value")
    ends = one.member("range")
    if ends.values:
        first, last = (ends.member(end).text("value") for end in ("start", "end"))
        value = f"{first}-{last}"
    elif system == "STC" or (not system and _SERVICE.fullmatch(value)):
        return ((value,), "") if value else ((), one.text("definition") or system)
    # Without a code it is about something all the same, and not about the plan.
    value = value or one.text("definition")
    return (), f"{system}:{value}" if system else value


def _details(entry: Members) -> Details:
    spans = _spans(entry.member("dates"))
    limits = [one.member("delivery") for one in entry.members("serviceLimits")]
    return details(
        entry.numbered_texts("messages"),
        entry.segment,
        spans=spans,
        frequencies=tuple([_frequency(one) for one in limits if one.values]),
        refused=(),
        places=tuple(filter(None, [one.text("code") for one in entry.members("placesOfService")])),
        entities=tuple([_entity(one) for one in entry.members("relatedEntities")]),
    )


def _spans(dates: Members) -> tuple[Span, ...]:
    """The dates that bound something. A single day is carried in `start`."""
    found: list[Span] = []
    for name in dates.values:
        kind = _DATES.get(name)
        if kind is None:
            continue
        pair = dates.member(name)
        begin, end = pair.day("start"), pair.day("end")
        if begin is None and end is None:
            continue
        if begin is not None and end is not None and end < begin:
            what = f"The member {pair.path} ends before it begins; not used."
            dates.report(warning("date_order", dates.segment, what))
            continue
        if end is None and kind is SpanKind.SERVICE:
            end = begin
        found.append(Span(kind, begin, end, dates.segment, pair.path))
    return tuple(found)


def _frequency(one: Members) -> Frequency:
    quantity, period, often = (one.member(name) for name in ("quantity", "period", "frequency"))
    unit, over, each = (part.text("qualifier") for part in (quantity, period, often))
    return Frequency(
        QUANTITIES.get(QUANTITY_WORDS.get(unit, ""), unit),
        quantity.number("value"),
        per(PER_WORDS.get(each, each), often.number("value")),
        PERIODS.get(PERIOD_WORDS.get(over, ""), over),
        period.number("value"),
        one.segment,
        quantity.at("value"),
    )


def _entity(one: Members) -> Entity:
    role = ROLES.get(ROLE_WORDS.get(words(one.text("type")), ""), Role.OTHER)
    return Entity(role, _name(one.member("name")), one.segment, one.at("name"))


def _name(name: Members) -> str:
    """The name of an organisation, or of a person as people say it."""
    person = name.member("person")
    parts = (name.text("organization"), person.text("firstName"), person.text("lastName"))
    return " ".join(part for part in parts if part)
