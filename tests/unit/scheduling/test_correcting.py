"""A request that staff correct: what hangs on it is found out anew, and nothing is done twice."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cleargate.nouns.appointment import BookingStatus
from cleargate.nouns.case import CaseState
from cleargate.nouns.coverage import Verdict
from cleargate.nouns.errors import ErrorKind, Refused
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Name, PatientRecord
from cleargate.nouns.request import VisitRequest
from cleargate.store import inquiries
from tests.house import House, visit_request
from tests.unit.engine.vendor import failure
from tests.unit.scheduling.office import ACTIVE, Stage, earliest, said

NOT_ON_FILE = said("").replace(b"DMG*D8*19900228*F", b"AAA*N**72*C")
"""The payer does not know the member id."""


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)


def _insured(**changes: object) -> VisitRequest:
    return visit_request(**{"earliest": earliest(10), **changes})


def _with_member_id(request: VisitRequest, member_id: str) -> VisitRequest:
    [policy] = request.insurances
    return replace(request, insurances=(replace(policy, member_id=member_id),))


def _asked(stage: Stage, case: CaseId) -> list[tuple[int, Verdict | None]]:
    with stage.house.session() as session:
        return [(each.generation, each.verdict) for each in inquiries.of_case(session, case)]


def test_an_unknown_payer_is_corrected_and_asked(stage: Stage) -> None:
    unknown = Insurance("", "Sample Village Health Plan", "MEMBER0001")
    case = stage.submit(_insured(insurances=(unknown,)))
    stage.play(case)
    assert Choice.EDIT in stage.gate(case).gate.choices
    stage.decide(case, Choice.EDIT, request=_insured())
    assert stage.play(case).state is CaseState.DONE
    assert [each.payer_name for each in stage.payer.asked] == ["Sample Payer"]


def test_a_corrected_member_id_is_asked_about_and_the_old_answer_counts_no_more(
    stage: Stage,
) -> None:
    stage.payer.answers = [NOT_ON_FILE, said(ACTIVE)]
    request = _insured()
    case = stage.submit(request)
    stage.play(case)
    assert "member ID" in stage.gate(case).gate.tip
    stage.decide(case, Choice.EDIT, request=_with_member_id(request, "MEMBER0002"))
    assert stage.play(case).state is CaseState.DONE
    assert [each.insurance.member_id for each in stage.payer.asked] == ["MEMBER0001", "MEMBER0002"]
    assert _asked(stage, case) == [(1, Verdict.ACTIVE_UNCLEAR), (2, Verdict.ACTIVE)]
    assert len(stage.ehr.kept) == len(set(stage.ehr.kept))


def test_what_was_let_pass_for_the_old_request_is_not_let_pass_for_the_new(stage: Stage) -> None:
    stage.payer.answers = [said(f"{ACTIVE}\nEB*CB**98^PT********Y*N")]
    request = _insured()
    case = stage.submit(request)
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.AUTHORISATION_NEEDED
    stage.decide(case, Choice.EDIT, request=_with_member_id(request, "MEMBER0002"))
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.AUTHORISATION_NEEDED


def _two_policies() -> VisitRequest:
    second = Insurance("sample-payer", "Sample Payer", "MEMBER0002")
    return _insured(insurances=(*_insured().insurances, second))


def test_an_active_answer_about_another_policy_counts_no_more(stage: Stage) -> None:
    """The secondary's payer does not know the member; it was the primary that was mistyped, too."""
    stage.payer.answers = [said(ACTIVE), NOT_ON_FILE, said(ACTIVE)]
    request = _two_policies()
    case = stage.submit(request)
    stage.play(case)
    first, second = request.insurances
    corrected = (replace(first, member_id="MEMBER0011"), replace(second, member_id="MEMBER0012"))
    stage.decide(case, Choice.EDIT, request=replace(request, insurances=corrected))
    assert stage.play(case).state is CaseState.DONE
    asked = [each.insurance.member_id for each in stage.payer.asked]
    assert sorted(asked[2:]) == ["MEMBER0011", "MEMBER0012"]


