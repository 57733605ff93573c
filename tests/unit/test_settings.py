"""Settings: every mistake names the file, the line and the key, and stops the start."""

from datetime import date, time, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from cleargate.app import CLEARINGHOUSES, EHRS, MESSENGERS
from cleargate.connection_table import ConnectionTable
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.time import SystemClock
from cleargate.operations.backup import keep_of
from cleargate.operations.backup_schedule import Keep
from cleargate.practice_file import agreements, read_practice, read_practices
from cleargate.secrets import ReferencedSecrets
from cleargate.settings import backup_settings, installation
from cleargate.store.database_url import must_be_verified
from cleargate.store.retention import Periods
from tests.unit.connectors.parts import Calls, Tokens, Unlimited

TODAY = date(2026, 12, 1)
TEMPLATE = Path(__file__).parents[2] / "src/cleargate/operations/demo_practice.toml"


def practice_toml(folder: Path, *changes: tuple[str, str]) -> Path:
    text = TEMPLATE.read_text().format(
        slug="sample",
        name="Sample Clinic",
        npi="1234567893",
        phone="+1 217 555 0100",
        zone="America/Chicago",
        fhir="http://127.0.0.1:1/fhir",
        token="http://127.0.0.1:1/token",
        core="http://127.0.0.1:1/core",
        core_username="sample",
        core_receiver="SAMPLE",
        smtp_host="127.0.0.1",
        smtp_port=25,
        deadline_s=5,
    )
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "practice.toml"
    path.write_text(text)
    return path


def test_a_whole_file_becomes_a_profile(tmp_path: Path) -> None:
    profile = read_practice(practice_toml(tmp_path)).profile("http://127.0.0.1:8000/")
    assert profile.public_url == "http://127.0.0.1:8000/sample"
    assert [each.code for each in profile.directory.visit_types] == ["eval", "followup"]
    assert profile.payers.by_id("aetna") is not None


