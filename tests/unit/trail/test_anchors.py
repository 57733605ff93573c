"""Anchors: only ever added to, read again as they were, and what is none is refused."""

import base64
import json
import threading
from contextlib import closing
from pathlib import Path
from uuid import UUID

import boto3
import pytest
from moto import mock_aws
from structlog.testing import capture_logs

from cleargate.logs import allowed
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.store import audit, trail
from cleargate.store.audit import Action, Event
from cleargate.store.roles import SEALER_ROLE
from cleargate.store.trail import TrailDatabase
from cleargate.trail.anchors import FileAnchor, LogAnchor, read_anchors
from cleargate.trail.aws import BucketAnchor, read_bucket
from cleargate.trail.note import Checkpoint, read, sign
from cleargate.trail.places import anchors, kept, signer
from cleargate.trail.sealer import PAUSE_S, RETRY_S, Sealer
from tests.house import House

PRACTICE = PracticeId(UUID(int=5))


@pytest.fixture
def notes(house: House) -> list[str]:
    return [
        sign(Checkpoint(PRACTICE, size, bytes([size]) * 32), house.signing_key)
        for size in (1, 2, 3)
    ]


def test_a_file_keeps_every_checkpoint(tmp_path: Path, notes: list[str]) -> None:
    for note in notes:
        FileAnchor(tmp_path).keep(PRACTICE, note)
    kept = read_anchors(tmp_path, PRACTICE)
    assert [each.note for each in kept] == notes
    assert [each.size for each in kept] == [1, 2, 3]
    assert read_anchors(tmp_path, PracticeId(UUID(int=6))) == []


def test_a_directory_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="CLEARGATE_ANCHORS"):
        FileAnchor(tmp_path / "nowhere")


@pytest.mark.parametrize("line", ["x", "{}", '{"at": 1, "note": 2}', '{"at": "x", "note": "x"}'])
def test_a_line_that_is_no_anchor_is_named(tmp_path: Path, notes: list[str], line: str) -> None:
    FileAnchor(tmp_path).keep(PRACTICE, notes[0])
    path = tmp_path / f"{PRACTICE}.jsonl"
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(BadSettings, match=r"jsonl:2 is no anchor"):
        read_anchors(tmp_path, PRACTICE)


def test_the_log_says_enough_to_put_the_checkpoint_together(house: House, notes: list[str]) -> None:
    with capture_logs() as lines:
        LogAnchor().keep(PRACTICE, notes[1])
    said = allowed({name: value for name, value in lines[0].items() if name != "log_level"})
    assert "dropped" not in said
    note = (
        f"cleargate/{said['practice_id']}\n{int.from_bytes(base64.b64decode(str(said['size'])))}\n{said['root']}\n\n"
        f"\u2014 cleargate-trail {said['signature']}\n"
    )
    assert read(note, house.signing_key.public_key).size == 2


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "sample")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")


@mock_aws
def test_a_bucket_keeps_every_checkpoint_locked(aws: None, notes: list[str]) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="sample", ObjectLockEnabledForBucket=True)
    for note in notes:
        BucketAnchor("sample").keep(PRACTICE, note)
    assert [each.note for each in read_bucket("sample", PRACTICE)] == notes
    [key, *_] = [each["Key"] for each in s3.list_objects_v2(Bucket="sample")["Contents"]]
    assert s3.head_object(Bucket="sample", Key=key)["ObjectLockMode"] == "COMPLIANCE"
    with pytest.raises(BadSettings, match="cannot be read"):
        list(read_bucket("nowhere", PRACTICE))


