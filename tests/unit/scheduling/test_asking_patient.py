"""The patient is asked to check what a payer did not know; the case then goes on by itself."""

from dataclasses import replace
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.gate import Choice, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.nouns.patient import Contact, Name, PatientRecord
from cleargate.nouns.request import VisitRequest
from cleargate.scheduling import requests
from cleargate.scheduling.phases import PATIENT_SILENT, REMIND_PATIENT
from cleargate.store import gates, inquiries, links
from tests.house import House, visit_request
from tests.trail import TRAIL
from tests.unit.engine.vendor import failure
from tests.unit.scheduling.office import ACTIVE, Stage, earliest, said
from tests.unit.scheduling.test_correcting import NOT_ON_FILE
from tests.unit.scheduling.test_outages import BUSY

CHECK = "Please check your request to Sample Clinic"


@pytest.fixture
def stage(house: House) -> Stage:
    stage = Stage(house)
    stage.payer.answers = [NOT_ON_FILE, said(ACTIVE)]
    return stage


def _request(day: int = 20, **changes: object) -> VisitRequest:
    return visit_request(**{"earliest": earliest(day), "mail_consent": True, **changes})


def _asked(stage: Stage, request: VisitRequest) -> CaseId:
    """A case whose payer did not know the member, and whose patient was asked."""
    case = stage.submit(request)
    stage.play(case)
    stage.decide(case, Choice.ASK_PATIENT)
    stage.play(case)
    return case


def _checked(stage: Stage, case: CaseId, request: VisitRequest) -> bool:
    with stage.house.session() as session:
        return requests.correct(
            session, case, request, actor=requests.PATIENT, now=stage.clock.now()
        )


def _with_member_id(request: VisitRequest, member_id: str) -> VisitRequest:
    [policy] = request.insurances
    return replace(request, insurances=(replace(policy, member_id=member_id),))


def _token(text: str) -> str:
    [link] = [word for word in text.split() if "/check/" in word]
    return link.rpartition("/")[2]


def _subjects(stage: Stage) -> list[str]:
    return [message.subject for message, _ in stage.mail.sent]


def test_the_patient_s_correction_is_asked_about_and_booked_without_anybody(stage: Stage) -> None:
    request = _request(10)
    case = _asked(stage, request)
    assert _subjects(stage) == [CHECK]
    assert _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    assert stage.play(case).state is CaseState.DONE
    assert [each.insurance.member_id for each in stage.payer.asked] == ["MEMBER0001", "MEMBER0002"]
    with stage.house.session() as session:
        [only] = gates.of_case(session, case)
    assert only.choice is Choice.ASK_PATIENT


def test_the_mail_says_nothing_of_what_the_payer_said(stage: Stage) -> None:
    _asked(stage, _request())
    [(message, _)] = stage.mail.sent
    said_words = f"{message.subject} {message.text}".casefold()
    for word in ("member", "payer", "sample payer", "testperson", "coverage", "birth"):
        assert word not in said_words
    assert f"{stage.practice.public_url}/check/" in message.text


def test_a_silent_patient_is_reminded_once_then_called(stage: Stage) -> None:
    case = _asked(stage, _request())
    waiting = stage.see(case)
    assert (waiting.phase, waiting.due) == (REMIND_PATIENT, stage.later(hours=24))
    reminded = stage.play(case, until=stage.later(hours=24))
    assert (reminded.phase, reminded.due) == (PATIENT_SILENT, stage.later(hours=24))
    assert _subjects(stage) == [CHECK, f"Reminder: {CHECK}"]
    links = {
        line for message, _ in stage.mail.sent for line in message.text.split() if "/check/" in line
    }
    assert len(links) == 1
    stage.play(case, until=stage.later(hours=24))
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.PATIENT_SILENT
    assert "member ID" in [fact.value for fact in gate.facts]


