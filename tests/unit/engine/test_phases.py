"""What runs a phase to its ending: whatever happens, the case has something to come."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from cleargate import logs
from cleargate.engine.endings import AtGate, Closed, Ending, Later, NeedsPerson, Next
from cleargate.engine.phases import Engine
from cleargate.engine.run import PATIENCE, Run, Write
from cleargate.nouns.case import Case, CaseState
from cleargate.nouns.errors import ErrorKind
from cleargate.nouns.gate import Choice, Gate, GateReason
from cleargate.nouns.ids import CaseId
from cleargate.store import cases, gates, leases
from cleargate.store.database import Overtaken
from cleargate.store.queue import start_phase
from tests.house import House, TurnedClock, open_case
from tests.postgres import connect
from tests.unit.engine.vendor import Vendor, failure

PHASE = "sample.first"
GATE = Gate(GateReason.NO_OPENING, "tip", (), (Choice.ASK_AGAIN,), PHASE)

Procedure = Callable[[Run[None]], Ending]


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now(), phase=PHASE)


def _engine(house: House, clock: TurnedClock, procedure: Procedure) -> Engine[None]:
    def gate_for(needs: NeedsPerson, _case: Case, phase: str) -> Gate:
        return Gate(needs.reason, "tip", (), (Choice.ASK_AGAIN,), phase)

    return Engine(
        database=house.database,
        clock=clock,
        practices=lambda _: None,
        procedures={PHASE: procedure},
        last_moment=lambda *_: clock.after(timedelta(hours=24)),
        gate_for=gate_for,
    )


def _reasons(house: House, case: CaseId) -> list[GateReason]:
    with house.session() as session:
        return [each.gate.reason for each in gates.of_case(session, case) if each.open]


def _stored(house: House, case: CaseId) -> Case:
    with house.session() as session:
        stored = cases.get(session, case)
    assert stored is not None
    return stored


def test_a_procedure_s_ending_is_kept(house: House, clock: TurnedClock, case: CaseId) -> None:
    engine = _engine(house, clock, lambda _: Closed(CaseState.DONE))
    engine.run_phase(PHASE, house.practice, case, 1)
    assert _stored(house, case).state is CaseState.DONE


def test_a_phase_whose_number_is_past_does_nothing(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    with house.session() as session:
        start_phase(session, case, PHASE)
    engine = _engine(house, clock, lambda _: Closed(CaseState.DONE))
    engine.run_phase(PHASE, house.practice, case, 1)
    assert _stored(house, case).state is CaseState.OPEN


def test_a_phase_that_was_killed_after_it_opened_a_gate_does_nothing_when_run_again(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    """The engine had not noted yet that the phase was over."""
    _engine(house, clock, lambda _: AtGate(GATE)).run_phase(PHASE, house.practice, case, 1)
    again = _engine(house, clock, lambda _: Closed(CaseState.DONE))
    again.run_phase(PHASE, house.practice, case, 1)
    assert _stored(house, case).state is CaseState.OPEN
    with house.session() as session:
        assert [each.version for each in gates.of_case(session, case)] == [1]


def test_a_long_wait_queues_the_same_phase_again(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    due = clock.after(timedelta(minutes=5))

    def later(_: Run[None]) -> Ending:
        raise Later(due, "again:ehr")

    _engine(house, clock, later).run_phase(PHASE, house.practice, case, 1)
    stored = _stored(house, case)
    assert (stored.phase, stored.due, stored.note) == (PHASE, due, "again:ehr")


def test_a_refusal_becomes_a_gate(house: House, clock: TurnedClock, case: CaseId) -> None:
    vendor = Vendor(failures=[failure(ErrorKind.REJECTED)])

    def refused(run: Run[None]) -> Ending:
        run.write(Write("book", "ehr", vendor.send, vendor.look))
        return Closed(CaseState.DONE)

    _engine(house, clock, refused).run_phase(PHASE, house.practice, case, 1)
    assert _reasons(house, case) == [GateReason.VENDOR_REFUSED]


def test_a_bug_of_ours_becomes_a_gate_and_a_log_line_without_its_message(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    def broken(_: Run[None]) -> Ending:
        raise ValueError("Toni Testperson")

    with capture_logs() as lines:
        _engine(house, clock, broken).run_phase(PHASE, house.practice, case, 1)
    assert _reasons(house, case) == [GateReason.PROGRAM_ERROR]
    told = [logs.allowed(line) for line in lines if line["event"] != "audit"]
    assert [line["error"] for line in told] == ["ValueError"]
    assert "Testperson" not in str(told)


def test_a_phase_that_nobody_registered_becomes_a_gate(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case = open_case(session, clock.now(), phase="sample.unheard_of")
    engine = _engine(house, clock, lambda _: Closed(CaseState.DONE))
    with capture_logs():
        engine.run_phase("sample.unheard_of", house.practice, case, 1)
    assert _reasons(house, case) == [GateReason.PROGRAM_ERROR]


def test_a_statement_that_the_database_refuses_is_a_bug_of_ours(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    """It would fail every time: the case stops at a gate instead of being mended for ever."""

    def no_such_text(run: Run[None]) -> Ending:
        with run.commit() as session:
            start_phase(session, case, "\x00")
        return Closed(CaseState.DONE)

    with capture_logs():
        _engine(house, clock, no_such_text).run_phase(PHASE, house.practice, case, 1)
    assert _reasons(house, case) == [GateReason.PROGRAM_ERROR]


def test_a_database_that_goes_away_is_waited_for(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    """Its sessions are ended under the phase, and it lets nobody in for a moment."""
    runs = 0

    def ended_once(run: Run[None]) -> Ending:
        nonlocal runs
        runs += 1
        if runs == 1:
            _restart(house)
        with run.commit():
            return Closed(CaseState.DONE)

    with house.process("waiting-worker") as database:
        with database.public() as connection:
            leases.start(connection, "waiting-worker")
        engine = replace(_engine(house, clock, ended_once), database=database)
        engine.run_phase(PHASE, house.practice, case, 1)
    assert runs == 2
    assert _stored(house, case).state is CaseState.DONE


def _restart(house: House) -> None:
    """End every session of the app role, as a restart of the server does."""
    with connect(house.app_url) as app:
        app.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = current_database() and pid <> pg_backend_pid()"
            " and usename = current_user"
        )


def test_a_worker_without_its_lease_writes_nothing(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    with house.process(executor="nobody-knows-me") as fenced:
        engine = _engine(house, clock, lambda _: Closed(CaseState.DONE))
        overtaken = Engine(
            fenced,
            clock,
            engine.practices,
            engine.procedures,
            engine.last_moment,
            engine.gate_for,
        )
        with pytest.raises(Overtaken):
            overtaken.run_phase(PHASE, house.practice, case, 1)
    assert _stored(house, case).state is CaseState.OPEN


def test_a_phase_that_must_stop_is_queued_again_a_moment_later(
    house: House, clock: TurnedClock, case: CaseId
) -> None:
    vendor = Vendor()

    def asks(run: Run[None]) -> Ending:
        run.read("find", "ehr", vendor.answer)
        return Next("sample.second")

    engine = _engine(house, clock, asks)
    engine.run_phase(PHASE, house.practice, case, 1, stop_at=clock.now())
    stored = _stored(house, case)
    assert (stored.phase, stored.due, stored.phase_seq) == (PHASE, clock.after(PATIENCE), 2)
