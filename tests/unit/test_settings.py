"""Settings: every mistake names the file, the line and the key, and stops the start."""

from datetime import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from cleargate.app import CLEARINGHOUSES, EHRS, MESSENGERS
from cleargate.nouns.errors import BadSettings
from cleargate.nouns.time import SystemClock
from cleargate.settings import (
    ConnectionTable,
    ReferencedSecrets,
    installation,
    read_practice,
    read_practices,
)
from tests.unit.connectors.parts import Calls, Tokens, Unlimited

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


def test_secrets_are_references_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ReferencedSecrets(tmp_path)
    (tmp_path / "password").write_text("from a file\n")
    monkeypatch.setenv("SAMPLE_SECRET", "from the environment")
    assert secrets.get("file:password") == "from a file"
    assert secrets.get("env:SAMPLE_SECRET") == "from the environment"
    for wrong in ("hunter2", "env:NOT_THERE", "file:not-there"):
        with pytest.raises(BadSettings) as raised:
            secrets.get(wrong)
        assert "hunter2" not in str(raised.value)
