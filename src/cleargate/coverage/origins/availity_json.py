"""From Availity's coverages to benefit rows: one benefit a service, its details sorted by network.

What X12 has as codes stands beside words (`levelCode`, `level`); a deductible's total and what is
left of it share one entry. A payer's refusal stands in `validationMessages`, Availity's own state
of the question in `statusCode`.

Source, read on 2026-11-23: Availity's Swagger document "Coverages 1.0.0" (as harvested from
developer.availity.com by github.com/api-evangelist/availity: Coverage, Benefit, BenefitDetail,
NetworkBenefit, Amounts, HealthCareServiceDelivery, HealthCareContact, Payer, PayerNote,
FieldError) for the members; public clients for the codes of `statusCode`. Not confirmed by either,
and so reported where it matters: that `type` of a benefit is the service type's code, that
`statusCode` of plans and benefits is EB01, that `typeCode` of a contact or a note is EB01 and
`categoryCode` of a contact NM101, the words in `units`, and that `code` of a message is AAA03.
"""

import re

from cleargate.coverage.origins.availity_details import Size, details_of, sizes, spans_of
from cleargate.coverage.origins.codes import (
    INFO,
    INFO_WORDS,
    INSURANCE_WORDS,
    PERSON_WORDS,
    PERSONS,
    QUANTITIES,
    QUANTITY_WORDS,
    SERVICE_WORDS,
    STATUS_WORDS,
    words,
)
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import coded, details, is_failure, may_matter
from cleargate.coverage.rows import (
    BenefitRow,
    Details,
    Entity,
    Info,
    PayerAnswer,
    Refusal,
    Role,
    Span,
)
from cleargate.nouns.coverage import AuthorisationNeed, Network, Person
from cleargate.x12.diagnostics import error

_NETWORKS = {
    "inNetwork": Network.IN,
    "outOfNetwork": Network.OUT,
    "notApplicableNetwork": Network.EITHER,
    "noNetwork": Network.UNSTATED,
}
_AMOUNTS = {"deductibles": "C", "coPayment": "B", "coInsurance": "A", "outOfPocket": "G"}
_DETAILS = {
    "statusDetails": "",
    "benefitDescriptions": "D",
    "costContainment": "J",
    "coverageBasis": "CB",
    "exclusions": "E",
    "limitations": "F",
    "nonCovered": "I",
    "preexistingConditions": "M",
    "reserve": "K",
}
"""EB01 of each kind of detail; that of a status stands in its entry."""
_DONE = frozenset({"3", "4"})
_RUNNING = frozenset({"0", "1"})
_NOT_REACHED = frozenset({"7", "13", "14", "15", "E"})
_REFUSED = frozenset({"19", "R"})
_AAA03 = re.compile(r"[0-9A-Z]{2}")
_SERVICE = re.compile(r"[0-9A-Z]{1,3}")
_WORDS_MAX = 200
_FIELDS = {
    "memberId": "member_id",
    "patientBirthDate": "birth_date",
    "patientLastName": "name",
    "patientFirstName": "name",
    "patientGender": "sex",
    "groupNumber": "group",
    "payerId": "payer",
    "asOfDate": "visit_date",
}
"""Availity's names for what was sent, and the form's fields."""
_ISSUER = "Availity"


def speaks(document: Members) -> bool:
    """Whether a document has members that only this form has."""
    if document.has("benefitsInformation") or document.has("tradingPartnerServiceId"):
        return False
    marks = ("requestedServiceType", "validationMessages", "customerId")
    return any(document.has(name) for name in marks)


def answers(document: Members, wanted: frozenset[str]) -> tuple[PayerAnswer, ...]:
    """The answer about the one patient; none where there is none."""
    rows: list[BenefitRow] = []
    plans = document.members("plans")
    spans = [spans_of(plan) for plan in plans]
    for plan, own in zip(plans, spans, strict=True):
        # Where there are several plans, the dates of one say nothing about another.
        _read_plan(plan, own if len(plans) > 1 else (), rows)
    refused = tuple(_refusals(document))
    if not (rows or refused) and (is_failure(document) or not plans):
        return ()
    payer, holder = document.member("payer"), document.member("subscriber")
    patient = document.member("patient")
    patient = patient if patient.values else holder
    return (
        PayerAnswer(
            payer=payer.text("responseName") or payer.text("name"),
            rows=tuple([row for row in rows if may_matter(row, wanted)]),
            spans=spans[0] if len(plans) == 1 else (),
            refusals=refused,
            member_id=patient.text("memberId") or holder.text("memberId"),
            family_name=patient.text("lastName"),
            given_name=patient.text("firstName"),
            birth_date=patient.day("birthDate"),
            # `payerId` is Availity's own for the payer, as it was asked with.
            payer_id=payer.text("responsePayerId"),
        ),
    )


