"""Field encryption: what was sealed for one place opens there and nowhere else."""

import hmac
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.store import practices
from cleargate.store.crypto import HEADER_BYTES, Keys, Sealer, header
from cleargate.store.database import Database
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from tests.house import House

PRACTICE = PracticeId(UUID(int=1))
ROW = UUID(int=2)
KEYS = Keys.opened({1: bytes(32), 2: bytes([7]) * 32})
SEALER = Sealer(PRACTICE, KEYS)

_KEY_COUNT = sa.text("select count(*) from data_keys where practice_id = :practice")


@dataclass(frozen=True)
class Place:
    """Where a value stands."""

    sealer: Sealer = SEALER
    table: str = "cases"
    column: str = "request"
    row: UUID = ROW


@given(st.binary())
def test_what_was_sealed_opens_again(value: bytes) -> None:
    sealed = SEALER.seal(value, "cases", "request", ROW)
    assert SEALER.open(sealed, "cases", "request", ROW) == value


def test_equal_values_are_sealed_differently() -> None:
    assert SEALER.seal(b"same", "t", "c", ROW) != SEALER.seal(b"same", "t", "c", ROW)


@pytest.mark.parametrize(
    "elsewhere",
    [
        Place(table="gates"),
        Place(column="memo"),
        Place(row=UUID(int=3)),
        Place(sealer=Sealer(PracticeId(UUID(int=5)), KEYS)),
    ],
    ids=["table", "column", "row", "practice"],
)
def test_a_moved_ciphertext_is_refused(elsewhere: Place) -> None:
    sealed = SEALER.seal(b"secret", "cases", "request", ROW)
    with pytest.raises(InvalidTag):
        elsewhere.sealer.open(sealed, elsewhere.table, elsewhere.column, elsewhere.row)


def test_any_flipped_bit_and_any_cut_is_refused() -> None:
    """Version, key id, nonce, ciphertext and tag alike."""
    sealed = SEALER.seal(b"secret", "cases", "request", ROW)
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        for damaged in (bytes(changed), sealed[:place]):
            with pytest.raises(InvalidTag):
                SEALER.open(damaged, "cases", "request", ROW)


@pytest.mark.parametrize(
    "head", [bytes([0, 0, 0, 0, 2]), bytes([2, 0, 0, 0, 2]), header(1), header(0), header(3)]
)
def test_another_version_or_key_id_in_front_of_a_ciphertext_is_refused(head: bytes) -> None:
    """Also where there is such a key: both are authenticated."""
    sealed = SEALER.seal(b"secret", "cases", "request", ROW)
    with pytest.raises(InvalidTag):
        SEALER.open(head + sealed[HEADER_BYTES:], "cases", "request", ROW)


def test_the_newest_key_seals_and_an_older_one_still_opens() -> None:
    old = Sealer(PRACTICE, Keys.opened({1: bytes(32)}))
    sealed_before = old.seal(b"before", "t", "c", ROW)
    assert SEALER.open(sealed_before, "t", "c", ROW) == b"before"
    with pytest.raises(InvalidTag):
        old.open(SEALER.seal(b"after", "t", "c", ROW), "t", "c", ROW)


def test_a_sealer_shows_no_key() -> None:
    for shown in (repr(SEALER), repr(KEYS)):
        assert "\\x07" not in shown
        assert "index" not in shown


def test_a_blind_index_is_equal_for_equal_values_of_one_purpose() -> None:
    assert SEALER.index("person", "x") == SEALER.index("person", "x")
    assert SEALER.index("person", "x") != SEALER.index("person", "y")
    assert SEALER.index("person", "x") != SEALER.index("throttle", "x")


def test_a_blind_index_is_an_hmac_under_a_key_derived_from_the_oldest_key() -> None:
    """As in the first release: what was stored then must be found."""
    derived = HKDF(SHA256(), 32, salt=None, info=b"cleargate blind index").derive(bytes(32))
    expected = hmac.digest(derived, b"person\x00x", "sha256")[:16]
    assert SEALER.index("person", "x") == SEALER.index("person", "x") == expected


def test_a_blind_index_differs_per_practice(house: House) -> None:
    with house.session() as here, house.session(house.other) as there:
        assert here.sealer.index("person", "x") != there.sealer.index("person", "x")


def test_eight_processes_that_start_at_once_agree_on_the_first_key(house: House) -> None:
    slug = f"new-{uuid4().hex}"
    with house.database.public() as connection:
        practice = practices.keep(connection, slug, "New", "UTC")
    with ExitStack() as stack:
        processes = [stack.enter_context(house.process()) for _ in range(8)]

        def index(process: Database) -> bytes:
            with process.session(practice) as session:
                return session.sealer.index("person", "x")

        with ThreadPoolExecutor(8) as pool:
            indexes = set(pool.map(index, processes))
    with house.session(practice) as session:
        assert session.run(_KEY_COUNT).scalar_one() == 1
        assert indexes == {session.sealer.index("person", "x")}


def test_a_first_transaction_that_fails_does_not_take_the_key_with_it(house: House) -> None:
    """Otherwise this process would seal with a key that no other one can ever read."""
    with house.database.public() as connection:
        practice = practices.keep(connection, f"new-{uuid4().hex}", "New", "UTC")
    with pytest.raises(ZeroDivisionError), house.session(practice):
        raise ZeroDivisionError
    with house.session(practice) as session:
        sealed = session.sealer.seal(b"kept", "cases", "request", ROW)
    with house.process() as later, later.session(practice) as session:
        assert session.sealer.open(sealed, "cases", "request", ROW) == b"kept"


def test_another_key_file_is_refused_in_one_sentence(house: House, tmp_path: Path) -> None:
    with house.session():
        pass
    LocalKeyFile.create(tmp_path / "other")
    stranger = Database(house.app_url, Keyring(LocalKeyFile(tmp_path / "other")))
    refused = pytest.raises(BadSettings, match="does not fit this database")
    with closing(stranger), refused, stranger.session(house.practice) as session:
        session.sealer.index("person", "x")


def test_the_engine_has_one_key_which_only_its_key_file_opens(house: House, tmp_path: Path) -> None:
    with house.database.public() as connection:
        key = engine_key(connection, LocalKeyFile(house.key_file))
        assert engine_key(connection, LocalKeyFile(house.key_file)) == key
        assert len(key) == 32
        LocalKeyFile.create(tmp_path / "other")
        with pytest.raises(BadSettings):
            engine_key(connection, LocalKeyFile(tmp_path / "other"))


def test_a_key_file_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(LocalKeyFile.create, [path] * 8))
    first = path.read_bytes()
    LocalKeyFile.create(path)
    assert path.read_bytes() == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_data_key_is_bound_to_its_practice(tmp_path: Path) -> None:
    LocalKeyFile.create(tmp_path / "key")
    service = LocalKeyFile(tmp_path / "key")
    wrapped = service.wrap(b"data key", "practice-1")
    assert service.unwrap(wrapped, "practice-1") == b"data key"
    with pytest.raises(BadSettings):
        service.unwrap(wrapped, "practice-2")


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_key_file_that_others_may_touch_is_refused(tmp_path: Path, mode: int) -> None:
    LocalKeyFile.create(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(BadSettings, match="0600"):
        LocalKeyFile(tmp_path / "key")


def test_a_missing_or_damaged_key_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="cannot be read"):
        LocalKeyFile(tmp_path / "nowhere")
    descriptor = os.open(tmp_path / "short", os.O_WRONLY | os.O_CREAT, 0o600)
    os.close(descriptor)
    with pytest.raises(BadSettings, match="32 bytes"):
        LocalKeyFile(tmp_path / "short")
