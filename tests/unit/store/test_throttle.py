"""Counters with a window: the limit is exact, whoever comes at once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate.store import throttle
from tests.house import House, TurnedClock

_BUCKETS = sa.text("select bucket from throttle where practice_id = :practice")


@pytest.fixture
def bucket() -> str:
    return f"form|192.0.2.1|{uuid4().hex}"


def test_the_limit_is_exact_under_eight_threads(
    house: House, clock: TurnedClock, bucket: str
) -> None:
    def take(_: int) -> bool:
        with house.session() as session:
            return throttle.take(session, bucket, clock.now(), 10)

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(take, range(40))) == 10


def test_a_new_window_and_another_practice_count_from_nothing(
    house: House, clock: TurnedClock, bucket: str
) -> None:
    with house.session() as session:
        assert throttle.take(session, bucket, clock.now(), 1)
        assert not throttle.take(session, bucket, clock.now(), 1)
        assert throttle.take(session, bucket, clock.after(timedelta(hours=1)), 1)
    with house.session(house.other) as session:
        assert throttle.take(session, bucket, clock.now(), 1)


def test_a_limit_of_nothing_lets_nothing_pass(
    house: House, clock: TurnedClock, bucket: str
) -> None:
    with house.session() as session:
        assert not throttle.take(session, bucket, clock.now(), 0)


def test_what_is_given_back_can_be_used_again_and_no_more(
    house: House, clock: TurnedClock, bucket: str
) -> None:
    with house.session() as session:
        throttle.give_back(session, bucket, clock.now())
        assert throttle.take(session, bucket, clock.now(), 1)
        throttle.give_back(session, bucket, clock.now())
        throttle.give_back(session, bucket, clock.now())
        assert throttle.take(session, bucket, clock.now(), 1)
        assert not throttle.take(session, bucket, clock.now(), 1)


def test_what_is_rolled_back_was_not_used(house: House, clock: TurnedClock, bucket: str) -> None:
    with pytest.raises(ZeroDivisionError), house.session() as session:
        assert throttle.take(session, bucket, clock.now(), 1)
        raise ZeroDivisionError
    with house.session() as session:
        assert throttle.take(session, bucket, clock.now(), 1)


def test_the_bucket_s_name_is_not_stored(house: House, clock: TurnedClock, bucket: str) -> None:
    with house.session() as session:
        throttle.take(session, bucket, clock.now(), 1)
        stored = b"".join(bytes(row["bucket"]) for row in session.all(_BUCKETS))
    assert b"192.0.2.1" not in stored


def test_old_windows_are_forgotten_and_newer_ones_kept(
    house: House, clock: TurnedClock, bucket: str
) -> None:
    later = clock.after(timedelta(hours=1))
    with house.session() as session:
        throttle.take(session, bucket, clock.now(), 1)
        throttle.take(session, bucket, later, 1)
        throttle.forget(session, later)
        assert throttle.take(session, bucket, clock.now(), 1)
        assert not throttle.take(session, bucket, later, 1)