def _refusals(document: Members) -> list[Refusal]:
    """What the payer refuses, and what Availity says of a question that has no answer."""
    status = document.number("statusCode")
    found = [_message(one) for one in document.members("validationMessages")]
    if found or status in _DONE - {"3"} or not status:
        return found
    known = {
        "RequestError": _REFUSED,
        "NoCommunication": _NOT_REACHED,
        "StillRunning": _RUNNING,
        "InvalidReply": {"3"},
    }
    reason = next((name for name, codes in known.items() if status in codes), "?")
    return [Refusal(reason, "", 0, "statusCode", _ISSUER, document.text("status")[:_WORDS_MAX])]


def _message(one: Members) -> Refusal:
    """One message. Its code is the payer's (AAA03), or there are words only."""
    code, field = one.text("code"), _FIELDS.get(one.text("field"), "")
    if _AAA03.fullmatch(code):
        return Refusal(code, "", 0, one.at("code"))
    said = one.text("errorMessage")[:_WORDS_MAX].rstrip(". ")
    return Refusal("RequestError", "", 0, one.at("errorMessage"), _ISSUER, said, field)


def _read_plan(plan: Members, spans: tuple[Span, ...], rows: list[BenefitRow]) -> None:
    """Add the rows of one plan: those of its services, then those about the plan as a whole."""
    name = plan.text("planName")
    first = len(rows)
    for benefit in plan.members("benefits"):
        _read_kinds(benefit, _service(benefit), name, rows, len(rows))
    _read_kinds(plan, (), name, rows, first)
    if spans:
        rows[first:] = [_within(row, spans) for row in rows[first:]]


def _within(row: BenefitRow, spans: tuple[Span, ...]) -> BenefitRow:
    return row._replace(details=row.details._replace(spans=row.details.spans + spans))


def _next(entry: Members, rows: list[BenefitRow]) -> Members:
    """An entry with the number of the row that it becomes: every row has one of its own."""
    return Members(entry.values, entry.path, 1 + len(rows), entry.report)


def _service(benefit: Members) -> tuple[str, ...]:
    """The service: its code, or else its name, for none would mean the plan."""
    code, name = benefit.text("type"), benefit.text("name")
    if _SERVICE.fullmatch(code):
        return (code,)
    found = SERVICE_WORDS.get(words(name), name or code)
    if not found:
        what = f"The benefit {benefit.path} names no service; it is not read as the plan."
        benefit.report(error("no_service", benefit.segment, what))
    return (found or "?",)


def _read_kinds(
    holder: Members, services: tuple[str, ...], plan: str, rows: list[BenefitRow], first: int
) -> None:
    """Everything that hangs on a benefit, or on a plan whose rows begin at `first`."""
    for kinds, place in ((_AMOUNTS, holder.member("amounts")), (_DETAILS, holder)):
        for name, code in kinds.items():
            if place.has(name):
                _read_networks(place.member(name), code, services, plan, rows)
    _summed_up(holder, services, plan, rows, first)
    for note in holder.members("payerNotes"):
        rows.append(_note(_next(note, rows), services))
    for contact in holder.members("contacts"):
        rows.append(_contact(_next(contact, rows), services))
    for payer in holder.members("additionalPayers"):
        rows.append(_other_payer(_next(payer, rows), services))


def _summed_up(
    holder: Members, services: tuple[str, ...], plan: str, rows: list[BenefitRow], first: int
) -> None:
    """The status of a benefit or plan, unless what it is made of is there and says the same."""
    if not (holder.has("statusCode") or holder.has("status")):
        return
    holder = _next(holder, rows)
    info = _status(holder)
    if not any(row.info is info and (services or row.speaks_for_plan) for row in rows[first:]):
        row = _bare(holder, info, services, details_of(holder))
        rows.append(row._replace(plan=plan, names=dict.fromkeys(row.names, holder.at("status"))))


def _status(holder: Members) -> Info:
    code = coded(holder, "statusCode", "status", INFO_WORDS | STATUS_WORDS)
    info = INFO.get(code)
    if info is None:
        what = f"The member {holder.at('statusCode')} is no status that we know."
        holder.report(error("unknown_status", holder.segment, what))
        # What cannot be read must not leave the rest to say yes.
        return Info.CANNOT_PROCESS
    return info


