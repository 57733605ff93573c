"""The office's procedure: what is clear passes by itself, what is not waits at a gate."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest

from cleargate.directory.practice import ConfirmContact, IntakePolicy
from cleargate.nouns.appointment import BookingStatus, DayPart, Wish
from cleargate.nouns.case import CaseState
from cleargate.nouns.eligibility import Pending
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.insurance import AccidentClaim, Insurance, Payment, Referral
from cleargate.nouns.patient import Contact, PatientRecord
from cleargate.ports import WriteBack
from cleargate.scheduling import requests
from cleargate.store import effects
from tests.house import House, visit_request
from tests.unit.scheduling.office import (
    ACTIVE,
    INACTIVE,
    Stage,
    earliest,
    failure,
    insured,
    opening,
    said,
)

WEDNESDAY = earliest(9)


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)


def test_a_clear_case_is_verified_booked_and_confirmed_without_a_person(stage: Stage) -> None:
    case = stage.submit(insured())
    done = stage.play(case)
    assert done.state is CaseState.DONE
    assert stage.ehr.statuses == {done.memo.booking_id: BookingStatus.BOOKED}
    assert [message.subject for message, _ in stage.mail.sent] == ["Your visit at Sample Clinic"]
    steps = Counter(ref.split(".")[1] for ref in stage.ehr.kept)
    assert steps == {"create_patient": 1, "put_insurance1": 1, "book": 1, "write_back1": 1}


def test_neither_reason_nor_payer_stands_in_a_mail(stage: Stage) -> None:
    stage.play(stage.submit(insured(reason="sample reason of the visit")))
    [(message, _)] = stage.mail.sent
    written = message.subject + message.text + message.calendar
    assert "sample reason" not in written
    assert "Sample Payer" not in written
    assert "BEGIN:VCALENDAR" in message.calendar


def test_a_new_patient_confirms_the_contact_before_anything_is_asked(stage: Stage) -> None:
    case = stage.submit(insured(), confirmed=False)
    waiting = stage.play(case)
    assert waiting.note == "waiting_for_patient"
    assert stage.payer.asked == []
    assert stage.ehr.kept == {}
    with stage.house.session() as session:
        requests.confirm_contact(session, case, stage.clock.now())
    assert stage.play(case).state is CaseState.DONE


def test_a_contact_that_is_never_confirmed_comes_to_a_person(stage: Stage) -> None:
    case = stage.submit(insured(), confirmed=False)
    stage.play(case, until=stage.later(hours=49))
    assert stage.gate(case).gate.reason is GateReason.CONTACT_UNCONFIRMED
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE


def test_confirming_twice_starts_nothing_twice(stage: Stage) -> None:
    case = stage.submit(insured(), confirmed=False)
    stage.play(case)
    for _ in range(2):
        with stage.house.session() as session:
            requests.confirm_contact(session, case, stage.clock.now())
    assert stage.see(case).phase_seq == 3
    stage.play(case)
    assert len(stage.payer.asked) == 1


def test_a_known_patient_needs_no_confirmation_and_gets_mail_at_the_address_on_file(
    stage: Stage,
) -> None:
    patient = insured().patient
    stage.ehr.patients = [PatientRecord("known-1", patient)]
    done = stage.play(stage.submit(insured(), confirmed=False))
    assert done.state is CaseState.DONE
    assert done.memo.patient_id == "known-1"
    assert not any("create_patient" in ref for ref in stage.ehr.kept)
    assert [message.to for message, _ in stage.mail.sent] == [patient.contact.email]


def test_always_asks_a_known_patient_too(stage: Stage) -> None:
    stage.rule(intake=IntakePolicy(confirm_contact=ConfirmContact.ALWAYS))
    stage.ehr.patients = [PatientRecord("known-1", insured().patient)]
    assert stage.play(stage.submit(insured(), confirmed=False)).note == "waiting_for_patient"


def test_changed_data_of_a_known_patient_is_a_gate_and_changes_nothing(stage: Stage) -> None:
    patient = insured().patient
    record = replace(patient, contact=Contact(patient.contact.email, "+12025550199"))
    stage.ehr.patients = [PatientRecord("known-1", record)]
    case = stage.submit(insured())
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.CHANGED_DATA
    assert "Phone" in gate.facts[0].value
    assert "555" not in gate.facts[0].value
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE


@pytest.mark.parametrize(("choice", "created"), [(Choice.USE_EXISTING, 0), (Choice.CREATE_NEW, 1)])
def test_a_lookalike_waits_for_a_person(stage: Stage, choice: Choice, created: int) -> None:
    patient = insured().patient
    twin = replace(patient, contact=Contact("namesake@example.invalid"))
    stage.ehr.patients = [PatientRecord("twin-1", twin)]
    case = stage.submit(insured())
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.LOOKALIKE_PATIENT
    stage.decide(case, choice, "twin-1" if choice is Choice.USE_EXISTING else "")
    stage.play(case)
    if choice is Choice.USE_EXISTING:
        assert stage.gate(case).gate.reason is GateReason.CHANGED_DATA
        stage.decide(case, Choice.GO_ON)
    done = stage.play(case)
    assert done.state is CaseState.DONE
    assert sum("create_patient" in ref for ref in stage.ehr.kept) == created


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (INACTIVE, GateReason.COVERAGE_INACTIVE),
        ("EB*1**30", GateReason.COVERAGE_UNCLEAR),
        (f"{ACTIVE}\nEB*CB**PT********Y*Y", GateReason.AUTHORISATION_NEEDED),
    ],
)
def test_what_a_payer_leaves_open_waits_for_a_person(
    stage: Stage, rows: str, reason: GateReason
) -> None:
    stage.payer.answers = [said(rows)]
    case = stage.submit(insured())
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is reason
    assert gate.tip
    assert stage.ehr.kept == {}
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE


def test_a_declined_case_books_nothing(stage: Stage) -> None:
    stage.payer.answers = [said(INACTIVE)]
    case = stage.submit(insured())
    stage.play(case)
    stage.decide(case, Choice.DECLINE)
    assert stage.play(case).state is CaseState.DECLINED
    assert stage.ehr.kept == {}


def test_self_pay_at_a_gate_leaves_the_insurance_out(stage: Stage) -> None:
    stage.payer.answers = [said(INACTIVE)]
    case = stage.submit(insured())
    stage.play(case)
    stage.decide(case, Choice.SELF_PAY)
    assert stage.play(case).state is CaseState.DONE
    assert not any("put_insurance" in ref for ref in stage.ehr.kept)


def test_asking_again_asks_the_payer_once_more(stage: Stage) -> None:
    stage.payer.answers = [said(INACTIVE), said(ACTIVE)]
    case = stage.submit(insured())
    stage.play(case)
    stage.decide(case, Choice.ASK_AGAIN)
    assert stage.play(case).state is CaseState.DONE
    assert len(stage.payer.asked) == 2
    assert stage.payer.asked[0].trace != stage.payer.asked[1].trace


def test_an_answer_about_somebody_else_is_never_filed(stage: Stage) -> None:
    other = (
        said(ACTIVE).replace(b"TESTPERSON*TONI", b"STRANGER*SAM").replace(b"19900228", b"19700101")
    )
    stage.payer.answers = [other]
    case = stage.submit(insured())
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.WRONG_PATIENT_ANSWER
    assert Choice.GO_ON not in gate.choices


def test_a_referral_that_came_with_the_request_satisfies_the_payer(stage: Stage) -> None:
    stage.payer.answers = [said(f"{ACTIVE}\nMSG*PCP TO SUBMIT A SPECIALIST REFERRAL")]
    referral = Referral(date(2030, 1, 2), "1234567893")
    assert stage.play(stage.submit(insured(referral=referral))).state is CaseState.DONE


def test_an_unknown_payer_is_a_gate_and_not_an_error(stage: Stage) -> None:
    unknown = Insurance("", "Sample Village Health Plan", "MEMBER0001")
    case = stage.submit(insured(insurances=(unknown,)))
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.UNKNOWN_PAYER
    assert [fact.value for fact in gate.facts] == ["Sample Village Health Plan"]
    assert stage.payer.asked == []


def test_both_payers_are_asked(stage: Stage) -> None:
    policies = (
        Insurance("sample-payer", "Sample Payer", "MEMBER0001"),
        Insurance("sample-payer", "Sample Payer", "MEMBER0002"),
    )
    assert stage.play(stage.submit(insured(insurances=policies))).state is CaseState.DONE
    assert {each.insurance.member_id for each in stage.payer.asked} == {"MEMBER0001", "MEMBER0002"}
    assert sum("write_back" in ref for ref in stage.ehr.kept) == 2


def test_an_accident_claim_goes_straight_to_a_person(stage: Stage) -> None:
    claim = AccidentClaim("CLAIM-1", "Robin Sampleadjuster", "+12025550188")
    case = stage.submit(insured(payment=Payment.AUTO, accident=claim, insurances=()))
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.ACCIDENT_CLAIM
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE
    assert stage.payer.asked == []


def test_a_patient_without_an_address_is_called(stage: Stage) -> None:
    contact = Contact(phone="+12025550123")
    patient = replace(insured().patient, contact=contact)
    case = stage.submit(insured(patient=patient, mail_consent=False))
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.CALL_PATIENT
    assert stage.mail.sent == []
    stage.decide(case, Choice.DONE_BY_HAND)
    assert stage.play(case).state is CaseState.DONE


def test_wishes_are_kept_and_the_earliest_fitting_time_is_taken(stage: Stage) -> None:
    wishes = (Wish(3, DayPart.AFTERNOON),)
    done = stage.play(stage.submit(insured(wishes=wishes, earliest=WEDNESDAY)))
    assert done.memo.opening is not None
    assert done.memo.opening.token == "10-14"


def test_when_no_time_fits_the_nearest_are_offered(stage: Stage) -> None:
    case = stage.submit(insured(wishes=(Wish(5),), earliest=WEDNESDAY))
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.NO_OPENING
    assert [offer.id for offer in gate.offers] == ["0", "1", "2"]
    stage.decide(case, Choice.TAKE_OPENING, "1")
    done = stage.play(case)
    assert done.memo.opening is not None
    assert done.memo.opening.token == "10-10"


def test_no_time_is_taken_that_the_office_could_not_prepare_for(stage: Stage) -> None:
    """It is Monday, nine o'clock; two office hours are the least."""
    stage.ehr.openings = [opening(7, 10), opening(7, 14)]
    done = stage.play(stage.submit(insured(earliest=earliest(7))))
    assert done.memo.opening is not None
    assert done.memo.opening.token == "7-14"