def test_the_agreements_of_a_practice_are_listed_with_what_is_missing(tmp_path: Path) -> None:
    changed = practice_toml(
        tmp_path,
        ("http://127.0.0.1:1/fhir", "https://ehr.example.test/fhir"),
        ("http://127.0.0.1:1/core", "https://core.example.test"),
        ('vendor = "core_soap"', 'vendor = "core_soap"\nbaa_signed = 2026-11-01'),
    )
    found = agreements(read_practice(changed).file, TODAY)
    assert [(each.connection, each.leaves_machine, bool(each.fault)) for each in found] == [
        ("ehr", True, True),
        ("clearinghouse", True, False),
        ("mail", False, False),
    ]
    assert found[1].signed == date(2026, 11, 1)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('npi = "1234567893"', 'npi = "1234567890"', "practice.npi"),
        ('zone = "America/Chicago"', 'zone = "Mars/Olympus"', "practice.zone"),
        ('confirm_contact = "new"', 'confirm_contact = "perhaps"', "intake.confirm_contact"),
        ("duration_min = 30", "duration_min = 1", "visit_types.1.duration_min"),
        ('phone = "+1 217 555 0100"', 'fax = "1"', "practice.phone"),
        ("[intake]", '[eligibility]\nsweep_before = "3h"\n[intake]', "eligibility.sweep_before"),
        ('vendor = "smtp"', 'vendr = "smtp"', "mail.vendor"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(tmp_path: Path, old: str, new: str, key: str) -> None:
    path = practice_toml(tmp_path, (old, new))
    with pytest.raises(BadSettings) as raised:
        read_practice(path)
    message = str(raised.value)
    assert key in message
    number = int(message.split(":")[1])
    lines = path.read_text().splitlines()
    last = key.rpartition(".")[2]
    assert last in lines[number - 1] or lines[number - 1].startswith("[")


def test_the_sweep_is_off_until_it_has_an_hour(tmp_path: Path) -> None:
    plain = read_practice(practice_toml(tmp_path)).profile("http://127.0.0.1:8000/").eligibility
    assert (plain.sweep_at, plain.sweep_days, plain.write_back) == (None, 3, True)
    table = '[eligibility]\nsweep_at = "05:30"\nsweep_before = "4d"\nwrite_back = false\n[intake]'
    path = practice_toml(tmp_path, ("[intake]", table))
    chosen = read_practice(path).profile("http://127.0.0.1:8000/").eligibility
    assert (chosen.sweep_at, chosen.sweep_days, chosen.write_back) == (time(5, 30), 4, False)


def test_what_is_kept_has_a_shortest_time(tmp_path: Path) -> None:
    """Two years for a case, unless the practice says otherwise."""
    plain = read_practice(practice_toml(tmp_path)).file.retention.periods()
    assert plain == Periods()
    path = practice_toml(tmp_path, ("[intake]", "[retention]\ncases_days = 2555\n[intake]"))
    assert read_practice(path).file.retention.periods().cases.days == 2555
    for wrong in ("cases_days = 30", "answers_days = 30", "photos_days = 1", "trail_days = 9"):
        path = practice_toml(tmp_path, ("[intake]", f"[retention]\n{wrong}\n[intake]"))
        with pytest.raises(BadSettings, match=f"retention.{wrong.split()[0]}"):
            read_practice(path)


def test_backups_have_a_time_of_day_and_numbers_to_keep(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BACKUPS", "BACKUP_AT", "BACKUP_DAILY", "BACKUP_DATABASE_URL"):
        monkeypatch.delenv(f"CLEARGATE_{name}", raising=False)
    assert keep_of(backup_settings()) == Keep(14, 8, 12)
    monkeypatch.setenv("CLEARGATE_BACKUP_AT", "23:15")
    monkeypatch.setenv("CLEARGATE_BACKUP_DAILY", "30")
    assert backup_settings().backup_at == time(23, 15)
    assert keep_of(backup_settings()).daily == 30
    monkeypatch.setenv("CLEARGATE_BACKUP_DAILY", "0")
    with pytest.raises(BadSettings, match="CLEARGATE_BACKUP_DAILY"):
        backup_settings()


def test_no_toml_says_where(tmp_path: Path) -> None:
    path = tmp_path / "practice.toml"
    path.write_text("[practice\n")
    with pytest.raises(BadSettings, match=r"practice\.toml: is not TOML"):
        read_practice(path)


def test_an_empty_folder_of_practices_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match="CLEARGATE_PRACTICES"):
        read_practices(tmp_path)


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARGATE_DATABASE_URL", raising=False)
    with pytest.raises(BadSettings, match="CLEARGATE_DATABASE_URL"):
        installation()


def test_a_connection_that_leaves_the_machine_is_known_by_its_host(tmp_path: Path) -> None:
    here = read_practice(practice_toml(tmp_path)).file
    assert not here.ehr.leaves_machine
    assert not here.mail.leaves_machine
    there = practice_toml(tmp_path, ("http://127.0.0.1:1/fhir", "https://ehr.example.test/fhir"))
    assert read_practice(there).file.ehr.leaves_machine


def test_every_vendor_of_the_demo_is_wired(tmp_path: Path) -> None:
    file = read_practice(practice_toml(tmp_path)).file
    assert file.ehr.vendor in EHRS
    assert file.clearinghouses[0].vendor in CLEARINGHOUSES
    assert file.mail.vendor in MESSENGERS


CORE = {
    "base_url": "http://127.0.0.1:1/core",
    "username": "clinic",
    "password": "file:key",
    "sender_id": "CLINIC",
    "receiver_id": "DESK",
}
CLIENT = {"client_id": "clinic", "client_secret": "file:key"}


@pytest.mark.parametrize(
    ("vendor", "settings"),
    [
        ("availity", CLIENT | {"environment": "live"}),
        ("core_mime", CORE),
        ("core_soap", CORE),
        ("optum", CLIENT),
        ("pverify", CLIENT | {"location": "Main"}),
        ("stedi_json", {"api_key": "file:key"}),
        ("trizetto", {"username": "clinic", "password": "file:key"}),
        ("waystar", {"username": "clinic", "password": "file:key"}),
    ],
)
def test_every_clearinghouse_is_built_from_its_table(
    tmp_path: Path, vendor: str, settings: dict[str, str]
) -> None:
    (tmp_path / "key").touch(0o600)
    (tmp_path / "key").write_text("secret")
    wiring = SimpleNamespace(
        secrets=ReferencedSecrets(tmp_path),
        budget=lambda _: Unlimited(),
        recorder=Calls(),
        tokens=Tokens(),
        house=SimpleNamespace(clock=SystemClock()),
    )
    table = ConnectionTable(name="desk", vendor=vendor, settings=settings)
    made = CLEARINGHOUSES[vendor](wiring, table)
    assert (made.connection, made.repeatable) == ("desk", False)
    assert made.deadline_s == {"availity": 60.0, "optum": 115.0}.get(vendor, 110.0)
    assert set(CLEARINGHOUSES) == {
        "availity",
        "core_mime",
        "core_soap",
        "optum",
        "pverify",
        "stedi_json",
        "trizetto",
        "waystar",
    }


def test_a_vendor_that_knows_its_own_address_leaves_the_machine() -> None:
    """So that no default address spares a practice the agreement."""
    table = ConnectionTable(name="stedi", vendor="stedi_json", settings={"api_key": "file:key"})
    assert table.leaves_machine


@pytest.mark.parametrize(
    ("settings", "leaves"),
    [
        ({"base_url": "http://127.0.0.1:1/x"}, False),
        ({"base_url": "http://localhost/x", "headers": {"X-Name": "clinic"}}, False),
        ({"base_url": "http://[::1]/x"}, False),
        ({"base_url": "http://127.0.0.1", "smart": {"token_url": "https://ehr.test/t"}}, True),
        ({"base_url": "http://127.0.0.1", "other_origins": ["https://ehr.test"]}, True),
        ({"base_url": "http://127.0.0.1", "smart": {"token_url": "https://[bad"}}, True),
        ({"base_url": "https://127.0.0.1.evil.test"}, True),
        ({"base_url": "https://user@127.0.0.1@evil.test"}, True),
        ({"host": "127.0.0.1"}, False),
        ({"host": "localhost.evil.test"}, True),
        ({"host": "10.0.0.5"}, True),
        ({}, True),
    ],
)
def test_every_address_of_a_connection_counts_for_its_agreement(
    settings: dict[str, object], leaves: bool
) -> None:
    table = ConnectionTable(name="desk", vendor="fhir", settings=settings)
    assert table.leaves_machine is leaves
    assert bool(table.agreement_fault(TODAY)) is leaves


@pytest.mark.parametrize(
    ("signed", "fault"),
    [(None, "is missing"), (TODAY + timedelta(days=1), "to come"), (TODAY, "")],
)
def test_an_agreement_counts_from_its_day_on(signed: date | None, fault: str) -> None:
    table = ConnectionTable(name="desk", vendor="fhir", baa_signed=signed, settings={})
    found = table.agreement_fault(TODAY)
    assert fault in found
    assert bool(found) is bool(fault)


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ('password = "file:clearinghouse-password"', 'password = "hunter2"', "password"),
        ('password = "file:clearinghouse-password"', 'password = "env:"', "password"),
        ('password = "file:clearinghouse-password"', 'password = "aws:"', "password"),
        ('private_key = "file:ehr-key.pem"', 'private_key = "hunter2"', "private_key"),
        ("[mail.settings]", '[mail.settings.headers]\nX-Api-Key = "hunter2"', "X-Api-Key"),
    ],
)
def test_a_secret_itself_is_refused_at_its_line_and_not_shown(
    tmp_path: Path, old: str, new: str, key: str
) -> None:
    more = new + "\n[mail.settings]" if old == "[mail.settings]" else new
    path = practice_toml(tmp_path, (old, more))
    lines = path.read_text().splitlines()
    line = lines.index(new.splitlines()[-1]) + 1
    with pytest.raises(BadSettings) as raised:
        read_practice(path)
    assert str(raised.value).startswith(f"{path}:{line}: ")
    assert f".{key}: is a secret itself; write where it is" in str(raised.value)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://app@127.0.0.1/db",
        "postgresql+psycopg://app@localhost:5432/db",
        "postgresql+psycopg://app@[::1]/db",
        "postgresql+psycopg://app@/db?host=/run/postgresql",
        "postgresql+psycopg://app@/db",
        "postgresql+psycopg://app@db.example.test/db?sslmode=verify-full",
        "postgresql+psycopg://app@db.example.test/db?sslmode=verify-full&sslrootcert=system",
    ],
)
def test_a_database_here_or_one_that_proves_who_it_is_is_taken(url: str) -> None:
    assert must_be_verified(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+psycopg://app:hunter2@db.example.test/db",
        "postgresql+psycopg://app:hunter2@db.example.test/db?sslmode=require",
        "postgresql+psycopg://app:hunter2@db.example.test/db?sslmode=verify-ca",
        "postgresql+psycopg://app:hunter2@/db?host=db.example.test",
        "postgresql+psycopg://app:hunter2@/db?host=127.0.0.1&host=db.example.test",
        "postgresql+psycopg://app:hunter2@127.0.0.1/db?hostaddr=10.0.0.5",
        "postgresql+psycopg://app:hunter2@127.0.0.1/db?host=127.0.0.1,db.example.test",
        "postgresql+psycopg://app:hunter2@/db?service=far",
        "postgresql+psycopg://a@d.test/db?sslmode=verify-full&ssl_min_protocol_version=TLSv1",
        "postgresql+psycopg://a@d.test/db?sslmode=verify-full&sslmode=disable",
        "hunter2",
    ],
)
def test_a_database_elsewhere_that_need_not_prove_who_it_is_is_refused(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLEARGATE_DATABASE_URL", url)
    monkeypatch.setenv("CLEARGATE_KEY_FILE", "key")
    monkeypatch.setenv("CLEARGATE_PRACTICES", "practices")
    with pytest.raises(BadSettings, match="CLEARGATE_DATABASE_URL: ") as raised:
        installation()
    assert "hunter2" not in str(raised.value)


def test_the_environments_host_counts_where_the_address_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PGHOST", "db.example.test")
    with pytest.raises(ValueError, match="verify-full"):
        must_be_verified("postgresql+psycopg://app@/db")
