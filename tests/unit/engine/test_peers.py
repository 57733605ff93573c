"""Peers are judged by one clock that only runs forward, whatever the others say of the time."""

from datetime import UTC, datetime, timedelta

import pytest

from cleargate.engine.peers import Peers

START = datetime(2030, 1, 7, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def _beat(number: int, turned: timedelta = timedelta(0)) -> datetime:
    return START + number * timedelta(seconds=2) + turned


def test_who_says_nothing_new_for_too_long_is_silent() -> None:
    peers = Peers(8.0)
    found = [peers.silent({"a": _beat(0), "b": _beat(each)}, 2.0 * each) for each in range(6)]
    assert found == [{}, {}, {}, {}, {}, {"a": _beat(0)}]


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_jump_of_the_database_s_clock_kills_nobody(jump: timedelta) -> None:
    peers = Peers(8.0)
    for each in range(20):
        turned = jump if each > 10 else timedelta(0)
        assert not peers.silent({"a": _beat(each, turned)}, 2.0 * each)


@pytest.mark.parametrize("stamp", [START + HOUR, START - HOUR])
def test_a_dead_one_is_found_in_time_although_its_last_word_is_an_hour_off(
    stamp: datetime,
) -> None:
    peers = Peers(8.0)
    silent_at = next(each for each in range(99) if peers.silent({"a": stamp}, 2.0 * each))
    assert silent_at == 5


def test_whoever_could_not_look_gives_the_others_time_to_speak() -> None:
    """The database was away for a minute: nobody could say anything."""
    peers = Peers(8.0)
    assert not peers.silent({"a": START}, 0.0)
    assert not peers.silent({"a": START}, 60.0)
    assert not peers.silent({"a": START}, 67.0)
    assert peers.silent({"a": START}, 69.0)


def test_who_is_gone_is_forgotten() -> None:
    peers = Peers(8.0)
    peers.silent({"a": START}, 0.0)
    assert not peers.silent({}, 4.0)
    assert not peers.silent({"a": START}, 8.5), "a new one of that name begins anew"