def test_the_book_is_read_a_week_at_a_time_until_a_time_fits(stage: Stage) -> None:
    """From the 9th: a Saturday of the second week, and not the one of the third."""
    stage.ehr.openings = [opening(10), opening(19), opening(26)]
    done = stage.play(stage.submit(insured(wishes=(Wish(5),), earliest=WEDNESDAY)))
    assert done.memo.opening is not None
    assert done.memo.opening.token == "19-10"
    assert stage.ehr.searched == [
        (date(2030, 1, 9), date(2030, 1, 15)),
        (date(2030, 1, 16), date(2030, 1, 22)),
    ]


def test_the_last_day_of_the_search_is_the_practice_s(stage: Stage) -> None:
    stage.ehr.openings = [opening(29), opening(30)]
    done = stage.play(stage.submit(insured(earliest=WEDNESDAY)))
    assert done.memo.opening is not None
    assert done.memo.opening.token == "29-10"
    assert stage.ehr.searched[-1] == (date(2030, 1, 23), date(2030, 1, 29))


def test_a_time_that_was_taken_meanwhile_gives_way_to_the_next(stage: Stage) -> None:
    stage.ehr.failures["book"] = [failure(ErrorKind.CONFLICT)]
    done = stage.play(stage.submit(insured(earliest=WEDNESDAY)))
    assert done.state is CaseState.DONE
    assert done.memo.opening is not None
    assert done.memo.opening.token == "10-10"


