"""From `benefitsInformation` to benefit rows: the JSON of Change Healthcare, Optum and Stedi.

Every entry is one EB segment with X12's own codes in named members; words stand beside the codes
and are read where a code is absent. The raw 271 in `x12` is left alone.

Sources, read on 2026-11-23: Stedi's OpenAPI specification (github.com/Stedi/openApi,
manager.json: BenefitsInformation, BenefitsDateInformation, BenefitsRelatedEntity,
BenefitsServiceDelivery, CompositeMedicalProcedureIdentifier, EligibilityAdditionalInformation,
EligibilityCheckError; healthcare.json: an answer beside its 271), the Rust models made from it
(docs.rs/autogen-stedi 0.3.2: PlanDateInformation, RelatedEntityIdentifierName), and Optum's
developer pages on the response's contents. Confirmed by none of them and read all the same:
`aaaErrors` inside an entry, `organizationName` of a payer, X12 codes in `entityIdentifier`.
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
    QUANTITIES,
    QUANTITY_WORDS,
    ROLE_WORDS,
    ROLES,
    SERVICE_WORDS,
    STATUS_WORDS,
    is_misplaced,
    per,
    span_of,
    words,
)
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import (
    coded,
    details,
    is_failure,
    may_matter,
    refusals,
    without_repeats,
)
from cleargate.coverage.rows import (
    BenefitRow,
    Details,
    Entity,
    Frequency,
    Info,
    PayerAnswer,
    Refusal,
    Role,
    Span,
)
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.diagnostics import error

NAMES = {
    "info": "code",
    "insurance_type": "insuranceTypeCode",
    "amount": "benefitAmount",
    "percent": "benefitPercent",
    "quantity": "benefitQuantity",
    "authorisation": "authOrCertIndicator",
    "network": "inPlanNetworkIndicatorCode",
}
"""What this form calls the parts of a row."""
_MUTUALLY_DEFINED = ("ZZ", "Mutually Defined")
"""The qualifier of a place of service; one published example has its word for its code."""
_DATES = {
    "plan": "291",
    "benefit": "292",
    "eligibility": "307",
    "cobraBegin": "340",
    "cobraEnd": "341",
    "planBegin": "346",
    "planEnd": "347",
    "benefitBegin": "348",
    "benefitEnd": "349",
    "eligibilityBegin": "356",
    "eligibilityEnd": "357",
    "service": "472",
    "policyEffective": "539",
    "policyExpiration": "540",
}
"""DTP01 of the members that bound something."""

DEPENDENTS_MAX = 20
"""Every one is judged by all the rows. A question is about one of them; no family has so many."""


def speaks(document: Members) -> bool:
    """Whether a document has members that only this form has."""
    return document.has("benefitsInformation")


def answers(document: Members, wanted: frozenset[str]) -> tuple[PayerAnswer, ...]:
    """One answer a dependent, or else the subscriber's; none where a document holds none."""
    entries = document.entries("benefitsInformation", 1, path="")
    rows = [_row(entry) for entry in entries]
    rows.extend(_summed_up(document, rows))
    dependents = _dependents(document)
    refused = _refusals(document)
    of_dependents = [refusals(one, "aaaErrors") for one in dependents]
    collected = refusals(document, "errors")
    said = rows or collected or refused or any(of_dependents)
    if not said and (is_failure(document) or not document.has("benefitsInformation")):
        return ()
    kept = tuple([row for row in rows if may_matter(row, wanted)])
    spans = _spans(document.member("planDateInformation"))
    patients = list(zip(dependents, of_dependents, strict=True))
    known = [*refused, *(one for own in of_dependents for one in own)]
    late = without_repeats(known, collected)[len(known) :]
    return tuple(
        [
            _answer(document, patient, kept, spans, (*refused, *own, *late))
            for patient, own in patients or [(document.member("subscriber"), [])]
        ]
    )


