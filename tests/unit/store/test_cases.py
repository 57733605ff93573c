"""Cases: kept once, moved on by one phase at a time, closed once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate.nouns.case import CaseState, Memo
from cleargate.nouns.ids import CaseId
from cleargate.store import cases
from cleargate.store.cases import Superseded
from cleargate.store.queue import start_phase
from tests.house import House, TurnedClock, open_case, visit_request

_EVENTS = sa.text(
    "select type from audit_events where practice_id = :practice and case_id = :case"
    " order by recorded"
)


def _events(house: House, case: CaseId) -> list[str]:
    with house.session() as session:
        return [row["type"] for row in session.all(_EVENTS, case=case)]


def test_an_opened_case_holds_the_request_and_a_queued_phase(
    house: House, clock: TurnedClock
) -> None:
    request = visit_request()
    with house.session() as session:
        case = open_case(session, clock.now(), request=request, memo=Memo(contact_confirmed=True))
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert stored.request == request
    assert stored.memo == Memo(contact_confirmed=True)
    assert (stored.state, stored.phase, stored.phase_seq) == (CaseState.OPEN, "sample.first", 1)
    assert stored.created == clock.now()
    assert _events(house, case) == ["case.open"]


def test_a_form_sent_twice_is_one_case(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        first = open_case(session, clock.now(), nonce="twice")
        second = open_case(session, clock.now(), nonce="twice")
    assert first == second
    with house.session() as session:
        stored = cases.get(session, first)
    assert stored is not None
    assert stored.phase_seq == 1
    assert _events(house, first) == ["case.open"]


def test_a_form_sent_eight_times_at_once_is_one_case(house: House, clock: TurnedClock) -> None:
    def submit(_: int) -> CaseId:
        with house.session() as session:
            return open_case(session, clock.now(), nonce="eightfold")

    with ThreadPoolExecutor(8) as pool:
        opened = set(pool.map(submit, range(8)))
    assert len(opened) == 1
    assert _events(house, opened.pop()) == ["case.open"]


def test_the_same_nonce_at_two_practices_is_two_cases(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        first = open_case(session, clock.now(), nonce="shared")
    with house.session(house.other) as session:
        second = open_case(session, clock.now(), nonce="shared")
    assert first != second


def test_a_request_that_is_not_committed_leaves_nothing(house: House, clock: TurnedClock) -> None:
    case = None
    with pytest.raises(ZeroDivisionError), house.session() as session:
        case = open_case(session, clock.now())
        raise ZeroDivisionError
    assert case is not None
    with house.session() as session:
        assert cases.get(session, case) is None
    assert _events(house, case) == []


def test_only_the_newest_phase_may_hold_a_case(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        seq = start_phase(session, case, "sample.second")
    with house.session() as session:
        assert cases.lock(session, case, seq).phase == "sample.second"
    with house.session() as session, pytest.raises(Superseded):
        cases.lock(session, case, seq - 1)


def test_a_closed_case_belongs_to_no_phase_but_a_person_may_hold_it(
    house: House, clock: TurnedClock
) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        cases.close(session, case, CaseState.DONE)
    with house.session() as session, pytest.raises(Superseded):
        cases.lock(session, case, 1)
    with house.session() as session:
        assert cases.lock(session, case).state is CaseState.DONE


def test_nobody_can_hold_a_case_that_is_not_there(house: House) -> None:
    with house.session() as session, pytest.raises(Superseded):
        cases.lock(session, CaseId(uuid4()))


def test_remember_changes_only_the_named_fields(house: House, clock: TurnedClock) -> None:
    memo = Memo(patient_id="p-1", contact_confirmed=True)
    with house.session() as session:
        case = open_case(session, clock.now(), memo=memo)
        changed = cases.remember(session, cases.lock(session, case), booking_id="b-1")
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert stored.memo == changed.memo == replace(memo, booking_id="b-1")


def test_a_case_that_stops_at_a_gate_ends_the_phase_that_stopped_it(
    house: House, clock: TurnedClock
) -> None:
    """Killed after the commit, the engine runs the phase again: it must find itself superseded."""
    with house.session() as session:
        case = open_case(session, clock.now())
        cases.stop_at_gate(session, case)
    with house.session() as session, pytest.raises(Superseded):
        cases.lock(session, case, 1)
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert (stored.state, stored.phase, stored.note) == (CaseState.OPEN, "", "gate")


def test_a_case_closes_once(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        cases.close(session, case, CaseState.DONE)
        cases.close(session, case, CaseState.DECLINED)
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert stored.state is CaseState.DONE
    assert _events(house, case) == ["case.open", "case.close"]


def test_doing_it_again_raises_the_generation_and_reopens(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        cases.close(session, case, CaseState.DONE)
        cases.raise_generation(session, cases.lock(session, case))
        stored = cases.get(session, case)
    assert stored is not None
    assert (stored.state, stored.generation) == (CaseState.OPEN, 2)


def test_a_person_is_known_by_family_name_and_birth_date_whatever_the_case(house: House) -> None:
    patient = visit_request().patient
    shouted = replace(patient, name=replace(patient.name, family=" TESTPERSON "))
    with house.session() as session:
        here = cases.person_index(session, patient)
        assert cases.person_index(session, shouted) == here
    with house.session(house.other) as session:
        assert cases.person_index(session, patient) != here
