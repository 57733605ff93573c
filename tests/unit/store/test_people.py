"""Staff, their sessions and people who left."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest

from cleargate.store import people, staff
from cleargate.store.people import SignIn
from tests.house import House, TurnedClock

IDLE = timedelta(minutes=15)
SHIFT = timedelta(hours=8)


@pytest.fixture
def token() -> bytes:
    """The hash of a session's or an API's token."""
    return os.urandom(32)


@pytest.fixture
def sign_in(house: House, clock: TurnedClock, token: bytes) -> SignIn:
    """A session that was opened just now."""
    new = SignIn(house.practice, uuid4(), "csrf", clock.now(), clock.after(SHIFT))
    with house.database.public() as connection:
        people.sign_in(connection, token, new)
    return new


def _seen(house: House, token: bytes, clock: TurnedClock) -> SignIn | None:
    with house.database.public() as connection:
        return people.seen(connection, token, clock.now(), clock.now() - IDLE)


def test_a_staff_member_is_known_in_one_practice_only(house: House) -> None:
    name = f"front-{uuid4().hex[:8]}"
    with house.session() as session:
        staff.add(session, name, "Front Desk", "hash-1")
        member = people.by_username(session, name)
        assert member is not None
        assert people.by_id(session, member.id) == member
    with house.session(house.other) as session:
        assert people.by_username(session, name) is None
        assert people.by_id(session, member.id) is None


def test_a_user_name_is_one_persons_for_good(house: House) -> None:
    name = f"front-{uuid4().hex[:8]}"
    with house.session() as session:
        first = staff.add(session, name, "Front Desk", "hash-1")
        assert first is not None
        assert staff.add(session, name, "Front Office", "hash-2") is None
        assert staff.leave(session, first)
        assert not staff.leave(session, first)
        assert staff.add(session, name, "Front Office", "hash-2") is None
        assert not staff.set_password(session, first, "hash-3")
        assert people.by_username(session, name) is None
        assert staff.come_back(session, first, "hash-4")
        assert not staff.come_back(session, first, "hash-5")
        member = people.by_username(session, name)
    assert member is not None
    assert (member.id, member.name, member.password_hash) == (first, "Front Desk", "hash-4")


def test_somebody_who_has_left_is_not_found(house: House) -> None:
    name = f"front-{uuid4().hex[:8]}"
    with house.session() as session:
        staff.add(session, name, "Front Desk", "hash-1")
        member = people.by_username(session, name)
        assert member is not None
        staff.leave(session, member.id)
        assert people.by_username(session, name) is None
        assert people.by_id(session, member.id) is None


def test_a_session_holds_until_its_end(
    house: House, clock: TurnedClock, token: bytes, sign_in: SignIn
) -> None:
    end = sign_in.expires
    while clock.now() < end - IDLE / 2:
        assert _seen(house, token, clock) is not None
        clock.turn(IDLE / 2)
    clock.turn(end - clock.now())
    assert _seen(house, token, clock) is None


def test_a_session_that_was_idle_is_over(
    house: House, clock: TurnedClock, token: bytes, sign_in: SignIn
) -> None:
    clock.turn(IDLE - timedelta(seconds=1))
    seen = _seen(house, token, clock)
    assert seen is not None
    assert (seen.practice, seen.staff, seen.csrf) == (sign_in.practice, sign_in.staff, "csrf")
    clock.turn(IDLE)
    assert _seen(house, token, clock) is None


def test_signing_out_ends_it_at_once(
    house: House, clock: TurnedClock, token: bytes, sign_in: SignIn
) -> None:
    with house.database.public() as connection:
        people.sign_out(connection, token)
    assert _seen(house, token, clock) is None


def test_an_unknown_token_opens_nothing(house: House, clock: TurnedClock, token: bytes) -> None:
    assert _seen(house, token, clock) is None


def test_every_session_of_a_member_ends_but_the_one_that_is_kept(
    house: House, clock: TurnedClock
) -> None:
    member, other, tokens = uuid4(), uuid4(), [os.urandom(32) for _ in range(4)]
    with house.database.public() as connection:
        for owner, token in zip((member, member, member, other), tokens, strict=True):
            new = SignIn(house.practice, owner, "csrf", clock.now(), clock.after(SHIFT))
            people.sign_in(connection, token, new)
    with house.session() as session:
        assert people.sign_out_everywhere(session, member, but=tokens[0]) == 2
    assert [_seen(house, each, clock) is not None for each in tokens] == [True, False, False, True]
