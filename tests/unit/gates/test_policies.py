"""May it go unattended? Each objection on its own, their order, and what a person let pass."""

from dataclasses import replace
from datetime import UTC, date, datetime
from uuid import uuid4

import pytest

from cleargate.gates.policies import Checked, is_about_somebody_else, review
from cleargate.nouns.case import Case, CaseState, Memo
from cleargate.nouns.coverage import (
    FOUND_OTHERWISE,
    AuthorisationNeed,
    Coverage,
    Reason,
    ReasonKind,
    ServiceVerdict,
    Verdict,
)
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Referral
from cleargate.nouns.request import VisitRequest
from tests.house import visit_request

REQUEST = visit_request()
[INSURANCE] = REQUEST.insurances
CLEAR = Coverage("SAMPLE PAYER", Verdict.ACTIVE, ())


def case_of(request: VisitRequest = REQUEST, accepted: tuple[GateReason, ...] = ()) -> Case:
    return Case(
        CaseId(uuid4()),
        CaseState.OPEN,
        request,
        Memo(accepted=accepted),
        1,
        "p",
        1,
        None,
        "",
        datetime(2030, 1, 7, tzinfo=UTC),
    )


def reasons(coverage: Coverage, *accepted: GateReason) -> GateReason | None:
    gate = review([Checked(INSURANCE, coverage)], case_of(accepted=accepted), "booking.verify")
    return None if gate is None else gate.reason


def test_a_plainly_active_coverage_passes() -> None:
    assert reasons(CLEAR) is None


@pytest.mark.parametrize(
    ("verdict", "reason"),
    [
        (Verdict.INACTIVE, GateReason.COVERAGE_INACTIVE),
        (Verdict.ACTIVE_UNCLEAR, GateReason.COVERAGE_UNCLEAR),
        (Verdict.UNDETERMINED, GateReason.COVERAGE_UNDETERMINED),
        (Verdict.PENDING, GateReason.COVERAGE_UNDETERMINED),
    ],
)
def test_every_other_verdict_opens_its_gate(verdict: Verdict, reason: GateReason) -> None:
    assert reasons(replace(CLEAR, verdict=verdict)) is reason


def test_what_a_person_let_pass_makes_room_for_the_next_objection() -> None:
    needs = AuthorisationNeed.REQUIRED
    coverage = replace(CLEAR, verdict=Verdict.ACTIVE_UNCLEAR, authorisation=needs, referral=needs)
    unclear, authorisation = GateReason.COVERAGE_UNCLEAR, GateReason.AUTHORISATION_NEEDED
    assert reasons(coverage) is unclear
    assert reasons(coverage, unclear) is authorisation
    assert reasons(coverage, unclear, authorisation) is GateReason.REFERRAL_NEEDED
    assert reasons(coverage, unclear, authorisation, GateReason.REFERRAL_NEEDED) is None


def test_a_referral_on_the_request_is_enough() -> None:
    coverage = replace(CLEAR, referral=AuthorisationNeed.REQUIRED)
    with_referral = replace(REQUEST, referral=Referral(date(2030, 1, 2), "1234567893"))
    assert review([Checked(INSURANCE, coverage)], case_of(with_referral), "p") is None


def test_a_gate_shows_the_payers_words_and_the_first_tip() -> None:
    said = Reason("AAA:72", "Invalid or missing member ID", "Compare it with the card.")
    coverage = replace(CLEAR, verdict=Verdict.UNDETERMINED, reasons=(said,))
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    assert gate.tip == "Compare it with the card."
    assert "Invalid or missing member ID" in [fact.value for fact in gate.facts]


@pytest.mark.parametrize(
    ("verdict", "first"),
    [
        (Verdict.INACTIVE, Choice.EDIT),
        (Verdict.UNDETERMINED, Choice.EDIT),
        (Verdict.ACTIVE_UNCLEAR, Choice.GO_ON),
    ],
)
def test_going_on_is_the_first_choice_only_where_the_plan_is_active(
    verdict: Verdict, first: Choice
) -> None:
    gate = review([Checked(INSURANCE, replace(CLEAR, verdict=verdict))], case_of(), "p")
    assert gate is not None
    assert gate.choices[0] is first


