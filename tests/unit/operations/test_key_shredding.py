"""A practice leaves: its keys are destroyed for good, and only its own."""

from contextlib import closing
from pathlib import Path
from unittest.mock import ANY
from uuid import uuid4

import boto3
import pytest
from structlog.testing import capture_logs

from cleargate.engine.watchdog import mend_orphans
from cleargate.nouns.errors import FilesDown, KeysDestroyed, Refused
from cleargate.nouns.ids import PracticeId
from cleargate.operations.keys.shred import shred
from cleargate.operations.keys.status import key_report, show_status
from cleargate.store import attachments, cases, holds, practices
from cleargate.store.bucket import S3Bucket
from cleargate.store.cases import CaseState
from cleargate.store.data_keys import read
from cleargate.store.database import Database
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.holds import HoldReason
from cleargate.store.keyfile import LocalKeyFile
from tests.aws import fake_aws
from tests.house import House, open_case
from tests.unit.operations.vaults import NOW, console, plant, read_all, trail, vault


@pytest.fixture
def slug(house: House) -> str:
    """A practice that is about to leave."""
    slug = f"clinic-{uuid4().hex}"
    with house.database.public() as connection:
        practices.keep(connection, slug, "Clinic", "UTC")
    return slug


def _shred(
    house: House, slug: str, typed: str, *, close_cases: bool = False, bucket: str = ""
) -> str:
    to, printed = console()
    with vault(house, bucket=bucket) as opened:
        shred(opened, slug, lambda _: typed, to, close_cases=close_cases)
    return printed.getvalue()


def test_nothing_of_it_opens_and_everything_of_others_does(house: House, slug: str) -> None:
    practice = practices.practice_id(slug)
    [gone] = plant(house, house.database, practice)
    [stays] = plant(house, house.database, house.practice)
    said = _shred(house, slug, slug, close_cases=True)
    assert "1 keys destroyed, 1 open cases closed" in said
    assert "Backups made before now" in said
    with house.process() as later:
        for database in (house.database, later):  # One held its keys, one never did.
            with database.session(practice) as session, pytest.raises(KeysDestroyed):
                read_all(session, gone)
            with database.session(practice) as session, pytest.raises(KeysDestroyed):
                plant(house, database, practice)
            with database.session(house.practice) as session:
                read_all(session, stays)
    assert _keys(house, practice) == []
    assert len(_keys(house, house.practice)) == 1


def _keys(house: House, practice: PracticeId) -> list[object]:
    with house.session(practice) as session:
        return list(read(session.connection, practice))


def test_its_trail_stays_and_tells_who_did_it(house: House, slug: str) -> None:
    practice = practices.practice_id(slug)
    plant(house, house.database, practice)
    before = _count(house, practice)
    _shred(house, slug, slug, close_cases=True)
    assert trail(house, practice) == [("key.shred", "1", "")]
    assert _count(house, practice) == before + 2  # The closed case, and the key.


def _count(house: House, practice: PracticeId) -> int:
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
        row = owner.execute("select count(*) from audit_events").fetchone()
    assert row is not None
    return int(row[0])


def test_it_is_refused_while_cases_are_open_or_the_slug_is_not_typed(
    house: House, slug: str
) -> None:
    practice = practices.practice_id(slug)
    [case] = plant(house, house.database, practice)
    with pytest.raises(Refused, match="1 cases are open"):
        _shred(house, slug, slug)
    with pytest.raises(Refused, match="not the slug"):
        _shred(house, slug, "yes", close_cases=True)
    with pytest.raises(Refused, match="no practice"):
        _shred(house, "nobody", "nobody")
    with house.session(practice) as session:
        read_all(session, case)


def test_the_worker_s_own_chores_go_on(house: House, slug: str) -> None:
    """Nothing of a practice that left is mended, and nothing of it stops the others."""
    practice = practices.practice_id(slug)
    [case] = plant(house, house.database, practice)
    _shred(house, slug, slug, close_cases=True)
    with house.session(practice) as session:
        assert cases.states(session) == {case: CaseState.WITHDRAWN}
    with capture_logs():
        mend_orphans(house.database, age_s=0.0)


def test_done_twice_it_changes_nothing_and_the_status_says_when(house: House, slug: str) -> None:
    practice = practices.practice_id(slug)
    plant(house, house.database, practice)
    _shred(house, slug, slug, close_cases=True)
    before = _count(house, practice)
    assert "its keys are destroyed; 0 photos deleted" in _shred(house, slug, "")
    assert _count(house, practice) == before
    [standing] = [each for each in key_report(house.database).practices if each.slug == slug]
    assert standing.shredded is not None
    assert standing.keys == ()
    to, printed = console()
    show_status(house.database, LocalKeyFile(house.key_file), NOW, to)
    assert "its keys are destroyed" in printed.getvalue()


def test_the_table_s_old_file_goes_with_the_keys(
    house: House, cluster: EmbeddedPostgres, slug: str
) -> None:
    """A deleted row would stay in it until something else is written there."""
    plant(house, house.database, practices.practice_id(slug))
    before = _file(house)
    _shred(house, slug, slug, close_cases=True)
    assert _file(house) != before
    [old] = [path for path in cluster.home.rglob(Path(before).name) if before in str(path)] or [
        None
    ]
    assert old is None or old.stat().st_size == 0  # Its name goes with the next checkpoint.


def _file(house: House) -> str:
    with house.owner() as owner:
        row = owner.execute("select pg_relation_filepath('data_keys')").fetchone()
    assert row is not None
    return str(row[0])


def test_a_practice_under_a_legal_hold_stays_readable(house: House, slug: str) -> None:
    practice = practices.practice_id(slug)
    [case] = plant(house, house.database, practice)
    with house.session(practice) as session:
        hold = holds.add(session, case, HoldReason.LITIGATION, "", actor="x", now=NOW)
    with pytest.raises(Refused, match="legal hold"):
        _shred(house, slug, slug, close_cases=True)
    with house.session(practice) as session:
        read_all(session, case)
        holds.lift(session, hold, actor="x", now=NOW)
    assert "1 keys destroyed" in _shred(house, slug, slug, close_cases=True)


BUCKET = "sample-attachments"


def test_its_photos_go_from_the_bucket_once_that_answers(house: House, slug: str) -> None:
    """The keys are destroyed whether it does or not; the same command goes on with the rest."""
    practice = practices.practice_id(slug)
    with fake_aws():
        s3 = boto3.client("s3")
        s3.create_bucket(Bucket=BUCKET)
        for each in (practice, house.practice):
            _photo(house, each)
        with pytest.raises(FilesDown, match="run this again"):
            _shred(house, slug, slug, close_cases=True, bucket="nobody-s-bucket")
        with pytest.raises(FilesDown, match="set CLEARGATE_ATTACHMENTS_BUCKET; its photos"):
            _shred(house, slug, "")
        assert _keys(house, practice) == []
        assert len(s3.list_objects_v2(Bucket=BUCKET)["Contents"]) == 2
        assert "1 photos deleted in the bucket" in _shred(house, slug, "", bucket=BUCKET)
        [left] = s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    assert left["Key"].startswith(f"{house.practice}/")
    assert trail(house, practice, "attachments.") == [("attachments.dropped", ANY, "photos:1")]


def _photo(house: House, practice: PracticeId) -> None:
    """A case that is over, with a photo in the bucket."""
    database = Database(house.app_url, house.keyring(), files=S3Bucket(BUCKET))
    with closing(database), database.session(practice) as session:
        case = open_case(session, NOW)
        attachments.add(session, case, "card_front", b"picture", NOW)