def test_a_slow_payer_makes_the_office_hold_a_time_and_make_it_firm_later(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)] * 60 + [said(ACTIVE)]
    case = stage.submit(insured())
    held = stage.play(case, until=stage.later(minutes=14))
    assert held.memo.booking_status is BookingStatus.TENTATIVE
    assert stage.mail.sent == []
    done = stage.play(case, until=stage.later(hours=24))
    assert done.state is CaseState.DONE
    assert stage.ehr.statuses == {done.memo.booking_id: BookingStatus.BOOKED}


def test_a_visit_within_two_days_is_held_at_once(stage: Stage) -> None:
    stage.ehr.openings = [opening(8)]
    stage.payer.answers = [Pending("later", 120), said(ACTIVE)]
    case = stage.submit(insured(earliest=earliest(8)))
    held = stage.play(case)
    assert held.memo.booking_status is BookingStatus.TENTATIVE
    done = stage.play(case, until=stage.later(minutes=5))
    assert done.state is CaseState.DONE
    assert stage.payer.polled == ["later"]


def test_a_payer_that_stays_silent_comes_to_a_person_in_time_for_the_visit(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(hours=30))
    assert stage.gate(case).gate.reason is GateReason.COVERAGE_UNDETERMINED
    assert stage.clock.now() <= stage.see(case).created + timedelta(hours=24)


