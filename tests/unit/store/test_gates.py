"""Gates: one open per case, decided once, on the evidence that the person saw."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision, Fact, Gate, GateReason, Offer
from cleargate.nouns.ids import CaseId, GateId
from cleargate.store import cases, gates
from cleargate.store.database import Session
from cleargate.store.gates import AlreadyDecided, EvidenceChanged
from tests.house import House, TurnedClock, open_case
from tests.postgres import until

GATE = Gate(
    reason=GateReason.LOOKALIKE_PATIENT,
    tip="Compare the records.",
    facts=(Fact("Similar records", "1"),),
    choices=(Choice.USE_EXISTING, Choice.CREATE_NEW, Choice.DECLINE),
    phase="sample.first",
    offers=(Offer("p-1", "Toni Testperson"),),
)

_EVENTS = sa.text(
    "select type from audit_events where practice_id = :practice and entity_id = :gate"
    " order by recorded"
)
_WAITERS = sa.text("select count(*) from pg_stat_activity where wait_event_type = 'Lock'")


def _at_gate(session: Session, clock: TurnedClock) -> tuple[CaseId, GateId]:
    case = open_case(session, clock.now())
    gate = gates.open_gate(session, case, GATE, clock.now())
    cases.stop_at_gate(session, case)
    return case, gate


def _decline(version: int = 1) -> Decision:
    return Decision(Choice.DECLINE, version)


def test_an_open_gate_shows_its_evidence(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        before = gates.count_open(session)
        case, gate = _at_gate(session, clock)
    with house.session() as session:
        [stored] = gates.of_case(session, case)
        assert stored in gates.list_open(session)
        assert gates.count_open(session) == before + 1
    assert (stored.id, stored.gate, stored.version, stored.open) == (gate, GATE, 1, True)
    assert stored.opened == clock.now()


def test_newer_evidence_renews_the_one_open_gate(house: House, clock: TurnedClock) -> None:
    newer = replace(GATE, facts=(Fact("Similar records", "2"),))
    with house.session() as session:
        case, gate = _at_gate(session, clock)
        assert gates.open_gate(session, case, newer, clock.now()) == gate
    with house.session() as session:
        [stored] = gates.of_case(session, case)
        events = [row["type"] for row in session.all(_EVENTS, gate=str(gate))]
    assert (stored.gate, stored.version) == (newer, 2)
    assert events == ["gate.open", "gate.renew"]


def test_a_decision_is_kept_with_who_and_when(house: House, clock: TurnedClock) -> None:
    decision = Decision(Choice.USE_EXISTING, 1, "p-1", "same phone")
    with house.session() as session:
        case, gate = _at_gate(session, clock)
        assert gates.decide(session, gate, decision, actor="staff", now=clock.now()) is not None
    with house.session() as session:
        [stored] = gates.of_case(session, case)
        events = [row["type"] for row in session.all(_EVENTS, gate=str(gate))]
    assert (stored.open, stored.choice, stored.decided_by) == (False, decision.choice, "staff")
    assert stored.decided == clock.now()
    assert events == ["gate.open", "gate.decide"]


def test_a_decision_on_older_evidence_is_refused(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case, gate = _at_gate(session, clock)
        gates.open_gate(session, case, GATE, clock.now())
    with house.session() as session, pytest.raises(EvidenceChanged):
        gates.decide(session, gate, _decline(version=1), actor="staff", now=clock.now())
    with house.session() as session:
        assert gates.decide(session, gate, _decline(2), actor="staff", now=clock.now())


@pytest.mark.parametrize(
    "decision",
    [
        Decision(Choice.SELF_PAY, 1),
        Decision(Choice.USE_EXISTING, 1, "p-2"),
        Decision(Choice.USE_EXISTING, 1),
    ],
    ids=["choice not offered", "offer not made", "no offer named"],
)
def test_only_what_the_gate_offers_can_be_decided(
    house: House, clock: TurnedClock, decision: Decision
) -> None:
    with house.session() as session:
        case, gate = _at_gate(session, clock)
    with house.session() as session, pytest.raises(Refused):
        gates.decide(session, gate, decision, actor="staff", now=clock.now())
    with house.session() as session:
        assert gates.of_case(session, case)[0].open


def test_there_is_no_deciding_a_gate_that_is_not_there(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        unknown = GateId(uuid4())
        assert gates.decide(session, unknown, _decline(), actor="x", now=clock.now()) is None


def test_of_two_decisions_at_once_one_counts(house: House, clock: TurnedClock) -> None:
    """The first holds the gate while the second has already begun."""
    with house.session() as session:
        case, gate = _at_gate(session, clock)

    def decide_too() -> None:
        with house.session() as session:
            gates.decide(session, gate, _decline(), actor="second", now=clock.now())

    with ThreadPoolExecutor(1) as pool:
        with house.session() as session:
            gates.decide(session, gate, _decline(), actor="first", now=clock.now())
            second = pool.submit(decide_too)
            until(lambda: _waiters(house) > 0, "the second decision does not wait")
        with pytest.raises(AlreadyDecided):
            second.result(timeout=20)
    with house.session() as session:
        assert gates.of_case(session, case)[0].decided_by == "first"


def test_a_withdrawal_and_a_decision_at_once_do_not_block_each_other(
    house: House, clock: TurnedClock
) -> None:
    """Both hold the case before the gate; in different orders they would be a deadlock."""
    with house.session() as session:
        case, gate = _at_gate(session, clock)

    def decide_and_move_on() -> None:
        with house.session() as session:
            gates.decide(session, gate, _decline(), actor="staff", now=clock.now())
            cases.lock(session, case)

    with ThreadPoolExecutor(1) as pool:
        with house.session() as session:
            cases.lock(session, case)
            decision = pool.submit(decide_and_move_on)
            until(lambda: _waiters(house) > 0, "the decision does not wait")
            gates.drop(session, case, actor="patient", now=clock.now())
        with pytest.raises(AlreadyDecided):
            decision.result(timeout=20)


def test_a_dropped_gate_is_on_the_trail_and_a_case_without_one_is_left_alone(
    house: House, clock: TurnedClock
) -> None:
    with house.session() as session:
        case, gate = _at_gate(session, clock)
        gates.drop(session, case, actor="patient", now=clock.now())
        gates.drop(session, case, actor="patient", now=clock.now())
        events = [row["type"] for row in session.all(_EVENTS, gate=str(gate))]
        assert not gates.of_case(session, case)[0].open
    assert events == ["gate.open", "gate.drop"]


def test_a_case_can_come_to_a_second_gate_after_the_first(house: House, clock: TurnedClock) -> None:
    with house.session() as session:
        case, gate = _at_gate(session, clock)
        gates.decide(session, gate, _decline(), actor="staff", now=clock.now())
        second = gates.open_gate(session, case, GATE, clock.now())
    assert second != gate


def _waiters(house: House) -> int:
    with house.database.public() as connection:
        return int(connection.execute(_WAITERS).scalar_one())
