"""The keyring: new keys are learnt at once; a key service that is away stops what is new."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import pytest
import sqlalchemy as sa
from cryptography.exceptions import InvalidTag

from cleargate.nouns.errors import (
    BadSettings,
    KeysDestroyed,
    KeyServiceDown,
    KeyServiceRefuses,
)
from cleargate.store import data_keys, key_changes
from cleargate.store.crypto import HEADER_BYTES, header
from cleargate.store.database import Database, Session
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import KEYS_FRESH_S, KEYS_SEAL_S, LOOK_AGAIN_S, Keyring
from tests.house import House
from tests.keys import DOWN, REFUSES, Process, process

PLACE = ("cases", "request", UUID(int=2))


@pytest.fixture
def running(house: House) -> Iterator[Process]:
    """A process that has used the first practice's keys."""
    with house.session() as session:
        session.sealer.seal(b"", *PLACE)
    with process(house) as started:
        yield started


def _seal(running: Process, house: House) -> bytes:
    with running.database.session(house.practice) as session:
        return session.sealer.seal(b"value", *PLACE)


def _open(running: Process, house: House, sealed: bytes) -> bytes:
    with running.database.session(house.practice) as session:
        return session.sealer.open(sealed, *PLACE)


def _add_key(house: House) -> int:
    """The owner makes a new data key."""
    service = LocalKeyFile(house.key_file)
    owner = Database(house.owner_url, Keyring(service))
    with owner.session(house.practice) as session:
        newest = key_changes.add(session, service, "test")
    owner.close()
    return newest


def test_a_new_key_seals_in_the_next_transaction_of_every_process(
    house: House, running: Process
) -> None:
    before = _seal(running, house)
    newest = _add_key(house)
    after = _seal(running, house)
    assert after[:HEADER_BYTES] == header(newest) != before[:HEADER_BYTES]
    assert _open(running, house, before) == _open(running, house, after) == b"value"


def test_a_value_under_a_key_that_was_made_meanwhile_opens_in_a_running_transaction(
    house: House, running: Process
) -> None:
    with running.database.session(house.practice) as began_before:
        _add_key(house)
        with house.session() as other:
            sealed = other.sealer.seal(b"value", *PLACE)
        asked = running.keys.asked
        assert began_before.sealer.open(sealed, *PLACE) == b"value"
        assert began_before.sealer.open(sealed, *PLACE) == b"value"
        looked = running.keys.asked - asked
    assert looked == sealed[HEADER_BYTES - 1], "the keys were opened once, each"


def test_a_key_id_of_nobody_is_refused_without_asking_the_key_service(
    house: House, running: Process
) -> None:
    sealed = _seal(running, house)
    asked = running.keys.asked
    with pytest.raises(InvalidTag):
        _open(running, house, header(4_000_000_000) + sealed[HEADER_BYTES:])
    assert running.keys.asked == asked


def test_nobody_is_led_back_to_an_older_key(house: House, running: Process) -> None:
    """By somebody who has got hold of it, and may write the table of practices."""
    newest = _add_key(house)
    assert _seal(running, house)[:HEADER_BYTES] == header(newest)
    with house.owner() as owner:
        owner.execute("update practices set newest_key = 1 where id = %s", (house.practice,))
    assert _seal(running, house)[:HEADER_BYTES] == header(newest)


def test_keys_are_asked_for_again_after_some_minutes_and_not_before(
    house: House, running: Process
) -> None:
    _seal(running, house)
    asked = running.keys.asked
    running.seconds.turn(KEYS_FRESH_S - 1)
    _seal(running, house)
    assert running.keys.asked == asked
    running.seconds.turn(2)
    _seal(running, house)
    assert running.keys.asked > asked


