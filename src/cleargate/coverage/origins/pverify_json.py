"""From pVerify's EligibilitySummary to an answer: who it is about, what is refused, its rows.

pVerify reads the payer's 271 itself. `ServiceDetails` has it segment by segment in words; a
summary for each kind of practice sums that up, and is all that there is where pVerify asked a
payer by telephone. So the details are read where there are any, and the summaries otherwise.

Sources, read on 2026-11-23: pVerify's API reference (postman.pverify.com: EligibilitySummary,
GetEligibilitySummary), its own Java client (github.com/pVerify/restapijava) and three clients'
models of the answer. None shows a whole one: the words inside members, the form of dates and what
`ErrorCode` holds are not confirmed. What is in no list is reported, and never made a yes. The
payer's own id is in none: `PverifyPayerCode` is pVerify's.
"""

import re
from datetime import date

from cleargate.coverage.origins import pverify_details, pverify_summaries, trizetto_words
from cleargate.coverage.origins.codes import INFO, STATUS_WORDS, words
from cleargate.coverage.origins.json_members import Members
from cleargate.coverage.origins.json_rows import may_matter
from cleargate.coverage.origins.pverify_members import day, plain_row, shown, span_of_words
from cleargate.coverage.rows import PLAN, BenefitRow, Info, PayerAnswer, Refusal, Span, SpanKind
from cleargate.x12.diagnostics import error, warning

_MARKS = ("APIResponseCode", "PlanCoverageSummary", "HBPC_Deductible_OOP_Summary")
_ISSUER = "pVerify"
_REJECTED = "1"
_UNANSWERED = ("2", "3", "4")
_BUSY = frozenset({"42", "80"})
"""AAA03 of a payer that could not answer: elsewhere it is asked again, here for another fee."""
_SAID = ("EDIErrorMessage", "ErrorDescription", "APIResponseMessage")
_STATUSES = STATUS_WORDS | {"ACTIVE": "1"}
_MEMBER_ID = re.compile(r"MEMBER_?ID|SUBSCRIBER_?ID")
_STATED = frozenset({Info.ACTIVE, Info.ACTIVE_PENDING, Info.INACTIVE})


def speaks(document: Members) -> bool:
    """Whether a document has members that only pVerify's has."""
    return any(document.has(name) for name in _MARKS) and not document.has("benefitsInformation")


def answers(document: Members, wanted: frozenset[str]) -> tuple[PayerAnswer, ...]:
    """The answer about the dependent, or else the subscriber; none where there is none yet."""
    code = document.number("APIResponseCode")
    if code in _UNANSWERED:
        what = "The member APIResponseCode says that there is no answer yet."
        document.report(warning("unanswered", 0, what))
        return ()
    detailed = pverify_details.rows(document)
    rows = [*detailed] or pverify_summaries.rows(document)
    rows.extend(pverify_summaries.other_payers(document, rows))
    rows.extend(_status(document, rows, is_detailed=bool(detailed)))
    refused = _refusals(document, code)
    if not (rows or refused):
        return ()
    holder, patient = _people(document)
    return (
        PayerAnswer(
            payer=document.text("PayerName"),
            rows=tuple([row for row in rows if may_matter(row, wanted)]),
            spans=_spans(patient) or _spans(holder) or _plan_dates(document),
            refusals=refused,
            member_id=_member_id(patient) or _member_id(holder) or _summed_up_id(document),
            family_name=patient.text("Lastname_R"),
            given_name=patient.text("Firstname"),
            birth_date=day(patient, "DOB_R"),
        ),
    )


def _people(document: Members) -> tuple[Members, Members]:
    """The subscriber and the patient, who may be the same."""
    people = document.member("DemographicInfo")
    holder, dependent = people.member("Subscriber"), people.member("Dependent")
    patient = dependent.member("DependentInfo")
    return holder, patient if patient.values else holder


def _member_id(person: Members) -> str:
    named = [
        one
        for one in person.members("Identification")
        if _MEMBER_ID.fullmatch(words(one.text("Type")))
    ]
    return next((one.text("Code") for one in named), "")


def _summed_up_id(document: Members) -> str:
    return document.member("MiscellaneousInfoSummary").text("MemberID")


def _spans(person: Members) -> tuple[Span, ...]:
    found = [span_of_words(one) for one in person.members("Date")]
    return tuple([span for span in found if span is not None])


def _plan_dates(document: Members) -> tuple[Span, ...]:
    plan = document.member("PlanCoverageSummary")
    begin, end = day(plan, "EffectiveDate"), day(plan, "ExpiryDate")
    if begin is None and end is None:
        return ()
    if _is_backwards(begin, end):
        plan.report(warning("date_order", 0, f"The dates of {plan.path} end before they begin."))
        return ()
    return (Span(SpanKind.PLAN, begin, end, 0, plan.at("EffectiveDate")),)


def _is_backwards(begin: date | None, end: date | None) -> bool:
    return begin is not None and end is not None and end < begin


def _status(document: Members, rows: list[BenefitRow], *, is_detailed: bool) -> list[BenefitRow]:
    """The plan's status of the summary, where it says more than the rows.

    A yes beside details is heard only where they say nothing of any service's status: pVerify may
    have made it from a single one.
    """
    plan = document.member("PlanCoverageSummary")
    status = plan.text("Status")
    if not status:
        return []
    info = INFO.get(_STATUSES.get(words(status), ""))
    if info is None:
        what = f"The member {plan.at('Status')} is no status that we know."
        plan.report(error("unknown_status", 0, what))
        # What cannot be read must not leave the rest to say yes.
        info = Info.CANNOT_PROCESS
    said = {row.info for row in rows if info is not Info.INACTIVE or row.speaks_for_plan}
    if is_detailed and (info in said or (info is Info.ACTIVE and said & _STATED)):
        return []
    number = 1 + (rows[-1].segment if rows else 0)
    name = plan.text("PlanName")
    return [plain_row(info, number, (PLAN,), plan.at("Status"))._replace(plan=name)]


def _refusals(document: Members, code: str) -> tuple[Refusal, ...]:
    """The refusal of the payer, or of pVerify itself (APIResponseCode 1)."""
    flagged = str(document.values.get("ProcessedWithError")).lower() == "true"
    message = document.text("EDIErrorMessage")
    if not (flagged or message or code == _REJECTED):
        return ()
    element = next((name for name in _SAID if document.text(name)), "APIResponseCode")
    said = document.text(element)
    asks = trizetto_words.FOLLOW_UPS.get(trizetto_words.key(document.text("FollowUpAction")), "")
    reason = trizetto_words.REFUSALS.get(trizetto_words.key(said), "")
    if reason in _BUSY:
        return (Refusal(reason, asks, 0, element, _ISSUER),)
    if reason:
        return (Refusal(reason, asks, 0, element),)
    unknown = "Rejected" if code == _REJECTED else "?"
    return (Refusal(unknown, asks, 0, element, _ISSUER, shown(said)),)