def test_before_a_visit_that_is_near_the_call_comes_in_time(stage: Stage) -> None:
    """Monday at nine; the office opens on Tuesday at eight, two hours before is Monday at three."""
    case = _asked(stage, _request(8))
    call = stage.clock.now() + timedelta(hours=6)
    assert stage.see(case).due == stage.clock.now() + timedelta(hours=3)
    assert stage.play(case, until=call).phase == ""
    assert stage.clock.now() == call
    assert stage.gate(case).gate.reason is GateReason.PATIENT_SILENT


def test_an_answer_after_the_last_moment_spares_the_call(stage: Stage) -> None:
    request = _request(10)
    case = _asked(stage, request)
    stage.play(case, until=stage.later(days=3))
    assert stage.gate(case).gate.reason is GateReason.PATIENT_SILENT
    assert _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    assert stage.play(case).state is CaseState.DONE


def test_a_patient_who_changes_nothing_is_not_asked_about_again(stage: Stage) -> None:
    request = _request()
    case = _asked(stage, request)
    assert _checked(stage, case, request)
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.PATIENT_CHECKED
    assert len(stage.payer.asked) == 1, "the same question would have the same answer, for a fee"
    stage.decide(case, Choice.GO_ON)
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.COVERAGE_UNCLEAR
    assert len(stage.payer.asked) == 1


def test_what_nobody_waits_for_changes_nothing(stage: Stage) -> None:
    request = _request(10)
    case = _asked(stage, request)
    corrected = _with_member_id(request, "MEMBER0002")
    assert _checked(stage, case, corrected)
    assert not _checked(stage, case, _with_member_id(request, "MEMBER0003"))
    stage.play(case)
    assert not _checked(stage, case, _with_member_id(request, "MEMBER0004"))
    assert stage.see(case).request == corrected


def test_whoever_is_asked_again_gets_another_mail_and_link(stage: Stage) -> None:
    stage.payer.answers = [NOT_ON_FILE, NOT_ON_FILE, said(ACTIVE)]
    request = _request(10)
    case = _asked(stage, request)
    assert _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    stage.play(case)
    stage.decide(case, Choice.ASK_PATIENT)
    stage.play(case)
    assert _subjects(stage) == [CHECK, CHECK]
    first, second = (message.text for message, _ in stage.mail.sent)
    assert first != second
    assert _checked(stage, case, _with_member_id(request, "MEMBER0003"))
    assert stage.play(case).state is CaseState.DONE


def test_a_patient_without_mail_is_called(stage: Stage) -> None:
    case = stage.submit(_request(mail_consent=False))
    stage.play(case)
    assert Choice.ASK_PATIENT not in stage.gate(case).gate.choices


def test_an_unknown_payer_is_asked_for(stage: Stage) -> None:
    stage.payer.answers = [said(ACTIVE)]
    request = _request(10)
    unknown = replace(request.insurances[0], payer_id="", payer_name="Sample Village Health Plan")
    case = _asked(stage, replace(request, insurances=(unknown,)))
    assert "primary_payer" in stage.see(case).memo.doubtful
    assert _checked(stage, case, request)
    assert stage.play(case).state is CaseState.DONE


def test_withdrawn_meanwhile_stays_withdrawn(stage: Stage) -> None:
    request = _request()
    case = _asked(stage, request)
    with stage.house.session() as session:
        requests.withdraw(session, case, actor=requests.PATIENT, now=stage.clock.now())
    stage.play(case)
    assert not _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    assert stage.see(case).state is CaseState.WITHDRAWN


def test_a_withdrawal_that_waits_for_a_person_is_not_overturned_by_an_old_page(
    stage: Stage,
) -> None:
    stage.payer.answers = [BUSY, NOT_ON_FILE]
    request = _request(8)
    case = stage.submit(request)
    stage.play(case, until=stage.later(minutes=5))
    stage.decide(case, Choice.ASK_PATIENT)
    stage.play(case)
    assert stage.see(case).memo.booking_id, "a time is held, for the visit is near"
    stage.ehr.failures["set_booking_status"] = [failure(ErrorKind.REJECTED)]
    with stage.house.session() as session:
        requests.withdraw(session, case, actor=requests.PATIENT, now=stage.clock.now())
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.VENDOR_REFUSED
    assert not _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    assert stage.gate(case).gate.reason is GateReason.VENDOR_REFUSED