def test_while_the_key_service_is_away_what_is_held_opens_and_after_a_while_nothing_is_sealed(
    house: House, running: Process
) -> None:
    sealed = _seal(running, house)
    running.keys.failure = DOWN
    running.seconds.turn(KEYS_FRESH_S + 1)
    assert _open(running, house, sealed) == b"value"
    _seal(running, house)  # What is under way may still be kept ...
    with pytest.raises(KeyServiceDown):
        running.database.check_keys(house.practice)  # ... and nothing else is begun.
    running.seconds.turn(KEYS_SEAL_S)
    with pytest.raises(KeyServiceDown):
        _seal(running, house)
    assert _open(running, house, sealed) == b"value"
    running.keys.failure = None
    running.seconds.turn(LOOK_AGAIN_S + 1)
    assert _open(running, house, _seal(running, house)) == b"value"
    running.database.check_keys(house.practice)


def test_a_key_service_that_is_away_is_not_asked_by_every_transaction(
    house: House, running: Process
) -> None:
    _seal(running, house)
    running.keys.failure = DOWN
    running.seconds.turn(KEYS_FRESH_S + 1)
    asked = running.keys.asked
    for _ in range(20):
        with running.database.session(house.practice) as session:
            session.sealer.index("person", "x")
    assert running.keys.asked == asked + 1


def test_a_process_that_never_had_the_keys_can_do_what_needs_none(
    house: House, running: Process
) -> None:
    running.keys.failure = DOWN
    with running.database.session(house.practice) as session:
        assert session.run(sa.text("select count(*) from cases")).scalar_one() >= 0
        for use in (_seals, _opens, _indexes):
            with pytest.raises(KeyServiceDown):
                use(session)


def _seals(session: Session) -> object:
    return session.sealer.seal(b"", *PLACE)


def _opens(session: Session) -> object:
    return session.sealer.open(header(1) + bytes(40), *PLACE)


def _indexes(session: Session) -> object:
    return session.sealer.index("person", "x")


def test_a_key_service_that_says_no_ends_reading_too(house: House, running: Process) -> None:
    """Whoever disables the key in the KMS means it."""
    sealed = _seal(running, house)
    running.keys.failure = REFUSES
    running.seconds.turn(KEYS_FRESH_S + 1)
    with pytest.raises(KeyServiceRefuses):
        _open(running, house, sealed)
    running.keys.failure = None
    running.seconds.turn(LOOK_AGAIN_S + 1)
    assert _open(running, house, sealed) == b"value"


def test_many_threads_of_a_process_find_out_together_that_it_is_away(
    house: House, running: Process
) -> None:
    sealed = _seal(running, house)
    running.keys.failure = DOWN
    running.seconds.turn(KEYS_FRESH_S + 1)
    with ThreadPoolExecutor(8) as pool:
        opened = list(pool.map(lambda _: _open(running, house, sealed), range(40)))
    assert set(opened) == {b"value"}


_SHRED = (
    "update practices set shredded_at = now() where id = %s",
    "delete from data_keys where practice_id = %s",
)


def test_a_practice_that_left_gets_no_new_first_key(house: House) -> None:
    """Neither in a process that held its keys, nor in one that starts later."""
    with process(house) as held, process(house) as later:
        with held.database.session(house.other) as session:
            sealed = session.sealer.seal(b"value", *PLACE)
        with house.owner() as owner:
            owner.execute("select set_config('app.practice_id', %s, false)", (str(house.other),))
            for statement in _SHRED:
                owner.execute(statement.encode(), (house.other,))
        for each in (held, later, held):
            with each.database.session(house.other) as session:
                with pytest.raises(KeysDestroyed):
                    session.sealer.open(sealed, *PLACE)
                for use in (_seals, _opens, _indexes):
                    with pytest.raises(KeysDestroyed):
                        use(session)
                assert data_keys.read(session.connection, house.other) == []


def test_a_process_with_a_former_key_file_makes_no_key_that_others_cannot_open(
    house: House, running: Process, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It proves with the engine's key that its key file is the one in force."""
    folder = tmp_path_factory.mktemp("former")
    LocalKeyFile.create(folder / "key")
    with house.session() as session, pytest.raises(BadSettings, match="does not fit"):
        data_keys.alone(session.connection)
        data_keys.add(session.connection, house.practice, 99, LocalKeyFile(folder / "key"))
