"""The queue: a phase is queued with the commit that says why, and only for an open case."""

import json
from datetime import timedelta

import pytest
import sqlalchemy as sa

from cleargate.nouns.case import CaseState
from cleargate.nouns.ids import CaseId
from cleargate.store import cases
from cleargate.store.queue import APPLICATION_VERSION, QUEUE, start_phase, workflow_id
from tests.house import House, TurnedClock, open_case

_QUEUED = sa.text("select * from dbos.workflow_status where workflow_uuid = :id")
_ARGUMENTS = sa.text("select inputs from dbos.workflow_input where workflow_uuid = :id")


def _queued(house: House, case: CaseId, seq: int) -> sa.RowMapping | None:
    with house.session() as session:
        return session.one(_QUEUED, id=workflow_id(case, seq))


def test_a_phase_is_queued_by_name_with_nothing_but_ids(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now(), phase="sample.first")
    queued = _queued(house, case, 1)
    assert queued is not None
    assert (queued["name"], queued["queue_name"]) == ("sample.first", QUEUE)
    assert (queued["status"], queued["application_version"]) == ("ENQUEUED", APPLICATION_VERSION)
    with house.session() as session:
        arguments = json.loads(session.run(_ARGUMENTS, id=f"{case.hex}.1").scalar_one())
    assert arguments == {
        "positionalArgs": [str(house.practice), str(case), 1],
        "namedArgs": {},
    }


def test_a_phase_with_a_due_time_is_delayed_until_then(house: House, clock: TurnedClock) -> None:
    due = clock.after(timedelta(hours=1))
    with house.session() as session:
        case = open_case(session, clock.now())
        assert start_phase(session, case, "sample.second", due=due, note="waiting") == 2
        stored = cases.get(session, case)
    queued = _queued(house, case, 2)
    assert queued is not None
    assert queued["status"] == "DELAYED"
    assert queued["delay_until_epoch_ms"] == int(due.timestamp() * 1000)
    assert stored is not None
    assert (stored.phase, stored.due, stored.note) == ("sample.second", due, "waiting")


def test_every_start_takes_a_new_number(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        assert [start_phase(session, case, "sample.second") for _ in range(2)] == [2, 3]


def test_nothing_is_queued_for_a_closed_case(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
        cases.close(session, case, CaseState.DONE)
        assert start_phase(session, case, "sample.second") == 0
    assert _queued(house, case, 2) is None


def test_a_start_follows_the_caller_s_rollback(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now())
    with pytest.raises(ZeroDivisionError), house.session() as session:
        assert start_phase(session, case, "sample.second") == 2
        raise ZeroDivisionError
    assert _queued(house, case, 2) is None
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    assert (stored.phase, stored.phase_seq) == ("sample.first", 1)