@mock_aws
def test_a_bucket_names_its_practices_those_too_that_somebody_hid(
    aws: None, notes: list[str]
) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="sample", ObjectLockEnabledForBucket=True)
    BucketAnchor("sample").keep(PRACTICE, notes[0])
    s3.put_object(Bucket="sample", Key="notes/readme", Body=b"no anchor")
    [key] = [each["Key"] for each in s3.list_objects_v2(Bucket="sample", Prefix="0")["Contents"]]
    s3.delete_object(Bucket="sample", Key=key)
    assert kept("s3://sample").practices == {PRACTICE}
    assert [each.note for each in kept("s3://sample").of(PRACTICE)] == notes[:1]
    with pytest.raises(BadSettings, match="cannot be read"):
        kept("s3://nowhere")


def test_a_directory_names_its_practices_and_no_other_file(
    tmp_path: Path, notes: list[str]
) -> None:
    FileAnchor(tmp_path).keep(PRACTICE, notes[0])
    for name in ("readme.txt", "x.jsonl", f"{PRACTICE}.jsonl.part", "{00000000}.jsonl"):
        (tmp_path / name).write_text("no anchor")
    assert kept(str(tmp_path)).practices == {PRACTICE}
    assert kept(str(tmp_path / "nowhere")).practices == set()
    assert kept("").of(PRACTICE) == []


def test_the_sealer_anchors_what_is_new_at_its_end(house: House, tmp_path: Path) -> None:
    database = TrailDatabase(house.as_role(SEALER_ROLE), "sealer")
    sealer = Sealer(database, house.signing_key, (FileAnchor(tmp_path),))
    for _ in range(2):
        with house.session() as session:
            audit.record(session, Event("case.view", Action.READ, "case", "x"))
        sealer.round()
    assert len(read_anchors(tmp_path, house.practice)) == 1, "the second is due in a minute"
    sealer.round(last=True)
    sealer.round(last=True)
    database.close()
    kept = [each.note for each in read_anchors(tmp_path, house.practice)]
    with house.auditing() as auditing, auditing.session(house.practice) as seen:
        assert [each.note for each in trail.checkpoints(seen)][-2:] == kept


def test_a_sealer_that_cannot_go_on_says_so_and_nothing_else(house: House) -> None:
    class _Broken:
        public_key = bytes(32)

        def sign(self, _: bytes) -> bytes:
            raise ConnectionError("key service")

    with house.session() as session:
        audit.record(session, Event("case.view", Action.READ, "case", "x"))
    database = TrailDatabase(house.as_role(SEALER_ROLE), "sealer")
    with capture_logs() as lines:
        assert Sealer(database, _Broken(), ()).round() == 0
    database.close()
    assert [(line["event"], line["code"]) for line in lines] == [("alert", "trail_not_sealed")]
    assert house.seal() == 1


def test_what_is_down_is_not_asked_twice_a_second(house: House) -> None:
    class _Stop(threading.Event):
        def __init__(self) -> None:
            super().__init__()
            self.waits: list[float | None] = []

        def wait(self, timeout: float | None = None) -> bool:
            self.waits.append(timeout)
            return len(self.waits) > 2

    stop = _Stop()
    nowhere = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
    with closing(TrailDatabase(nowhere, "sealer")) as away:
        Sealer(away, house.signing_key, ()).run(stop)
    assert stop.waits == [PAUSE_S, RETRY_S, RETRY_S]
    with closing(TrailDatabase(house.as_role(SEALER_ROLE), "sealer")) as database:
        Sealer(database, house.signing_key, ()).run(stop := _Stop())
    assert stop.waits == [PAUSE_S] * 3


def test_where_anchors_go_is_a_setting(tmp_path: Path) -> None:
    assert [each.name for each in anchors("")] == ["log"]
    assert [each.name for each in anchors(str(tmp_path))] == ["log", "file"]
    with pytest.raises(BadSettings, match="new-key"):
        signer("")


def test_a_line_is_json(tmp_path: Path, notes: list[str]) -> None:
    FileAnchor(tmp_path).keep(PRACTICE, notes[0])
    [line] = (tmp_path / f"{PRACTICE}.jsonl").read_text().splitlines()
    assert set(json.loads(line)) == {"at", "note"}
