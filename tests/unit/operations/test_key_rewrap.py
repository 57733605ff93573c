"""Another master key: all keys are under it at once, and nobody who runs notices."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import boto3
import pytest
from structlog.testing import capture_logs

from cleargate.nouns.errors import BadSettings
from cleargate.operations.keys.rewrap import rewrap
from cleargate.operations.keys.status import key_report, show_status
from cleargate.operations.keys.vault import open_vault
from cleargate.ports import KeyService
from cleargate.store import practices
from cleargate.store.database import Database
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import KEYS_FRESH_S, Keyring
from cleargate.store.kms import KmsKey
from tests.aws import fake_aws
from tests.house import House
from tests.keys import process
from tests.unit.operations.vaults import NOW, console, installation, plant, read_all, trail, vault


@pytest.fixture
def new(house: House, tmp_path: Path) -> Iterator[Path]:
    """Where another key file is to be; at the end the house's own is in force again."""
    path = tmp_path / "new"
    yield path
    with vault(house, path) as opened:
        rewrap(opened, house.key_file, "", console()[0])


def _rewrap(house: House, key_file: Path | None, kms_key: str = "") -> str:
    to, printed = console()
    with vault(house) as opened:
        assert rewrap(opened, key_file, kms_key, to) == 0
    return printed.getvalue()


def _engine_key(house: House, service: KeyService) -> bytes:
    with house.database.public() as connection:
        return engine_key(connection, service)


def _by(house: House, service: KeyService) -> Database:
    return Database(house.app_url, Keyring(service))


def test_everything_opens_with_the_new_file_and_nothing_with_the_former(
    house: House, new: Path
) -> None:
    planted = {
        practice: plant(house, house.database, practice)[0]
        for practice in (house.practice, house.other)
    }
    engine = _engine_key(house, LocalKeyFile(house.key_file))
    said = _rewrap(house, new)
    assert f"CLEARGATE_KEY_FILE={new}" in said
    service, former = LocalKeyFile(new), LocalKeyFile(house.key_file)
    assert _engine_key(house, service) == engine
    with pytest.raises(BadSettings, match="does not fit"):
        _engine_key(house, former)
    opened, refused = _by(house, service), _by(house, former)
    for practice, case in planted.items():
        with opened.session(practice) as session:
            read_all(session, case)
        with refused.session(practice) as session, pytest.raises(BadSettings), capture_logs():
            read_all(session, case)
        assert ("key.rewrap", "1", "") in trail(house, practice)
    assert key_report(house.database).in_force == service.name
    opened.close()
    refused.close()


def test_a_process_that_runs_goes_on_and_says_that_it_wants_a_restart(
    house: House, new: Path
) -> None:
    with process(house) as running:
        [case] = plant(house, running.database, house.practice)
        _rewrap(house, new)
        running.seconds.turn(KEYS_FRESH_S + 1)
        with capture_logs() as lines, running.database.session(house.practice) as session:
            read_all(session, case)
        assert [line["code"] for line in lines] == ["restart_with_the_new_key"]
        later = plant(house, running.database, house.practice)[0]
        running.database.check_keys(house.practice)
    opened = _by(house, LocalKeyFile(new))
    with opened.session(house.practice) as session:
        read_all(session, later)
    opened.close()


def test_a_process_that_runs_with_the_former_key_makes_no_key_for_a_new_practice(
    house: House, new: Path
) -> None:
    """It would be the only one that could ever open it."""
    _rewrap(house, new)
    with house.database.public() as connection:
        practice = practices.keep(connection, f"clinic-{uuid4().hex}", "Clinic", "UTC")
    with (
        capture_logs(),
        process(house) as running,
        running.database.session(practice) as session,
        pytest.raises(BadSettings, match="does not fit"),
    ):
        session.sealer.seal(b"", "t", "c", "row")
    opened = _by(house, LocalKeyFile(new))
    with opened.session(practice) as session:
        session.sealer.seal(b"", "t", "c", "row")
    opened.close()


def test_from_a_key_file_to_kms_and_back(house: House, tmp_path: Path) -> None:
    [case] = plant(house, house.database, house.practice)
    with fake_aws():
        key = str(boto3.client("kms").create_key()["KeyMetadata"]["KeyId"])
        assert f"CLEARGATE_KMS_KEY={key}" in _rewrap(house, None, key)
        opened = _by(house, KmsKey(key))
        with opened.session(house.practice) as session:
            read_all(session, case)
        opened.close()
        settings = installation(house).model_copy(update={"key_file": None, "kms_key": key})
        with open_vault(settings) as back:
            rewrap(back, house.key_file, "", console()[0])
    with house.process() as fresh, fresh.session(house.practice) as session:
        read_all(session, case)


def test_the_wrong_former_key_changes_nothing(house: House, tmp_path: Path) -> None:
    plant(house, house.database, house.practice)
    before = key_report(house.database)
    LocalKeyFile.create(tmp_path / "wrong")
    with (
        pytest.raises(BadSettings, match="does not fit"),
        vault(house, tmp_path / "wrong") as opened,
    ):
        rewrap(opened, tmp_path / "new", "", console()[0])
    assert key_report(house.database) == before


def test_a_new_key_file_that_others_can_read_changes_nothing(house: House, tmp_path: Path) -> None:
    LocalKeyFile.create(tmp_path / "open")
    (tmp_path / "open").chmod(0o644)
    with pytest.raises(BadSettings, match="0600"):
        _rewrap(house, tmp_path / "open")


def test_the_status_names_the_key_in_force_and_the_ages(house: House, new: Path) -> None:
    plant(house, house.database, house.practice)
    _rewrap(house, new)
    for service, code in ((LocalKeyFile(new), 0), (LocalKeyFile(house.key_file), 1)):
        to, printed = console()
        assert show_status(house.database, service, NOW, to) == code
        assert f"In force: {LocalKeyFile(new).name}" in printed.getvalue()
        assert "days" in printed.getvalue()