def test_a_mail_that_did_not_leave_still_asks_about_the_same_when_it_is_sent_again(
    stage: Stage,
) -> None:
    stage.mail.failures = [failure(ErrorKind.REJECTED)]
    request = _request(10)
    case = _asked(stage, request)
    assert stage.gate(case).gate.reason is GateReason.VENDOR_REFUSED
    stage.decide(case, Choice.ASK_AGAIN)
    assert stage.play(case).memo.doubtful == ("primary_member_id",)
    stage.play(case, until=stage.later(days=3))
    stage.decide(case, Choice.GO_ON)
    stage.play(case)
    assert len(stage.payer.asked) == 1, "it was the mail that was to go again, not the question"


def test_the_link_of_an_earlier_asking_has_ended(stage: Stage) -> None:
    """It may lie in the mailbox of somebody else, whose address stood there by mistake."""
    stage.payer.answers = [NOT_ON_FILE, NOT_ON_FILE]
    request = _request(10)
    case = _asked(stage, request)
    assert _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    stage.play(case)
    stage.decide(case, Choice.ASK_PATIENT)
    stage.play(case)
    first, second = (_token(message.text) for message, _ in stage.mail.sent)
    with stage.house.session() as session:
        now = stage.clock.now()
        assert links.find(session, first, now) is None
        assert links.find(session, second, now) is not None


def test_a_correction_of_what_has_changed_meanwhile_changes_nothing(stage: Stage) -> None:
    stage.payer.answers = [NOT_ON_FILE, NOT_ON_FILE]
    request = _request(10)
    case = _asked(stage, request)
    seen = stage.see(case).generation
    assert _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    stage.play(case)
    stage.decide(case, Choice.ASK_PATIENT)
    with stage.house.session() as session:
        now, stale = stage.clock.now(), _with_member_id(request, "MEMBER0003")
        actor = requests.PATIENT
        assert not requests.correct(session, case, stale, actor=actor, now=now, generation=seen)
    assert stage.see(case).request.insurances[0].member_id == "MEMBER0002"


def test_the_trail_names_the_fields(stage: Stage) -> None:
    request = _request()
    case = _asked(stage, request)
    _checked(stage, case, _with_member_id(request, "MEMBER0002"))
    with stage.house.session() as session:
        assert [each.generation for each in inquiries.of_case(session, case)] == [1]
        rows = session.all(
            sa.text(
                f"select actor, code from {TRAIL}"
                " where practice_id = :practice and case_id = :case and type = 'request.edit'"
            ),
            case=case,
        )
    assert [(row["actor"], row["code"]) for row in rows] == [("patient", "primary_member_id")]


def test_somebody_else_than_a_lookalike_may_be_known_under_the_corrected_name(
    stage: Stage,
) -> None:
    """That the first name was nobody known was said of that name alone."""
    request = _request(10)
    twin = replace(request.patient, contact=Contact("namesake@example.invalid"))
    right = replace(request.patient, name=Name("Otherperson", "Toni"), birth_date=date(1985, 3, 4))
    stage.ehr.patients = [PatientRecord("twin-1", twin), PatientRecord("known-2", right)]
    case = stage.submit(request)
    stage.play(case)
    stage.decide(case, Choice.CREATE_NEW)
    stage.play(case)
    stage.decide(case, Choice.ASK_PATIENT)
    stage.play(case)
    assert _checked(stage, case, replace(request, patient=right))
    assert stage.play(case).memo.patient_id == "known-2"
    assert not [each for each in stage.ehr.kept.values() if each.startswith("patient")]
