"""What docs/incidents.md tells people to type into the database does what it says."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher

from cleargate.people import sign_in
from cleargate.people.sign_in import SignedIn
from cleargate.store import links, people
from cleargate.store.links import LinkPurpose, token_hash
from tests.house import House, open_case

PAGE = Path(__file__).parents[2] / "docs" / "incidents.md"
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8").replace("\n   ", "\n"), re.S)
NOW = datetime(2027, 3, 1, 15, tzinfo=UTC)
PASSWORD = "a sample and nobody's"


def typed(house: House, holding: str, **values: str) -> None:
    """Type the one block that holds these words, as the owner, with the values filled in."""
    [block] = [each for each in STATEMENTS if holding in each]
    with house.owner() as owner:
        for name, value in {"SLUG": "sample-clinic", **values}.items():
            assert f"'{name}'" in block, f"{name} in {block}"
            block = block.replace(f"'{name}'", f"'{value}'")
        owner.execute(block.encode())


@pytest.fixture
def member(house: House) -> None:
    with house.session() as session:
        people.keep(session, "sample", "Sample Staff", PasswordHasher().hash(PASSWORD))


def enter(house: House, password: str = PASSWORD) -> str | None:
    return sign_in.sign_in(house.database, house.practice, "sample", password, NOW)


def who(house: House, token: str) -> SignedIn | None:
    return sign_in.signed_in(house.database, house.practice, token, NOW)


def test_a_stolen_password_opens_nothing_and_a_new_one_does(house: House, member: None) -> None:
    token = enter(house)
    assert token is not None
    assert who(house, token) is not None
    typed(house, "delete from sign_ins", USERNAME="sample")
    assert who(house, token) is None
    assert enter(house) is None
    changed = PasswordHasher().hash("another one")
    typed(house, "active = true", USERNAME="sample", HASH=changed)
    assert enter(house) is None
    assert who(house, token) is None
    assert enter(house, "another one") is not None


def test_an_api_token_is_taken_away_and_another_one_made(house: House) -> None:
    with house.database.public() as connection:
        people.keep_api_token(connection, token_hash("leaked"), house.practice, "sample")
        people.keep_api_token(connection, token_hash("other"), house.other, "sample")
    typed(house, "delete from api_tokens", NAME="sample")
    digest = hashlib.sha256(b"new").hexdigest()
    typed(house, "insert into api_tokens", NAME="sample", HASH=digest)
    with house.database.public() as connection:
        assert people.api_token(connection, token_hash("leaked")) is None
        assert people.api_token(connection, token_hash("new")) == (house.practice, "sample")
        assert people.api_token(connection, token_hash("other")) is not None


def test_a_patient_s_links_end(house: House) -> None:
    now = datetime.now(UTC)
    with house.session() as session:
        case = open_case(session, now)
        token = links.make(session, case, LinkPurpose.RECEIPT, now + timedelta(days=7))
    typed(house, "update links", CASE=str(case))
    with house.session() as session:
        assert links.find(session, token, now + timedelta(seconds=5)) is None