def _read_networks(
    kind: Members, code: str, services: tuple[str, ...], plan: str, rows: list[BenefitRow]
) -> None:
    for name in kind.values:
        if name not in _NETWORKS:
            what = f"The member {kind.path} has a network that we do not know; it is not read."
            kind.report(error("unknown_network", kind.segment, what))
    for name, network in _NETWORKS.items():
        for entry in kind.members(name):
            rows.extend(_entry_rows(_next(entry, rows), code, services, plan, network))


def _entry_rows(
    entry: Members, code: str, services: tuple[str, ...], plan: str, network: Network
) -> list[BenefitRow]:
    """One entry: a row for its amount, and one each for its total and for what remains."""
    info = INFO.get(code, Info.OTHER) if code else _status(entry)
    quantity_kind = coded(entry, "quantityQualifierCode", "quantityQualifier", QUANTITY_WORDS)
    person = coded(entry, "levelCode", "level", PERSON_WORDS)
    own = entry.text("description") or entry.text("planName")
    base = _bare(entry, info, services, details_of(entry))._replace(
        person=PERSONS.get(person, Person.UNSTATED),
        network=network,
        insurance_type=coded(entry, "insuranceTypeCode", "insuranceType", INSURANCE_WORDS),
        plan=f"{plan}: {own}" if plan and own else plan or own,
        quantity_kind=QUANTITIES.get(quantity_kind, quantity_kind),
        authorisation=_authorisation(entry),
    )
    return [_sized(base, size, entry, more) for more, size in enumerate(sizes(entry, info))]


def _sized(row: BenefitRow, size: Size, entry: Members, more: int) -> BenefitRow:
    """A row for a size; how often is told by the first one alone."""
    at = entry.at(size.member)
    hung = row.details._replace(frequencies=()) if more else row.details
    return row._replace(
        segment=row.segment + more,
        details=hung,
        amount=size.amount,
        percent=size.percent,
        quantity=size.quantity,
        period=size.period,
        names={**row.names, "amount": at, "percent": at, "quantity": at},
    )


def _authorisation(entry: Members) -> AuthorisationNeed:
    needed = entry.flag("authorizationRequired")
    if needed is None or entry.flag("authorizationRequiredUnknown"):
        return AuthorisationNeed.UNSTATED
    return AuthorisationNeed.REQUIRED if needed else AuthorisationNeed.NOT_REQUIRED


def _contact(contact: Members, services: tuple[str, ...]) -> BenefitRow:
    """Somebody to ask instead, or who manages the care; of an unknown kind: to ask instead."""
    code = coded(contact, "typeCode", "type", INFO_WORDS)
    stated = contact.text("typeCode") or contact.text("type")
    known = code in INFO or code in {"L", "X"}
    if stated and not known:
        what = f"The member {contact.path} is a contact of a kind that we do not know."
        contact.report(error("unknown_contact", contact.segment, what))
    otherwise = Info.CONTACT if stated and not known else Info.OTHER
    return _bare(contact, INFO.get(code, otherwise), services, details_of(contact))


def _other_payer(payer: Members, services: tuple[str, ...]) -> BenefitRow:
    ranks = {
        "primary": Role.PRIMARY_PAYER,
        "secondary": Role.SECONDARY_PAYER,
        "tertiary": Role.TERTIARY_PAYER,
    }
    role = next((role for name, role in ranks.items() if payer.flag(name)), None)
    found = details_of(payer)
    if role is not None and found.entities:
        named = found.entities[0]
        entity = Entity(role, named.name, named.segment, named.element)
        found = found._replace(entities=(entity, *found.entities[1:]))
    own = payer.text("serviceTypeCode")
    return _bare(payer, Info.OTHER_PAYER, (own,) if own else services, found)


def _note(note: Members, services: tuple[str, ...]) -> BenefitRow:
    """What the payer says in words alone."""
    code = coded(note, "typeCode", "type", INFO_WORDS)
    said = [(text, note.at("message"))] if (text := note.text("message")) else []
    hung = details(said, note.segment, spans=(), frequencies=(), refused=(), places=(), entities=())
    return _bare(note, INFO.get(code, Info.DESCRIPTION), services, hung)


def _bare(entry: Members, info: Info, services: tuple[str, ...], hung: Details) -> BenefitRow:
    """A row without sizes."""
    return BenefitRow(
        info,
        entry.segment,
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
        details=hung,
        names={
            "info": entry.at("statusCode") if entry.has("statusCode") else entry.path,
            "insurance_type": entry.at("insuranceTypeCode"),
            "amount": entry.at("amount"),
            "percent": entry.at("amount"),
            "quantity": entry.at("quantity"),
            "authorisation": entry.at("authorizationRequired"),
            "network": entry.path,
        },
    )
