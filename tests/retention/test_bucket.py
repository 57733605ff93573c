"""Photos in a bucket go with their rows; while it is away both stay, and nothing is forgotten."""

import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from io import StringIO
from pathlib import Path

import boto3
import pytest
from rich.console import Console

from cleargate.nouns.case import CaseState
from cleargate.nouns.errors import FilesDown
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.operations.retention import Done, delete
from cleargate.operations.retention import run as run_command
from cleargate.settings import RetentionSettings
from cleargate.store import attachments, cases, holds
from cleargate.store.bucket import DELETED_AT_ONCE, S3Bucket
from cleargate.store.database import Database
from cleargate.store.holds import HoldReason
from cleargate.store.keyless import KeylessDatabase
from cleargate.store.roles import RETENTION_ROLE
from tests.aws import fake_aws
from tests.house import House, open_case
from tests.retention.test_deleting import DAY, NOW, PERIODS, left, touched
from tests.unit.operations.doctor.conftest import write_practices

BUCKET = "sample-attachments"


@pytest.fixture(autouse=True)
def _aws() -> Iterator[None]:
    with fake_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield


@pytest.fixture
def clerk(house: House) -> Iterator[Database]:
    """The retention role, with the bucket."""
    url = house.as_role(RETENTION_ROLE)
    with closing(KeylessDatabase(url, S3Bucket(BUCKET))) as database:
        yield database


@pytest.fixture
def away(house: House) -> Iterator[Database]:
    """The retention role, with a bucket that does not answer."""
    url = house.as_role(RETENTION_ROLE)
    with closing(KeylessDatabase(url, S3Bucket("nobody-s-bucket"))) as database:
        yield database


def _made(house: House, days: int, practice: PracticeId | None = None) -> tuple[CaseId, str]:
    """A case that was over so many days ago, and the name of its photo in the bucket."""
    before = _objects()
    database = Database(house.app_url, house.keyring(), files=S3Bucket(BUCKET))
    with closing(database), database.session(practice or house.practice) as session:
        case = open_case(session, NOW)
        attachments.add(session, case, "card_front", b"picture", NOW)
        cases.close(session, case, CaseState.DONE)
        touched(session, case, NOW - days * DAY)
    [name] = _objects() - before
    return case, name


def _objects() -> set[str]:
    found = boto3.client("s3").list_objects_v2(Bucket=BUCKET)
    return {each["Key"] for each in found.get("Contents", [])}


def _run(house: House, clerk: Database) -> dict[str, Done]:
    return {each.kind: each for each in delete(clerk, house.practice, PERIODS, NOW)}


def test_a_photo_goes_with_its_row_and_with_its_case(house: House, clerk: Database) -> None:
    gone = _made(house, PERIODS.cases.days + 1), _made(house, PERIODS.photos.days + 1)
    stays = _made(house, PERIODS.photos.days - 1), _made(house, 9999, house.other)
    _run(house, clerk)
    assert _objects() & {name for _, name in (*gone, *stays)} == {name for _, name in stays}
    assert [left(house, case)["cases"] for case, _ in gone] == [0, 1]
    assert [left(house, case)["attachments"] for case, _ in gone] == [0, 0]


def test_a_photo_that_is_held_stays(house: House, clerk: Database) -> None:
    case, name = _made(house, 9999)
    with house.session() as session:
        hold = holds.add(session, case, HoldReason.LITIGATION, "", actor="x", now=NOW)
    _run(house, clerk)
    assert name in _objects()
    with house.session() as session:
        holds.lift(session, hold, actor="x", now=NOW)
    _run(house, clerk)
    assert name not in _objects()


def test_while_the_bucket_is_away_the_row_stays_and_remembers(
    house: House, clerk: Database, away: Database
) -> None:
    """What has no photo there goes all the same, where it is not in the same batch."""
    case, name = _made(house, 9999)
    done = _run(house, away)
    assert (
        str(done["cases"].stopped) == "the bucket of the attachments does not answer (NoSuchBucket)"
    )
    assert done["answers"].stopped is None
    assert left(house, case)["attachments"] == 1
    assert _run(house, clerk)["cases"] == Done("cases", 1)
    assert name not in _objects()
    assert left(house, case)["cases"] == 0


def test_a_run_that_died_after_the_photo_was_gone_is_gone_on_with(
    house: House, clerk: Database
) -> None:
    case, name = _made(house, 9999)
    boto3.client("s3").delete_object(Bucket=BUCKET, Key=name)
    assert _run(house, clerk)["cases"] == Done("cases", 1)
    assert left(house, case)["cases"] == 0


def test_without_the_setting_nothing_that_is_in_a_bucket_goes(
    house: House, clerk: Database
) -> None:
    case, _ = _made(house, 9999)
    with closing(KeylessDatabase(house.as_role(RETENTION_ROLE))) as unset:
        stopped = _run(house, unset)["cases"].stopped
    assert "set CLEARGATE_ATTACHMENTS_BUCKET" in str(stopped)
    assert left(house, case)["attachments"] == 1
    _run(house, clerk)


def test_the_command_says_what_was_kept_from_going(house: House, tmp_path: Path) -> None:
    """And ends as a failure, so that the timer's watch sees it; the next run needs nothing else."""
    write_practices(tmp_path)
    _made(house, 9999)
    printed = StringIO()

    def run(bucket: str) -> None:
        settings = RetentionSettings(
            retention_database_url=house.as_role(RETENTION_ROLE),
            practices=tmp_path,
            attachments_bucket=bucket,
        )
        run_command(settings, NOW, Console(file=printed))

    with pytest.raises(FilesDown, match="goes at the next run"):
        run("nobody-s-bucket")
    assert "sample-clinic: photos: 0 deleted" in printed.getvalue()
    run(BUCKET)
    assert "sample-clinic: cases: 1 deleted" in printed.getvalue()


def test_more_than_s3_takes_at_once_are_deleted_in_turn() -> None:
    names = [f"sample/{number:04}" for number in range(DELETED_AT_ONCE + 1)]
    for name in (names[0], names[-1]):
        S3Bucket(BUCKET).put(name, b"sealed")
    S3Bucket(BUCKET).delete(names)
    assert _objects() == set()


def test_a_photo_that_the_bucket_will_not_give_up_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """S3 answers 200 and says in the answer that it did not do it."""
    with _s3_that_refuses() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        with fake_aws(really=("s3",)), pytest.raises(FilesDown, match=r"\(AccessDenied\)") as told:
            S3Bucket(BUCKET).delete(["sample/secret-name"])
    assert "secret-name" not in str(told.value)


@contextmanager
def _s3_that_refuses() -> Iterator[str]:
    class Refusing(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            said = (
                b"<DeleteResult><Error><Key>sample/secret-name</Key><Code>AccessDenied</Code>"
                b"<Message>Access Denied</Message></Error></DeleteResult>"
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Refusing) as listening:
        serving = threading.Thread(target=listening.serve_forever, daemon=True)
        serving.start()
        yield f"http://127.0.0.1:{listening.server_port}"
        listening.shutdown()
        serving.join(30)