def test_a_declined_hold_gives_the_time_back(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.RETRYABLE)]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(hours=30))
    stage.decide(case, Choice.DECLINE)
    assert stage.play(case).state is CaseState.DECLINED
    assert set(stage.ehr.statuses.values()) == {BookingStatus.CANCELLED}


def test_the_payer_is_asked_anew_for_a_visit_in_another_month(stage: Stage) -> None:
    february = replace(opening(9), start=opening(9).start.replace(month=2, day=4))
    stage.ehr.openings = [february]
    request = insured(earliest=date(2030, 1, 28))
    done = stage.play(stage.submit(request))
    assert done.state is CaseState.DONE
    assert [each.service_date for each in stage.payer.asked] == [
        date(2030, 1, 28),
        date(2030, 2, 4),
    ]


def test_withdrawing_gives_the_time_back_and_tells_the_patient(stage: Stage) -> None:
    case = stage.submit(insured())
    stage.play(case)
    with stage.house.session() as session:
        assert requests.withdraw(session, case, actor="patient", now=stage.clock.now())
    assert stage.play(case).state is CaseState.WITHDRAWN
    assert set(stage.ehr.statuses.values()) == {BookingStatus.CANCELLED}
    assert stage.mail.sent[-1][0].subject.endswith("is canceled")
    with stage.house.session() as session:
        assert not requests.withdraw(session, case, actor="patient", now=stage.clock.now())


def test_rebooking_raises_the_generation_and_leaves_one_firm_visit(stage: Stage) -> None:
    case = stage.submit(insured())
    first = stage.play(case)
    with stage.house.session() as session:
        requests.rebook(session, case, actor="staff:test", now=stage.clock.now())
    second = stage.play(case)
    assert second.state is CaseState.DONE
    assert second.generation > first.generation
    assert second.memo.booking_id != first.memo.booking_id
    assert sorted(stage.ehr.statuses.values()) == [BookingStatus.BOOKED, BookingStatus.CANCELLED]
    assert sum("create_patient" in ref for ref in stage.ehr.kept) == 1


def test_the_daily_budget_of_paid_checks_stops_at_a_gate(stage: Stage) -> None:
    stage.rule(intake=IntakePolicy(paid_checks_per_day=0))
    case = stage.submit(insured())
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.CHECK_BUDGET_SPENT
    assert stage.payer.asked == []
    stage.decide(case, Choice.GO_ON)
    assert stage.play(case).state is CaseState.DONE


def test_every_write_is_kept_before_and_after(stage: Stage) -> None:
    case = stage.submit(insured())
    stage.play(case)
    with stage.house.session() as session:
        stored = effects.of_case(session, case)
    assert {each.state for each in stored} == {"done"}
    ours = {each.ref for each in stored if not each.step.startswith("mail_")}
    assert ours == set(stage.ehr.kept)


def test_where_the_system_cannot_be_written_to_a_person_writes_it_down(stage: Stage) -> None:
    """The patient is told at once: the note in the record is nothing that they wait for."""
    stage.ehr.write_back = WriteBack.NONE
    case = stage.submit(visit_request(earliest=earliest(10)))
    stage.play(case)
    gate = stage.gate(case).gate
    assert (gate.reason, gate.choices) == (GateReason.WRITE_DOWN, (Choice.DONE_BY_HAND,))
    assert [fact.label for fact in gate.facts] == ["Sample Payer"]
    assert "copay $30.00" in gate.facts[0].value
    assert [message.subject for message, _ in stage.mail.sent] == ["Your visit at Sample Clinic"]
    stage.decide(case, Choice.DONE_BY_HAND)
    assert stage.play(case).state is CaseState.DONE
    assert not any(".write_back" in ref for ref in stage.ehr.kept)


def test_who_is_called_and_has_to_be_written_down_is_one_task(stage: Stage) -> None:
    stage.ehr.write_back = WriteBack.NONE
    case = stage.submit(visit_request(earliest=earliest(10), mail_consent=False))
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.CALL_PATIENT
    assert [fact.label for fact in gate.facts] == ["Booked for", "Sample Payer"]
