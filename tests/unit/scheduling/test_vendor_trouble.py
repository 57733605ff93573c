"""What vendors do that they should not: refusals, lost answers and mails, stopped connections."""

from datetime import timedelta

import pytest

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import Choice, GateReason
from cleargate.store import connections, inquiries
from tests.house import House
from tests.unit.scheduling.office import ACTIVE, Stage, failure, insured, said


@pytest.fixture
def stage(house: House) -> Stage:
    return Stage(house)


def test_a_question_in_doubt_is_not_repeated_where_it_costs_a_fee(stage: Stage) -> None:
    stage.payer.repeatable = False
    stage.payer.answers = [failure(ErrorKind.AMBIGUOUS)]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(hours=24))
    assert stage.gate(case).gate.reason is GateReason.COVERAGE_UNDETERMINED
    assert len(stage.payer.asked) == 1


def test_a_question_in_doubt_is_repeated_after_ninety_seconds_where_it_is_free(
    stage: Stage,
) -> None:
    stage.payer.answers = [failure(ErrorKind.AMBIGUOUS), said(ACTIVE)]
    case = stage.submit(insured())
    asked = stage.clock.now()
    stage.play(case, until=stage.later(hours=1))
    assert len(stage.payer.asked) == 2
    assert stage.clock.now() - asked >= timedelta(seconds=90)


def test_a_broken_answer_is_asked_for_again_a_few_times_and_kept(stage: Stage) -> None:
    broken = said(ACTIVE)[:600]
    stage.payer.answers = [broken]
    case = stage.submit(insured())
    stage.play(case, until=stage.later(hours=20))
    assert stage.gate(case).gate.reason is GateReason.COVERAGE_UNDETERMINED
    assert len(stage.payer.asked) == 4
    with stage.house.session() as session:
        [question] = inquiries.current(session, case)
        kept = inquiries.raw(session, question.id)
    assert kept is not None
    assert kept.content == broken


def test_a_mail_of_unknown_fate_is_repeated_once_under_the_same_reference(stage: Stage) -> None:
    stage.mail.failures = [failure(ErrorKind.AMBIGUOUS)]
    assert stage.play(stage.submit(insured())).state is CaseState.DONE
    assert len({ref.value for _, ref in stage.mail.sent}) == 1
    assert len(stage.mail.sent) == 2


def test_a_mail_lost_twice_is_for_a_person(stage: Stage) -> None:
    stage.mail.failures = [failure(ErrorKind.AMBIGUOUS)] * 2
    case = stage.submit(insured())
    stage.play(case)
    assert stage.gate(case).gate.reason is GateReason.VENDOR_UNSURE
    assert len(stage.mail.sent) == 2


def test_refused_data_names_the_fields_and_can_be_tried_again(stage: Stage) -> None:
    refused = PortError(ErrorKind.REJECTED, "ehr", vendor_code="400", fields=("Patient.telecom",))
    stage.ehr.failures["create_patient"] = [refused]
    case = stage.submit(insured())
    stage.play(case)
    gate = stage.gate(case).gate
    assert gate.reason is GateReason.VENDOR_REFUSED
    assert "Patient.telecom" in [fact.value for fact in gate.facts]
    stage.decide(case, Choice.ASK_AGAIN)
    assert stage.play(case).state is CaseState.DONE


def test_a_refused_sign_in_stops_the_connection_until_it_works_again(stage: Stage) -> None:
    stage.payer.answers = [failure(ErrorKind.AUTH), said(ACTIVE)]
    case = stage.submit(insured())
    stage.play(case)
    with stage.house.session() as session:
        states = {each.name: each.state for each in connections.states(session)}
    assert states["vendor"] == "stopped"
    assert stage.play(case, until=stage.later(minutes=6)).state is CaseState.DONE


def test_a_working_call_ends_the_stop(stage: Stage) -> None:
    refused = PortError(ErrorKind.AUTH, "ehr", vendor_code="401")
    stage.ehr.failures["create_patient"] = [refused]
    case = stage.submit(insured())
    stage.play(case)
    with stage.house.session() as session:
        assert {each.name: each.state for each in connections.states(session)}["ehr"] == "stopped"
    stage.play(case, until=stage.later(minutes=6))
    with stage.house.session() as session:
        assert {each.name: each.state for each in connections.states(session)}["ehr"] == "ok"
