"""Attachments: sealed in the database or in a bucket, and never a reason to lose a request."""

from collections.abc import Iterator
from uuid import UUID

import boto3
import pytest
from cryptography.exceptions import InvalidTag
from structlog.testing import capture_logs

from cleargate.nouns.errors import BadSettings, FilesDown, KeyServiceDown
from cleargate.nouns.ids import CaseId
from cleargate.operations.keys.rotate import rotate
from cleargate.store import attachments
from cleargate.store.bucket import S3Bucket
from cleargate.store.database import Database
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from tests.aws import fake_aws
from tests.house import House, TurnedClock, open_case
from tests.keys import DOWN, SwitchedKeys
from tests.unit.operations.vaults import console, vault

BUCKET = "sample-attachments"
PHOTO = b"a picture of a card" * 1000


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with fake_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def outside(house: House) -> Iterator[Database]:
    """A process that keeps attachments in the bucket."""
    database = Database(house.app_url, house.keyring(), files=S3Bucket(BUCKET))
    yield database
    database.close()


@pytest.fixture
def away(house: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """A process whose bucket does not answer."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://127.0.0.1:9")
    with fake_aws(really=("s3",)):
        database = Database(house.app_url, house.keyring(), files=S3Bucket(BUCKET))
        yield database
        database.close()


def _add(house: House, database: Database) -> tuple[CaseId, UUID]:
    clock = TurnedClock()
    with database.session(house.practice) as session:
        case = open_case(session, clock.now())
        attachments.add(session, case, "card_front", PHOTO, clock.now())
        [(attachment, kind)] = attachments.of_case(session, case)
    assert kind == "card_front"
    return case, attachment


def _get(house: House, database: Database, kept: tuple[CaseId, UUID]) -> bytes | None:
    with database.session(house.practice) as session:
        return attachments.get(session, *kept)


def _objects() -> dict[str, bytes]:
    s3 = boto3.client("s3")
    names = [each["Key"] for each in s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])]
    return {name: s3.get_object(Bucket=BUCKET, Key=name)["Body"].read() for name in names}


def test_without_a_bucket_it_is_in_the_database(house: House) -> None:
    kept = _add(house, house.database)
    assert _get(house, house.database, kept) == PHOTO
    assert _objects() == {}


def test_in_the_bucket_there_is_ciphertext_under_a_name_that_says_nothing(
    house: House, outside: Database
) -> None:
    case, attachment = _add(house, outside)
    assert _get(house, outside, (case, attachment)) == PHOTO
    [(name, content)] = _objects().items()
    assert PHOTO[:20] not in content
    practice, _, random = name.partition("/")
    assert practice == str(house.practice)
    assert UUID(random) not in (case, attachment)


def test_a_photo_of_another_patient_put_in_its_place_is_refused(
    house: House, outside: Database
) -> None:
    first = _add(house, outside)
    [mine] = _objects()
    second = _add(house, outside)
    [other] = _objects().keys() - {mine}
    boto3.client("s3").copy_object(
        Bucket=BUCKET, Key=mine, CopySource={"Bucket": BUCKET, "Key": other}
    )
    with pytest.raises(InvalidTag):
        _get(house, outside, first)
    assert _get(house, outside, second) == PHOTO


def test_what_was_rolled_back_leaves_an_object_that_nobody_can_read(
    house: House, outside: Database
) -> None:
    clock = TurnedClock()
    with pytest.raises(ZeroDivisionError), outside.session(house.practice) as session:
        case = open_case(session, clock.now())
        attachments.add(session, case, "card_front", PHOTO, clock.now())
        raise ZeroDivisionError
    assert len(_objects()) == 1
    with outside.session(house.practice) as session:
        assert attachments.of_case(session, case) == []


def test_a_bucket_that_is_away_costs_no_request(house: House, away: Database) -> None:
    """The photo is kept in the database, and can be had from any process."""
    with capture_logs() as lines:
        kept = _add(house, away)
        again = _add(house, away)
    assert [line["code"] for line in lines if line["event"] == "alert"] == [
        "attachment_kept_in_database"
    ] * 2
    assert str(kept[1]) not in str(lines)
    for each in (kept, again):
        assert _get(house, house.database, each) == PHOTO


def test_a_photo_in_a_bucket_that_is_away_is_a_plain_error(
    house: House, outside: Database, away: Database
) -> None:
    kept = _put_by(house)
    with pytest.raises(FilesDown, match="does not answer"):
        _get(house, away, kept)
    with pytest.raises(FilesDown, match="CLEARGATE_ATTACHMENTS_BUCKET"):
        _get(house, house.database, kept)


def _put_by(house: House) -> tuple[CaseId, UUID]:
    """Kept by a process whose bucket answered; its row is all that is left here."""
    kept = _add(house, house.database)
    with house.session() as session:
        session.connection.exec_driver_sql(
            "update attachments set object = 'elsewhere' where id = %s", (kept[1],)
        )
    return kept


def test_an_object_that_is_gone_is_told(house: House, outside: Database) -> None:
    kept = _add(house, outside)
    [name] = _objects()
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=name)
    with capture_logs() as lines:
        assert _get(house, outside, kept) is None
    assert [line["code"] for line in lines if line["event"] == "alert"] == ["attachment_missing"]


def test_a_rotation_seals_the_file_s_key_anew_and_leaves_the_bucket_alone(
    house: House, outside: Database
) -> None:
    kept = _add(house, outside)
    before = _objects()
    with vault(house) as opened:
        assert rotate(opened, "sample-clinic", console()[0]) == 0
    assert _objects() == before
    assert _get(house, outside, kept) == PHOTO


def test_nothing_is_put_when_nothing_can_be_sealed(house: House) -> None:
    keys = SwitchedKeys(LocalKeyFile(house.key_file))
    keys.failure = DOWN
    database = Database(house.app_url, Keyring(keys), files=S3Bucket(BUCKET))
    clock = TurnedClock()
    with house.session() as session:
        case = open_case(session, clock.now())
    with (
        capture_logs(),
        pytest.raises(KeyServiceDown),
        database.session(house.practice) as session,
    ):
        attachments.add(session, case, "card_front", PHOTO, clock.now())
    assert _objects() == {}
    database.close()


def test_a_bucket_that_is_not_there_is_away(house: House) -> None:
    with pytest.raises(FilesDown, match="NoSuchBucket"):
        S3Bucket("nobody-s-bucket").get("name")


def test_a_bucket_without_usable_settings_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(BadSettings, match="CLEARGATE_ATTACHMENTS_BUCKET"):
        S3Bucket(BUCKET)