def _dependents(document: Members) -> list[Members]:
    """The dependents about whom anything is said."""
    found = [one for one in document.members("dependents") if one.values]
    if len(found) > DEPENDENTS_MAX:
        document.report(error("json_shape", 0, "There are more dependents than families have."))
    return found[:DEPENDENTS_MAX]


def _answer(
    document: Members,
    patient: Members,
    rows: tuple[BenefitRow, ...],
    spans: tuple[Span, ...],
    refused: tuple[Refusal, ...],
) -> PayerAnswer:
    """The answer about one patient; a dependent without an id has the subscriber's."""
    holder = document.member("subscriber")
    payer = document.member("payer")
    return PayerAnswer(
        payer=payer.text("name") or payer.text("organizationName") or payer.text("lastName"),
        rows=rows,
        spans=spans,
        refusals=refused,
        trace=_trace(document),
        member_id=patient.text("memberId") or holder.text("memberId"),
        family_name=patient.text("lastName"),
        given_name=patient.text("firstName"),
        birth_date=patient.day("dateOfBirth"),
        payer_id=payer.text("payorIdentification"),
    )


def _trace(document: Members) -> str:
    """The trace number that we sent (TRN01 is 2), or else the payer's own."""
    traces = document.members("subscriberTraceNumbers")
    ours = [one for one in traces if one.text("traceTypeCode") == "2"]
    return next((one.text("referenceIdentification") for one in ours or traces), "")


def _refusals(document: Members) -> list[Refusal]:
    """What is refused at the levels above the patient's, from the payer down."""
    return [
        one
        for level in ("payer", "provider", "subscriber")
        for one in refusals(document.member(level), "aaaErrors")
    ]


def _row(entry: Members) -> BenefitRow:
    information = coded(entry, "code", "name", INFO_WORDS)
    if not information:
        entry.report(error("eb_without_code", entry.segment, "The member code is absent."))
    period = coded(entry, "timeQualifierCode", "timeQualifier", PERIOD_WORDS)
    kind = coded(entry, "quantityQualifierCode", "quantityQualifier", QUANTITY_WORDS)
    network = coded(entry, "inPlanNetworkIndicatorCode", "inPlanNetworkIndicator", NETWORK_WORDS)
    quantity = entry.number("benefitQuantity")
    return BenefitRow(
        INFO.get(information, Info.OTHER),
        entry.segment,
        _services(entry),
        PERSONS.get(
            coded(entry, "coverageLevelCode", "coverageLevel", PERSON_WORDS), Person.UNSTATED
        ),
        NETWORKS.get(network, Network.UNSTATED),
        coded(entry, "insuranceTypeCode", "insuranceType", INSURANCE_WORDS),
        entry.text("planCoverage"),
        PERIODS.get(period, period),
        entry.number("benefitAmount"),
        entry.number("benefitPercent"),
        QUANTITIES.get(kind, kind),
        quantity,
        AUTHORISATIONS.get(entry.text("authOrCertIndicator"), AuthorisationNeed.UNSTATED),
        _procedure(entry.member("compositeMedicalProcedureIdentifier")),
        information == "F" and is_misplaced(period, kind, quantity),
        _details(entry),
        NAMES,
    )


def _services(entry: Members) -> tuple[str, ...]:
    """The service types; their names where codes are absent, for none would mean the plan."""
    codes = entry.texts("serviceTypeCodes")
    if codes:
        return codes
    return tuple([SERVICE_WORDS.get(words(name), name) for name in entry.texts("serviceTypes")])


def _summed_up(document: Members, rows: list[BenefitRow]) -> list[BenefitRow]:
    """The rows of `planStatus` that sum up nothing of `benefitsInformation`.

    It is made from the same segments. Where it says more, both are heard: what contradicts is
    then seen.
    """
    said: dict[object, set[str]] = {}
    for row in rows:
        said.setdefault(row.info, set()).update(row.services or [""])
    found: list[BenefitRow] = []
    for entry in document.entries("planStatus", 1 + _last(rows)):
        code = coded(entry, "statusCode", "status", STATUS_WORDS)
        info = INFO.get(code, Info.OTHER)
        services = _services(entry)
        if code and not said.get(info, set()).issuperset(services or [""]):
            names = dict.fromkeys(NAMES, entry.at("statusCode"))
            found.append(_status(entry, code, services, names))
    return found


