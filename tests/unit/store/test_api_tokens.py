"""API tokens: of one practice, known when they are revoked."""

import os
from uuid import uuid4

from cleargate.store import api_tokens
from tests.house import House, TurnedClock


def test_an_unknown_token_is_nobodys(house: House) -> None:
    with house.database.public() as connection:
        assert api_tokens.find(connection, os.urandom(32)) is None


def test_a_token_names_its_practice_for_good(house: House) -> None:
    token = os.urandom(32)
    for practice, name in ((house.practice, "desk-tool"), (house.other, "stolen")):
        with house.session(practice) as session:
            api_tokens.keep(session, token, name)
    with house.database.public() as connection:
        found = api_tokens.find(connection, token)
    assert found is not None
    assert (found.practice, found.name, found.revoked) == (house.practice, "desk-tool", None)


def test_a_revoked_token_is_still_known_and_the_other_practices_goes_on(
    house: House, clock: TurnedClock
) -> None:
    name, tokens = uuid4().hex, {house.practice: os.urandom(32), house.other: os.urandom(32)}
    for practice, token in tokens.items():
        with house.session(practice) as session:
            api_tokens.keep(session, token, name)
    with house.session() as session:
        assert api_tokens.revoke(session, name, clock.now()) == 1
        assert api_tokens.revoke(session, name, clock.now()) == 0
        [listed] = [each for each in api_tokens.all_of(session) if each.name == name]
        assert listed.revoked == clock.now()
    with house.database.public() as connection:
        found = [api_tokens.find(connection, token) for token in tokens.values()]
    assert [each is not None and each.revoked is None for each in found] == [False, True]
