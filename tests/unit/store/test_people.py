"""Staff, their sessions and API tokens."""

import os
from datetime import timedelta
from uuid import uuid4

import pytest
import sqlalchemy as sa

from cleargate.store import people
from cleargate.store.people import SignIn
from tests.house import House, TurnedClock

IDLE = timedelta(minutes=15)
SHIFT = timedelta(hours=8)

_LEAVE = sa.text(
    "update staff set active = false where practice_id = :practice and username = :name"
)


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
        people.keep(session, name, "Front Desk", "hash-1")
        member = people.by_username(session, name)
        assert member is not None
        assert people.by_id(session, member.id) == member
    with house.session(house.other) as session:
        assert people.by_username(session, name) is None
        assert people.by_id(session, member.id) is None


def test_the_same_name_twice_is_one_person_with_a_new_password(house: House) -> None:
    name = f"front-{uuid4().hex[:8]}"
    with house.session() as session:
        people.keep(session, name, "Front Desk", "hash-1")
        first = people.by_username(session, name)
        people.keep(session, name, "Front Office", "hash-2")
        second = people.by_username(session, name)
    assert first is not None
    assert second is not None
    assert second.id == first.id
    assert (second.name, second.password_hash) == ("Front Office", "hash-2")


def test_somebody_who_has_left_is_not_found(house: House) -> None:
    name = f"front-{uuid4().hex[:8]}"
    with house.session() as session:
        people.keep(session, name, "Front Desk", "hash-1")
        member = people.by_username(session, name)
        assert member is not None
        session.run(_LEAVE, name=name)
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
    with house.database.public() as connection:
        assert people.api_token(connection, token) is None


def test_an_api_token_names_its_practice(house: House, token: bytes) -> None:
    with house.database.public() as connection:
        people.keep_api_token(connection, token, house.practice, "desk tool")
        people.keep_api_token(connection, token, house.other, "stolen")
        assert people.api_token(connection, token) == (house.practice, "desk tool")