def test_a_tip_about_something_else_is_no_way_out() -> None:
    """Who must get an authorization is not helped by a hint about a family's amount."""
    aside = Reason("family_only", "Only the family's amount was given.", "Ask for the patient's.")
    coverage = replace(
        CLEAR, authorisation=AuthorisationNeed.REQUIRED, reasons=(aside, replace(aside))
    )
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    assert gate.tip == "Get the authorization from the payer first, then go on."
    assert [fact.label for fact in gate.facts] == ["Payer", "Note"]


def test_the_tip_is_that_of_what_decided_the_verdict() -> None:
    aside = Reason("family_only", "Only the family's amount was given.", "Ask for the patient's.")
    deciding = Reason("carve_out", "Another company manages it.", "Ask that company.")
    primary = ServiceVerdict("PT", Verdict.ACTIVE_UNCLEAR, (), (deciding,))
    coverage = replace(
        CLEAR, verdict=Verdict.ACTIVE_UNCLEAR, services=(primary,), reasons=(aside, deciding)
    )
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    assert gate.tip == "Ask that company."


def test_an_answer_about_somebody_else_shows_both_people() -> None:
    coverage = replace(
        CLEAR,
        birth_date=date(1990, 2, 27),
        member_id="OTHER1",
        family_name="STRANGER",
        given_name="SAM",
    )
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    facts = {fact.label: fact.value for fact in gate.facts}
    assert facts["Asked about"] == "Toni Testperson, born 02/28/1990, member ID MEMBER0001"
    assert facts["Answered about"] == "SAM STRANGER, born 02/27/1990, member ID OTHER1"


def test_whoever_was_found_by_fewer_details_is_shown_beside_who_was_asked_about() -> None:
    reason = Reason(FOUND_OTHERWISE, "another birth date", "Compare.")
    coverage = replace(
        CLEAR,
        verdict=Verdict.ACTIVE_UNCLEAR,
        birth_date=date(1990, 2, 27),
        member_id="MEMBER0001",
        family_name="TESTPERSON",
        reasons=(reason,),
    )
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    facts = {fact.label: fact.value for fact in gate.facts}
    assert facts["Asked about"] == "Toni Testperson, born 02/28/1990, member ID MEMBER0001"
    assert facts["Answered about"] == "TESTPERSON, born 02/27/1990, member ID MEMBER0001"


@pytest.mark.parametrize(
    ("changes", "other"),
    [
        ({}, False),
        ({"birth_date": date(1990, 2, 28), "family_name": "SOMEBODY"}, False),
        ({"birth_date": date(1990, 2, 27), "member_id": "MEMBER-0001"}, False),
        ({"birth_date": date(1990, 2, 27), "member_id": "OTHER1"}, True),
        ({"birth_date": date(1990, 2, 27), "family_name": "Stranger"}, True),
        ({"birth_date": date(1990, 2, 27), "family_name": "TESTPERSON"}, False),
        ({"birth_date": date(1990, 2, 28), "family_name": "STRANGER", "member_id": "X1"}, True),
        ({"birth_date": None, "family_name": "STRANGER", "member_id": "OTHER1"}, True),
        ({"birth_date": None, "family_name": "STRANGER", "member_id": "MEMBER000101"}, False),
        ({"birth_date": None, "family_name": "", "member_id": "OTHER1"}, False),
        ({"given_name": "TWIN", "member_id": "OTHER1"}, True),
        ({"given_name": "TONIA MARIE", "member_id": "OTHER1"}, False),
        ({"given_name": "TWIN", "member_id": "MEMBER0001"}, False),
    ],
)
def test_an_answer_is_about_somebody_else_when_two_things_differ(
    changes: dict[str, object], other: bool
) -> None:
    coverage = replace(CLEAR, **changes)  # type: ignore[arg-type]
    assert is_about_somebody_else(coverage, INSURANCE, REQUEST.patient) is other


def test_a_payer_that_said_later_is_asked_again_first() -> None:
    busy = Reason("AAA:42", "Unable to respond now", "Later.", kind=ReasonKind.ASK_AGAIN_LATER)
    coverage = replace(CLEAR, verdict=Verdict.UNDETERMINED, reasons=(busy,))
    gate = review([Checked(INSURANCE, coverage)], case_of(), "p")
    assert gate is not None
    assert gate.choices[0] is Choice.ASK_AGAIN
    assert len(gate.choices) == len(set(gate.choices)) == 5