def _status(
    entry: Members, code: str, services: tuple[str, ...], names: dict[str, str]
) -> BenefitRow:
    return BenefitRow(
        INFO.get(code, Info.OTHER),
        entry.segment,
        services,
        Person.UNSTATED,
        Network.UNSTATED,
        "",
        entry.text("planDetails"),
        "",
        "",
        "",
        "",
        "",
        AuthorisationNeed.UNSTATED,
        "",
        names=names,
    )


def _last(rows: list[BenefitRow]) -> int:
    return rows[-1].segment if rows else 0


def _details(entry: Members) -> Details:
    messages = [
        (text, one.at("description"))
        for one in entry.members("additionalInformation")
        if (text := one.text("description"))
    ]
    return details(
        messages,
        entry.segment,
        spans=_spans(entry.member("benefitsDateInformation")),
        frequencies=tuple([_frequency(one) for one in entry.members("benefitsServiceDelivery")]),
        refused=tuple(refusals(entry, "aaaErrors")),
        places=_places(entry),
        entities=tuple([_entity(one) for one in _related(entry)]),
    )


def _spans(dates: Members) -> tuple[Span, ...]:
    """The dates that bound something, in the order in which they stand."""
    found: list[Span] = []
    for name in dates.values:
        qualifier = _DATES.get(name)
        pair = dates.days(name) if qualifier is not None else None
        if qualifier is None or pair is None:
            continue
        made = span_of(qualifier, *pair, dates.segment, dates.at(name))
        if made is not None:
            found.append(made)
    return tuple(found)


def _frequency(one: Members) -> Frequency:
    unit = coded(one, "quantityQualifierCode", "quantityQualifier", QUANTITY_WORDS)
    each = coded(one, "unitForMeasurementQualifierCode", "unitForMeasurementQualifier", PER_WORDS)
    period = coded(one, "timePeriodQualifierCode", "timePeriodQualifier", PERIOD_WORDS)
    return Frequency(
        QUANTITIES.get(unit, unit),
        one.number("quantity"),
        per(each, one.number("sampleSelectionModulus")),
        PERIODS.get(period, period),
        one.number("numOfPeriods"),
        one.segment,
        one.at("quantity"),
    )


def _places(entry: Members) -> tuple[str, ...]:
    """Places of service; the lone object is a repetition of the list's first, and deprecated."""
    listed = entry.members("eligibilityAdditionalInformationList")
    lone = entry.member("eligibilityAdditionalInformation")
    found = listed or ([lone] if lone.values else [])
    return tuple(
        [
            one.text("industryCode")
            for one in found
            if one.text("codeListQualifierCode") in _MUTUALLY_DEFINED
        ]
    )


def _related(entry: Members) -> list[Members]:
    """Who is named beside an entry; the lone object repeats the list's first, and is deprecated."""
    lone = entry.member("benefitsRelatedEntity")
    return entry.members("benefitsRelatedEntities") or ([lone] if lone.values else [])


def _entity(one: Members) -> Entity:
    kind = one.text("entityIdentifier")
    role = ROLES.get(kind) or ROLES.get(ROLE_WORDS.get(words(kind), ""), Role.OTHER)
    given, family = one.text("entityFirstname"), one.text("entityName")
    name = f"{given} {family}" if given else family
    return Entity(role, name, one.segment, one.at("entityName"))


def _procedure(one: Members) -> str:
    """A procedure as EB13 has it: `HC:97110:GP`; with the last one of a range."""
    code = one.text("procedureCode")
    if not code:
        return ""
    parts = (one.text("productOrServiceIdQualifierCode"), code, *one.texts("procedureModifiers"))
    last = one.text("productOrServiceID")
    found = ":".join(part for part in parts if part)
    return f"{found}-{last}" if last else found
