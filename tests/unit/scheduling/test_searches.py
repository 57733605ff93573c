"""A patient whom the payer does not find by everything is found by less, at most once each way."""

from dataclasses import replace
from datetime import timedelta

import pytest

from cleargate.directory.payers import Payer, PayerDirectory
from cleargate.nouns.case import CaseState
from cleargate.nouns.eligibility import (
    PRIMARY_SEARCH,
    ContentKind,
    Detail,
    RawAnswer,
    ServiceList,
)
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason
from cleargate.store import attempts, inquiries
from cleargate.store.inquiries import NewInquiry
from tests.house import House, visit_request
from tests.unit.coverage.answers import document, encoded
from tests.unit.engine.vendor import Killed
from tests.unit.scheduling.office import ACTIVE, Stage, earliest, said

ID_AND_BIRTH = frozenset({Detail.MEMBER_ID, Detail.BIRTH_DATE})
ID_AND_NAME = frozenset({Detail.MEMBER_ID, Detail.FAMILY_NAME})
PAYER = Payer("sample-payer", "Sample Payer", code="EX001")


def about_the_patient(content: bytes, birth: str = "19900228") -> bytes:
    """An answer that names the sample patient, and thereby confirms what was not asked by."""
    return (
        content.replace(b"ANN****MI*TST0001", b"TONI****MI*MEMBER0001")
        .replace(b"DMG*D8*19800201", f"DMG*D8*{birth}".encode())
        .replace(b"DMG*D8*19900228", f"DMG*D8*{birth}".encode())
    )


def found(birth: str = "19900228") -> bytes:
    return about_the_patient(said(ACTIVE), birth)


def refused(code: str) -> bytes:
    return about_the_patient(encoded(document(f"AAA*N**{code}*C", background="")))


@pytest.fixture
def stage(house: House) -> Stage:
    stage = Stage(house)
    searches = (PRIMARY_SEARCH, ID_AND_BIRTH, ID_AND_NAME)
    stage.rule(payers=PayerDirectory([replace(PAYER, searches=searches)]))
    return stage


def played(stage: Stage) -> tuple[CaseState, list[frozenset[Detail]]]:
    case = stage.submit(visit_request(earliest=earliest(10)))
    state = stage.play(case, until=stage.later(hours=20)).state
    stage.case = case
    return state, [each.search for each in stage.payer.asked]


def test_a_patient_who_is_found_by_less_needs_nobody(stage: Stage) -> None:
    stage.payer.answers = [refused("73"), found()]
    assert played(stage) == (CaseState.DONE, [PRIMARY_SEARCH, ID_AND_BIRTH])
    first, second = stage.payer.asked
    assert first.trace != second.trace, "another question has an identity of its own"
    with stage.house.session() as session:
        outcomes = [each.outcome for each in attempts.of_case(session, stage.case)]
    assert outcomes.count("ok") >= 2


def test_each_search_is_tried_once_and_then_a_person_is_asked(stage: Stage) -> None:
    stage.payer.answers = [refused("75")]
    state, asked = played(stage)
    assert (state, asked) == (CaseState.OPEN, [PRIMARY_SEARCH, ID_AND_BIRTH, ID_AND_NAME])
    assert stage.gate(stage.case).gate.reason is GateReason.COVERAGE_UNDETERMINED


def test_whoever_is_found_with_another_birth_date_is_compared_by_a_person(stage: Stage) -> None:
    stage.payer.answers = [refused("71"), found(birth="19600101")]
    state, asked = played(stage)
    assert (state, asked) == (CaseState.OPEN, [PRIMARY_SEARCH, ID_AND_NAME])
    gate = stage.gate(stage.case).gate
    assert gate.reason is GateReason.COVERAGE_UNCLEAR
    assert "born 01/01/1960" in {fact.label: fact.value for fact in gate.facts}["Answered about"]