def test_an_active_answer_about_the_same_policy_is_not_paid_for_twice(stage: Stage) -> None:
    stage.payer.answers = [said(ACTIVE)]
    unknown = Insurance("", "Sample Village Health Plan", "MEMBER0002")
    request = _insured(insurances=(*_insured().insurances, unknown))
    case = stage.submit(request)
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.UNKNOWN_PAYER
    stage.decide(case, Choice.EDIT, request=_two_policies())
    assert stage.play(case).state is CaseState.DONE
    assert sorted(each.insurance.member_id for each in stage.payer.asked) == [
        "MEMBER0001",
        "MEMBER0002",
    ]


def test_a_policy_that_was_taken_out_is_neither_judged_nor_written_back(stage: Stage) -> None:
    stage.payer.answers = [said(ACTIVE), NOT_ON_FILE]
    request = _two_policies()
    case = stage.submit(request)
    stage.play(case)
    stage.decide(case, Choice.EDIT, request=_insured())
    stage.payer.answers = [said(ACTIVE)]
    assert stage.play(case).state is CaseState.DONE
    assert not any(".write_back2." in ref for ref in stage.ehr.kept)


def test_somebody_else_s_name_is_looked_for_anew(stage: Stage) -> None:
    """The record that fitted the mistyped name is not the corrected patient's."""
    request = _insured()
    stage.ehr.patients = [PatientRecord("known-1", request.patient)]
    about_the_other = said(ACTIVE).replace(b"*TESTPERSON*", b"*OTHERTESTPERSON*")
    stage.payer.answers = [NOT_ON_FILE, about_the_other]
    case = stage.submit(request)
    assert stage.play(case).memo.patient_known
    patient = replace(request.patient, name=Name("Othertestperson", "Robin"))
    stage.decide(case, Choice.EDIT, request=replace(request, patient=patient))
    done = stage.play(case)
    assert not done.memo.patient_known
    assert done.memo.patient_id == stage.ehr.kept[f"{case.hex}.create_patient.2"]


def test_a_time_that_is_held_meanwhile_stays_held(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)] * 20 + [NOT_ON_FILE, said(ACTIVE)]
    request = _insured()
    case = stage.submit(request)
    held = stage.play(case, until=stage.later(minutes=14))
    assert held.memo.booking_status is BookingStatus.TENTATIVE
    stage.play(case, until=stage.later(hours=23))
    stage.clock.turn(timedelta(minutes=1))
    stage.decide(case, Choice.EDIT, request=_with_member_id(request, "MEMBER0002"))
    done = stage.play(case)
    assert (done.state, done.memo.opening) == (CaseState.DONE, held.memo.opening)
    assert done.memo.booking_status is BookingStatus.BOOKED
    assert sum(".book." in ref for ref in stage.ehr.kept) == 1
    assert f"{case.hex}.put_insurance1.1" in stage.ehr.kept
    assert f"{case.hex}.put_insurance1.2" in stage.ehr.kept, "the corrected policy is put as well"


def test_a_time_held_for_one_person_does_not_become_another_s(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)] * 20 + [NOT_ON_FILE]
    request = _insured()
    case = stage.submit(request)
    held = stage.play(case, until=stage.later(hours=23))
    assert held.memo.booking_status is BookingStatus.TENTATIVE
    patient = replace(request.patient, name=Name("Othertestperson", "Robin"))
    with pytest.raises(Refused, match="Withdraw the request"):
        stage.decide(case, Choice.EDIT, request=replace(request, patient=patient))
    assert stage.gate(case).open
    assert stage.see(case).request == request


def test_a_correction_needs_its_request_and_nothing_else_takes_one(stage: Stage) -> None:
    stage.payer.answers = [NOT_ON_FILE]
    case = stage.submit(_insured())
    stage.play(case)
    with pytest.raises(Refused):
        stage.decide(case, Choice.EDIT)
    with pytest.raises(Refused):
        stage.decide(case, Choice.SELF_PAY, request=_insured())
    assert stage.gate(case).open
