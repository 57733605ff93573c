"""The watchdog's queries: an open case with nothing to come is found, and no other."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import sqlalchemy as sa

from cleargate.engine.watchdog import mend_orphans
from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Choice, Gate, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.store import cases, gates, watch
from cleargate.store.queue import start_phase
from tests.house import House, TurnedClock, open_case

GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.ASK_AGAIN,), "sample.first")

_SET = sa.text("update dbos.workflow_status set status = :status where workflow_uuid = :id")
_TOUCH_LATER = sa.text(
    "update cases set updated_at = now() + interval '1 hour'"
    " where practice_id = :practice and id = :case"
)
_LOSE = sa.text("delete from dbos.workflow_status where workflow_uuid = :id")


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now())


def _lose(house: House, case: CaseId, seq: int = 1) -> None:
    with house.session() as session:
        session.run(_LOSE, id=f"{case.hex}.{seq}")


def _is_orphan(house: House, case: CaseId, age_s: float = 0.0) -> bool:
    with house.session() as session:
        return case in [each.case for each in watch.orphans(session, age_s)]


@pytest.mark.parametrize("status", ["ENQUEUED", "DELAYED", "PENDING"])
def test_a_case_whose_phase_lives_is_no_orphan(house: House, case: CaseId, status: str) -> None:
    with house.session() as session:
        session.run(_SET, id=f"{case.hex}.1", status=status)
    assert not _is_orphan(house, case)


@pytest.mark.parametrize("status", ["SUCCESS", "ERROR", "CANCELLED"])
def test_a_case_whose_phase_is_over_without_an_ending_is_an_orphan(
    house: House, case: CaseId, status: str
) -> None:
    with house.session() as session:
        session.run(_SET, id=f"{case.hex}.1", status=status)
    assert _is_orphan(house, case)


def test_an_orphan_that_was_touched_in_the_future_is_one_at_once(
    house: House, case: CaseId
) -> None:
    """The database's clock was turned back by an hour: nobody waits until it is that time again."""
    _lose(house, case)
    assert not _is_orphan(house, case, age_s=30.0)
    with house.session() as session:
        session.run(_TOUCH_LATER, case=case)
    assert _is_orphan(house, case, age_s=30.0)


def test_a_case_at_a_gate_is_no_orphan(house: House, case: CaseId, clock: TurnedClock) -> None:
    with house.session() as session:
        gates.open_gate(session, case, GATE, clock.now())
        cases.stop_at_gate(session, case)
    assert not _is_orphan(house, case)


def test_a_closed_case_is_no_orphan(house: House, case: CaseId) -> None:
    with house.session() as session:
        cases.close(session, case, CaseState.DONE)
    assert not _is_orphan(house, case)


def test_a_case_that_was_touched_just_now_is_given_time(house: House, case: CaseId) -> None:
    _lose(house, case)
    assert not _is_orphan(house, case, age_s=60)
    assert _is_orphan(house, case)


def test_an_orphan_of_any_practice_is_queued_again(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    with house.session(house.other) as session:
        there = open_case(session, clock.now())
        session.run(_LOSE, id=f"{there.hex}.1")
    _lose(house, case)
    mend_orphans(house.database, age_s=0.0)
    for practice, mended in ((house.practice, case), (house.other, there)):
        with house.session(practice) as session:
            stored = cases.get(session, mended)
        assert stored is not None
        assert (stored.phase, stored.phase_seq, stored.note) == ("sample.first", 2, "mended")
    assert not _is_orphan(house, case)


def test_a_case_that_somebody_moves_at_this_moment_is_left_to_them(
    house: House, case: CaseId
) -> None:
    """Otherwise mending would overtake what the patient has just started."""
    _lose(house, case)
    with ThreadPoolExecutor(1) as pool, house.session() as session:
        cases.lock(session, case)
        pool.submit(mend_orphans, house.database, 0.0).result(timeout=20)
        start_phase(session, case, "sample.withdraw")
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert (stored.phase, stored.phase_seq) == ("sample.withdraw", 2)


def test_a_case_with_a_gate_and_a_queued_phase_is_counted(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    with house.session() as session:
        before = watch.doubled(session)
        gates.open_gate(session, case, GATE, clock.now())
        assert watch.doubled(session) == before + 1
        cases.stop_at_gate(session, case)
        assert watch.doubled(session) == before


def test_phases_count_as_waiting_when_they_are_due_within_the_horizon(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    def waiting() -> int:
        with house.database.public() as connection:
            return watch.phases_waiting(connection, horizon_s=60)

    before = waiting()
    with house.session() as session:
        soon = open_case(session, clock.now())
        later = open_case(session, clock.now())
        start_phase(session, soon, "sample.second", due=clock.after(timedelta(seconds=5)))
        start_phase(session, later, "sample.second", due=clock.after(timedelta(hours=5)))
        for each in (soon, later):
            session.run(_LOSE, id=f"{each.hex}.1")
    assert waiting() == before + 1


def test_every_practice_is_watched(house: House) -> None:
    with house.database.public() as connection:
        assert set(watch.practices(connection)) >= {house.practice, house.other}
