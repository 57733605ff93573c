"""Photos in a bucket, over HTTP: one that is away costs no request, and is told at the desk."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import boto3
import pytest

from cleargate.store.bucket import S3Bucket
from cleargate.store.database import Database
from cleargate.web.site import Pages
from tests.aws import fake_aws
from tests.house import House, TurnedClock
from tests.web.installation import SLUG, Served, Site, filled_form, read_profiles
from tests.web.test_request_form import photo_with_exif

BUCKET = "sample-attachments"


class Switched:
    """A bucket that can be taken away: it stands where the network would fail."""

    def __init__(self) -> None:
        self.bucket = S3Bucket(BUCKET)
        self.nowhere = S3Bucket("nobody-s-bucket")
        self.away = False

    def put(self, name: str, sealed: bytes) -> None:
        (self.nowhere if self.away else self.bucket).put(name, sealed)

    def get(self, name: str) -> bytes | None:
        return (self.nowhere if self.away else self.bucket).get(name)


@pytest.fixture
def files() -> Iterator[Switched]:
    with fake_aws():
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        yield Switched()


@pytest.fixture
def pages(house: House, files: Switched, tmp_path: Path) -> Iterator[Site]:
    clock, profiles = TurnedClock(), read_profiles(tmp_path)
    database = Database(house.app_url, house.keyring(), files=files)
    with Served(Pages(database, clock, profiles, secure=False)) as served:
        yield Site(served.url, house, clock, profiles)
    database.close()


def _send(pages: Site) -> str:
    """A patient sends the form with a photo; the address of the photo at the desk."""
    card = {"card_front": ("card.jpg", photo_with_exif(), "image/jpeg")}
    before = pages.count_cases()
    with pages.visitor() as patient:
        answer = patient.post(f"/{SLUG}/", data=filled_form(), files=card)
    assert answer.status_code == 303
    assert pages.count_cases() == before + 1
    pages.clock.turn(timedelta(seconds=1))
    [row] = pages.rows(
        "select case_id, id from attachments where practice_id = :practice"
        " order by created_at desc, id limit 1"
    )
    return f"/cases/{row['case_id']}/photos/{row['id']}"


def test_a_photo_is_shown_from_the_bucket_and_an_outage_is_a_plain_page(
    pages: Site, files: Switched
) -> None:
    photo = _send(pages)
    with pages.staff() as staff:
        assert staff.get(photo).headers["content-type"] == "image/jpeg"
        files.away = True
        answer = staff.get(photo)
        assert answer.status_code == 503
        assert "We cannot do this just now" in answer.text
        assert BUCKET not in answer.text
        files.away = False
        assert staff.get(photo).status_code == 200


def test_a_request_is_kept_with_its_photo_while_the_bucket_is_away(
    pages: Site, files: Switched
) -> None:
    files.away = True
    photo = _send(pages)
    with pages.staff() as staff:
        assert staff.get(photo).status_code == 200
