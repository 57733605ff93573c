"""Effects: kept before the bytes leave, so that a crash leaves a question and not a gap."""

import pytest

from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.ids import CaseId, Ref
from cleargate.store import effects
from tests.house import House, TurnedClock, open_case

RECEIPT = Receipt("vendor-1", Outcome.CREATED, "v1")


@pytest.fixture
def ref(house: House, clock: TurnedClock) -> Ref:
    with house.session() as session:
        return Ref(open_case(session, clock.now()), "book")


def _begin(house: House, ref: Ref, clock: TurnedClock) -> int:
    with house.session() as session:
        return effects.begin(session, ref, "ehr", clock.now())


def _done(house: House, case: CaseId) -> Receipt | None:
    with house.session() as session:
        return effects.done(session, case, "book")


def test_a_first_send_is_in_no_doubt(house: House, ref: Ref, clock: TurnedClock) -> None:
    assert _begin(house, ref, clock) == 0
    assert _done(house, ref.case) is None


def test_every_send_without_a_receipt_is_one_more_doubt(
    house: House, ref: Ref, clock: TurnedClock
) -> None:
    assert [_begin(house, ref, clock) for _ in range(3)] == [0, 1, 2]


def test_a_send_that_surely_did_nothing_is_no_doubt_but_older_ones_remain(
    house: House, ref: Ref, clock: TurnedClock
) -> None:
    _begin(house, ref, clock)
    with house.session() as session:
        effects.unsent(session, ref)
    assert _begin(house, ref, clock) == 0
    assert _begin(house, ref, clock) == 1
    with house.session() as session:
        effects.unsent(session, ref)
    assert _begin(house, ref, clock) == 1


def test_a_receipt_is_kept_sealed_and_found_by_step_in_any_generation(
    house: House, ref: Ref, clock: TurnedClock
) -> None:
    _begin(house, ref, clock)
    with house.session() as session:
        effects.finish(session, ref, RECEIPT, clock.now())
    assert _done(house, ref.case) == RECEIPT
    newer = Ref(ref.case, "book", 2)
    assert _begin(house, newer, clock) == 0
    assert _done(house, ref.case) == RECEIPT


def test_what_was_taken_back_is_not_done_and_may_be_done_again(
    house: House, ref: Ref, clock: TurnedClock
) -> None:
    _begin(house, ref, clock)
    with house.session() as session:
        effects.finish(session, ref, RECEIPT, clock.now())
        effects.undo(session, ref.case, "other_step")
    assert _done(house, ref.case) == RECEIPT
    with house.session() as session:
        effects.undo(session, ref.case, "book")
    assert _done(house, ref.case) is None
    newer = Ref(ref.case, "book", 2)
    assert _begin(house, newer, clock) == 0
    with house.session() as session:
        effects.finish(session, newer, Receipt("vendor-2", Outcome.CREATED), clock.now())
    done = _done(house, ref.case)
    assert done is not None
    assert done.id == "vendor-2"
