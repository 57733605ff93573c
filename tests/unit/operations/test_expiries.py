"""What ends on a day that is known is told in time, and once."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from structlog.testing import capture_logs

from cleargate.directory.practice import Profile
from cleargate.operations.expiries import Expiry, alert_expiries, expiries
from cleargate.practice_file import PracticeSettings, read_practice
from cleargate.settings import Installation
from cleargate.web import words
from tests.house import House
from tests.trail import TRAIL
from tests.unit.connectors.authority import Authority
from tests.unit.test_settings import practice_toml

TODAY = date(2026, 12, 1)


def installed(**changes: object) -> Installation:
    plain = {"database_url": "postgresql+psycopg://127.0.0.1/x", "key_file": "k", "practices": "p"}
    return Installation(**plain | changes)


@pytest.fixture
def settings(tmp_path: Path) -> PracticeSettings:
    authority = Authority(tmp_path / "authority")
    return read_practice(
        practice_toml(
            tmp_path,
            ('vendor = "core_soap"', 'vendor = "core_soap"\ncredential_expires = 2027-01-15'),
            ('tls = "none"', f'tls = "starttls"\nca_file = "{authority.file}"'),
            ("[mail]", "[mail]\ncredential_expires = 2026-12-05"),
        )
    )


def test_credentials_and_certificates_are_found_the_next_one_first(
    settings: PracticeSettings, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path / "own").certificate(life=timedelta(days=3))
    found = expiries(installed(tls_cert=certificate, tls_key=key), settings)
    assert {each.name for each in found} == {
        "listener.certificate",
        "mail.authority",
        "mail.credential",
        "clearinghouse.credential",
    }
    assert found == sorted(found, key=lambda each: each.last_day)
    own = next(each for each in found if each.kind == "certificate")
    assert own.days_left(datetime.now(UTC).date()) in (2, 3)


@pytest.mark.parametrize("content", [b"", b"no certificate", b"\xff" * 10, None])
def test_a_file_that_is_no_certificate_ends_never(
    settings: PracticeSettings, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "certificate"
    if content is not None:
        file.write_bytes(content)
    found = expiries(installed(tls_cert=file, tls_key=file), settings)
    assert "listener.certificate" not in {each.name for each in found}


@pytest.fixture
def profile(settings: PracticeSettings, house: House) -> Profile:
    """The practice under the id that the house's first practice has."""
    return replace(settings.profile("http://127.0.0.1:9"), id=house.practice)


def told(house: House, profile: Profile, expiry: Expiry, day: date) -> list[str]:
    """What is told when a worker does its chores twice on a day."""
    now = datetime.combine(day, time(12), profile.zone)
    with capture_logs() as logs:
        for _ in range(2):
            alert_expiries(house.database, profile, [expiry], now)
    told = [each for each in logs if each["event"] == "alert"]
    return [" ".join(str(each[name]) for name in ("code", "days") if name in each) for each in told]


def test_each_day_before_is_told_once_on_the_trail_as_well(house: House, profile: Profile) -> None:
    expiry = Expiry("stedi", "credential", TODAY)
    days = [31, 30, 29, 8, 7, 6, 2, 1, 0, -1, -2]
    said = {n: told(house, profile, expiry, TODAY - timedelta(days=n)) for n in days}
    assert {n: codes for n, codes in said.items() if codes} == {
        30: ["expires_soon 30"],
        7: ["expires_soon 7"],
        1: ["expires_soon 1"],
        -1: ["expired"],
    }
    query = sa.text(
        f"select type, code from {TRAIL} where practice_id = :practice"
        " and entity_id = 'stedi.credential' order by recorded"
    )
    with house.session() as session:
        found = [(row["type"], row["code"]) for row in session.all(query)]
    assert found == [
        ("expiry.near", "30"),
        ("expiry.near", "7"),
        ("expiry.near", "1"),
        ("expiry.over", "-1"),
    ]


def test_who_was_away_on_the_day_is_told_at_once_and_a_new_date_begins_anew(
    house: House, profile: Profile
) -> None:
    expiry = Expiry("optum", "credential", TODAY)
    assert told(house, profile, expiry, TODAY - timedelta(days=3)) == ["expires_soon 7"]
    later = Expiry("optum", "credential", TODAY + timedelta(days=365))
    assert told(house, profile, later, TODAY) == []
    day = later.last_day - timedelta(days=7)
    assert told(house, profile, later, day) == ["expires_soon 7"]


@pytest.mark.parametrize(
    ("days", "said"),
    [
        (30, "ends on Dec 31, 2026, in 30 days"),
        (1, "ends on Dec 2, 2026, in 1 day"),
        (0, "ends today"),
        (-1, "ended on Nov 30, 2026"),
    ],
)
def test_the_desk_says_it_in_words(days: int, said: str) -> None:
    assert words.ends(TODAY + timedelta(days=days), days) == said
