"""Links for patients: unguessable, stored as a hash, and over one day."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from cleargate.nouns.ids import CaseId
from cleargate.store import links
from cleargate.store.links import LinkPurpose
from tests.house import House, TurnedClock, open_case

DAY = timedelta(days=1)

_HASHES = sa.text("select token_hash from links where practice_id = :practice")


@pytest.fixture
def case(house: House, clock: TurnedClock) -> CaseId:
    with house.session() as session:
        return open_case(session, clock.now())


def test_a_link_opens_its_case_for_its_purpose_only(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    with house.session() as session:
        token = links.make(session, case, LinkPurpose.RECEIPT, clock.after(DAY))
        link = links.find(session, token, clock.now())
        assert links.find(session, token + "x", clock.now()) is None
    assert link is not None
    assert (link.case, link.purpose, link.tries) == (case, LinkPurpose.RECEIPT, 0)


def test_a_link_ends(house: House, case: CaseId, clock: TurnedClock) -> None:
    with house.session() as session:
        token = links.make(session, case, LinkPurpose.RECEIPT, clock.after(DAY))
        clock.turn(DAY - timedelta(microseconds=1))
        assert links.find(session, token, clock.now()) is not None
        clock.turn(timedelta(microseconds=1))
        assert links.find(session, token, clock.now()) is None


def test_only_a_hash_of_a_token_is_stored(house: House, case: CaseId, clock: TurnedClock) -> None:
    with house.session() as session:
        token = links.make(session, case, LinkPurpose.RECEIPT, clock.after(DAY))
        stored = [bytes(row["token_hash"]) for row in session.all(_HASHES)]
    assert links.token_hash(token) in stored
    assert token.encode() not in stored
    assert len(token) >= 43, "256 random bits"


def test_another_practice_cannot_open_it(house: House, case: CaseId, clock: TurnedClock) -> None:
    with house.session() as session:
        token = links.make(session, case, LinkPurpose.RECEIPT, clock.after(DAY))
    with house.session(house.other) as session:
        assert links.find(session, token, clock.now()) is None


def test_wrong_answers_are_counted(house: House, case: CaseId, clock: TurnedClock) -> None:
    with house.session() as session:
        token = links.make(session, case, LinkPurpose.RECEIPT, clock.after(DAY))
        for _ in range(links.TRIES_MAX):
            links.count_wrong_answer(session, token)
        link = links.find(session, token, clock.now())
    assert link is not None
    assert link.tries == links.TRIES_MAX


def test_a_derived_token_can_be_made_again_and_differs_by_case_and_purpose(
    house: House, case: CaseId, clock: TurnedClock
) -> None:
    with house.session() as session:
        other = open_case(session, clock.now())
        tokens = [
            links.derived_token(session, each, purpose)
            for each in (case, other)
            for purpose in LinkPurpose
        ]
        assert len(set(tokens)) == len(tokens) == 2 * len(LinkPurpose)
        assert links.derived_token(session, case, LinkPurpose.RECEIPT) == tokens[0]
        links.keep(session, case, LinkPurpose.RECEIPT, tokens[0], clock.after(DAY))
        links.keep(session, case, LinkPurpose.RECEIPT, tokens[0], clock.after(2 * DAY))
        assert links.find(session, tokens[0], clock.now()) is not None