def test_where_asking_costs_a_fee_nobody_is_looked_for_twice(stage: Stage) -> None:
    stage.payer.repeatable = False
    stage.payer.answers = [refused("75"), found()]
    assert played(stage) == (CaseState.OPEN, [PRIMARY_SEARCH])


def test_a_payer_without_an_entry_is_asked_once(stage: Stage) -> None:
    stage.rule(payers=PayerDirectory([PAYER]))
    stage.payer.answers = [refused("75"), found()]
    assert played(stage) == (CaseState.OPEN, [PRIMARY_SEARCH])


def test_a_clearinghouse_is_asked_by_the_first_search_that_it_takes(stage: Stage) -> None:
    stage.rule(payers=PayerDirectory([replace(PAYER, searches=(ID_AND_BIRTH, PRIMARY_SEARCH))]))
    stage.payer.needs = PRIMARY_SEARCH
    stage.payer.answers = [found()]
    assert played(stage) == (CaseState.DONE, [PRIMARY_SEARCH])


def test_a_search_that_the_clearinghouse_does_not_take_is_not_asked_next(stage: Stage) -> None:
    stage.payer.needs = frozenset({Detail.FAMILY_NAME})
    stage.payer.answers = [refused("75")]
    assert played(stage) == (CaseState.OPEN, [PRIMARY_SEARCH, ID_AND_NAME])


def test_a_payer_whose_searches_the_clearinghouse_refuses_is_a_person_s_to_ask(
    stage: Stage,
) -> None:
    stage.rule(payers=PayerDirectory([replace(PAYER, searches=(ID_AND_BIRTH,))]))
    stage.payer.needs = PRIMARY_SEARCH
    refusal = PortError(ErrorKind.REJECTED, "clearinghouse", vendor_code="question_refused")
    stage.payer.answers = [refusal]
    assert played(stage) == (CaseState.OPEN, [ID_AND_BIRTH])
    with stage.house.session() as session:
        [question] = inquiries.current(session, stage.case)
    assert question.coverage is not None
    assert [each.code for each in question.coverage.reasons] == ["search_refused"]


def test_services_are_asked_for_as_the_payer_s_entry_says(stage: Stage) -> None:
    stage.rule(payers=PayerDirectory([replace(PAYER, service_list=ServiceList.PLAN)]))
    played(stage)
    [asked] = stage.payer.asked
    assert (asked.service_types, asked.asked_services) == (("PT", "30"), ("30",))


def test_killed_while_it_is_looked_for_otherwise_it_goes_on_with_the_same_question(
    stage: Stage,
) -> None:
    stage.payer.answers = [refused("75"), Killed(), found()]
    case = stage.submit(visit_request(earliest=earliest(10)))
    with pytest.raises(Killed):
        stage.play(case)
    begun = stage.clock.now()
    assert stage.play(case, until=stage.later(hours=1)).state is CaseState.DONE
    assert [each.search for each in stage.payer.asked] == [
        PRIMARY_SEARCH,
        ID_AND_BIRTH,
        ID_AND_BIRTH,
    ]
    assert len({each.trace for each in stage.payer.asked}) == 2
    assert stage.clock.now() - begun >= timedelta(seconds=90)


def test_killed_with_a_refusal_in_hand_it_does_not_ask_for_it_again(stage: Stage) -> None:
    stage.payer.answers = [found()]
    case = stage.submit(visit_request(earliest=earliest(10)))
    question = NewInquiry(
        1, 1, "sample-payer", "Sample Payer", "clearinghouse", "EX001", earliest(10)
    )
    with stage.house.session() as session:
        inquiries.add(session, case, question)
        [kept] = inquiries.current(session, case)
        inquiries.mark_sent(session, kept.id, stage.clock.now())
        answer = RawAnswer(refused("75"), ContentKind.X12_271)
        inquiries.keep_raw(session, kept.id, answer, stage.clock.now())
    assert stage.play(case).state is CaseState.DONE
    assert [each.search for each in stage.payer.asked] == [ID_AND_BIRTH]
