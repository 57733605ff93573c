"""What docs/incidents.md tells people to type does what it says."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner

from cleargate.__main__ import app
from cleargate.nouns.ids import PracticeId
from cleargate.people import sign_in
from cleargate.people.sign_in import SignedIn
from cleargate.store import api_tokens, links, staff
from cleargate.store.links import LinkPurpose, token_hash
from tests.house import House, open_case
from tests.web.installation import read_profiles

PAGE = Path(__file__).parents[2] / "docs" / "incidents.md"
STATEMENTS = re.findall(r"```sql\n(.*?)```", PAGE.read_text("utf-8").replace("\n   ", "\n"), re.S)
NOW = datetime(2027, 3, 1, 15, tzinfo=UTC)
PASSWORD = "a sample and nobody's"
ANOTHER = "three otters under glass"


def typed(house: House, holding: str, **values: str) -> None:
    """Type the one block that holds these words, as the owner, with the values filled in."""
    [block] = [each for each in STATEMENTS if holding in each]
    with house.owner() as owner:
        for name, value in {"SLUG": "sample-clinic", **values}.items():
            assert f"'{name}'" in block, f"{name} in {block}"
            block = block.replace(f"'{name}'", f"'{value}'")
        owner.execute(block.encode())


@pytest.fixture
def environment(house: House, tmp_path: Path) -> Mapping[str, str]:
    """What the processes of the installation have, and whoever types a command."""
    read_profiles(tmp_path)
    return {
        "CLEARGATE_DATABASE_URL": house.app_url,
        "CLEARGATE_KEY_FILE": str(house.key_file),
        "CLEARGATE_PRACTICES": str(tmp_path),
    }


def typed_command(environment: Mapping[str, str], command: str, password: str = "") -> str:
    """Type a command of the page, with the values filled in; gives what it printed."""
    told = command.replace("sample-clinic", "SLUG").replace("--password-stdin", "").split()
    told[3] = "NAME" if told[1] == "token" else "USERNAME"
    assert " ".join(told) in PAGE.read_text("utf-8")
    words = command.split()[1:]
    done = CliRunner().invoke(app, words, input=password, env=dict(environment))
    assert done.exit_code == 0, done.output
    return done.output


def enter(house: House, password: str = PASSWORD) -> str | None:
    return sign_in.sign_in(house.database, house.practice, "sample", password, NOW)


def who(house: House, token: str) -> SignedIn | None:
    return sign_in.signed_in(house.database, house.practice, token, NOW)


def test_a_stolen_password_opens_nothing_and_a_new_one_does(
    house: House, environment: Mapping[str, str]
) -> None:
    with house.session() as session:
        staff.add(session, "sample", "Sample Staff", PasswordHasher().hash(PASSWORD))
    token = enter(house)
    assert token is not None
    assert who(house, token) is not None
    typed_command(environment, "cleargate staff leave sample --practice sample-clinic")
    assert who(house, token) is None
    assert enter(house) is None
    again = "cleargate staff add sample --practice sample-clinic --again --password-stdin"
    typed_command(environment, again, f"{ANOTHER}\n")
    assert enter(house) is None
    assert who(house, token) is None
    assert enter(house, ANOTHER) is not None


def test_an_api_token_is_taken_away_and_another_one_made(
    house: House, environment: Mapping[str, str]
) -> None:
    def practice_of(token: str) -> PracticeId | None:
        with house.database.public() as connection:
            found = api_tokens.find(connection, token_hash(token))
        return found.practice if found and not found.revoked else None

    add = "cleargate token add billing --practice sample-clinic"
    leaked = typed_command(environment, add).splitlines()[-1]
    assert practice_of(leaked) == house.practice
    typed_command(environment, "cleargate token revoke billing --practice sample-clinic")
    assert practice_of(leaked) is None
    assert practice_of(typed_command(environment, add).splitlines()[-1]) == house.practice


def test_a_patient_s_links_end(house: House) -> None:
    now = datetime.now(UTC)
    with house.session() as session:
        case = open_case(session, now)
        token = links.make(session, case, LinkPurpose.RECEIPT, now + timedelta(days=7))
    typed(house, "update links", CASE=str(case))
    with house.session() as session:
        assert links.find(session, token, now + timedelta(seconds=5)) is None
