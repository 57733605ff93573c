"""Outages: a few failures in a row, one question let through at a time, and the end of it."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from cleargate.store import inquiries, outages
from cleargate.store.inquiries import NewInquiry
from cleargate.store.outages import EVERYBODY, FAILURES_MIN, PROBE, Outage
from tests.house import House, TurnedClock, open_case
from tests.trail import TRAIL

THERE = ("clearinghouse", "sample")


@pytest.fixture(autouse=True)
def _no_outage(house: House) -> Iterator[None]:
    yield
    with house.session() as session:
        session.run(sa.text("delete from outages where practice_id = :practice"))


def _fail(house: House, clock: TurnedClock, times: int, payer: str = "sample") -> None:
    for _ in range(times):
        with house.session() as session:
            outages.failed(session, "clearinghouse", payer, clock.now())
            outages.keep_away(session, "clearinghouse", payer, clock.after(timedelta(minutes=5)))


def _away(house: House, clock: TurnedClock, payer: str = "sample"):
    with house.session() as session:
        return outages.keep_away_until(session, "clearinghouse", payer, clock.now())


def test_a_few_failures_keep_nobody_away(house: House, clock: TurnedClock) -> None:
    _fail(house, clock, FAILURES_MIN - 1)
    assert _away(house, clock) is None


def test_in_an_outage_one_question_is_let_through_when_it_is_time(
    house: House, clock: TurnedClock
) -> None:
    _fail(house, clock, FAILURES_MIN)
    assert _away(house, clock) == clock.now() + timedelta(minutes=5)
    clock.turn(timedelta(minutes=5))
    assert _away(house, clock) is None
    assert _away(house, clock) == clock.now() + PROBE, "the others wait for what it finds out"
    clock.turn(PROBE)
    assert _away(house, clock) is None, "it died on its way"


def test_an_answer_ends_it_and_the_count_begins_anew(house: House, clock: TurnedClock) -> None:
    _fail(house, clock, FAILURES_MIN)
    with house.session() as session:
        outages.answered(session, *THERE)
    _fail(house, clock, FAILURES_MIN - 1)
    assert _away(house, clock) is None


def test_a_payer_s_outage_is_not_its_neighbour_s(house: House, clock: TurnedClock) -> None:
    _fail(house, clock, FAILURES_MIN)
    assert _away(house, clock, "other") is None


def test_a_clearinghouse_that_is_down_keeps_everybody_away(
    house: House, clock: TurnedClock
) -> None:
    _fail(house, clock, FAILURES_MIN, EVERYBODY)
    assert _away(house, clock, "other") is not None


def test_the_desk_is_told_once_while_somebody_waits(house: House, clock: TurnedClock) -> None:
    begun = clock.now()
    _fail(house, clock, FAILURES_MIN)
    with house.session() as session:
        assert outages.standing(session) == [], "nobody waits for it"
        for _ in range(2):
            case = open_case(session, clock.now())
            new = NewInquiry(
                1, 1, "sample", "Sample Payer", "clearinghouse", "EX001", date(2030, 1, 7)
            )
            inquiries.add(session, case, new)
        assert outages.standing(session) == [Outage("clearinghouse", "Sample Payer", begun, 2)]


def test_beginning_and_end_are_on_the_trail(house: House, clock: TurnedClock) -> None:
    _fail(house, clock, FAILURES_MIN + 2)
    with house.session() as session:
        outages.answered(session, *THERE)
        rows = session.all(
            sa.text(
                f"select type, code from {TRAIL}"
                " where practice_id = :practice"
                " and type like 'outage.%' order by recorded desc limit 2"
            )
        )
    assert [tuple(row.values()) for row in rows] == [
        ("outage.end", "sample"),
        ("outage.begin", "sample"),
    ]
