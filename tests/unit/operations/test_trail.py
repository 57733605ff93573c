"""The trail's commands, as a compliance officer calls them: what they print, and what they say."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import sqlalchemy as sa
from rich.console import Console
from structlog.testing import capture_logs
from typer.testing import CliRunner

from cleargate.commands.audit import app
from cleargate.house import House, note_settings, open_house
from cleargate.logs import line
from cleargate.nouns.errors import BadSettings, Refused
from cleargate.operations.anchor_mail import mail_anchor
from cleargate.operations.trail import restored_trail_faults, seal_until_told
from cleargate.operations.trail_checkpoint import print_checkpoints
from cleargate.operations.trail_export import ExportOptions, export_trail, write_receipt
from cleargate.operations.trail_verify import VerifyOptions, verify_trail
from cleargate.operations.trail_who import WhoOptions, who_saw
from cleargate.settings import Installation, TrailSettings
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.roles import AUDITOR_ROLE, SEALER_ROLE
from cleargate.trail.note import verifier_key
from tests.house import House as Rooms
from tests.house import TurnedClock, open_case
from tests.unit.connectors.mail_server import Server
from tests.unit.connectors.parts import peer
from tests.web.installation import SLUG, read_profiles

_CHANGED = sa.text(
    "select count(*) from audit_events where practice_id = :practice and type = 'settings.changed'"
)


@pytest.fixture
def installed(house: Rooms, tmp_path: Path) -> Iterator[House]:
    """An installation, for what needs its keys."""
    (tmp_path / "practices").mkdir()
    read_profiles(tmp_path / "practices")
    opened = open_house(
        Installation(
            database_url=house.app_url,
            key_file=house.key_file,
            practices=tmp_path / "practices",
        )
    )
    yield opened
    opened.database.close()


@pytest.fixture
def settings(house: Rooms, tmp_path: Path) -> TrailSettings:
    """What sealing and auditing take: no keys of the practices, no app role."""
    (tmp_path / "anchors").mkdir()
    return TrailSettings(
        sealer_database_url=house.as_role(SEALER_ROLE),
        auditor_database_url=house.as_role(AUDITOR_ROLE),
        trail_public_key=verifier_key(house.signing_key.public_key),
        trail_key=str(house.key_file.with_name("trail-key.pem")),
        anchors=str(tmp_path / "anchors"),
    )


MAIL = """
to = "officer@practice.example.test"
[smtp]
host = "127.0.0.1"
port = {port}
tls = "none"
sender = "trail@practice.example.test"
"""

_NEWEST = sa.text(
    "select type, actor from audit_events where practice_id = :practice order by xid desc limit 1"
)


def _told(house: Rooms) -> str:
    """What the newest event of the trail says that somebody at a terminal did."""
    with house.session() as session:
        row = session.run(_NEWEST).one()
    assert str(row.actor).startswith("cli:")
    return str(row.type)


def _console() -> Console:
    return Console(file=StringIO(), width=400)


def _said(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def _work(house: Rooms, clock: TurnedClock) -> str:
    """Something to seal; gives the id of one event."""
    with house.session() as session:
        case = open_case(session, clock.now())
        event = Event("case.read", Action.READ, "case", str(case), actor="api:sample", case=case)
        return str(audit.record(session, event))


def test_a_sealed_trail_is_whole_and_says_so(
    house: Rooms, settings: TrailSettings, clock: TurnedClock
) -> None:
    _work(house, clock)
    seal_until_told(settings, once=True)
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG), console) == 0
    assert f"{SLUG}: whole (" in _said(console)
    assert "1 anchors" in _said(console)


def test_a_trail_that_is_not_whole_ends_with_one_and_names_the_event(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    event = _work(house, clock)
    seal_until_told(settings, once=True)
    log = tmp_path / "worker.log"
    gone = "01a206dc-57a0-7715-bfbe-1a90de9c6e1f"
    lines = [{"event": "audit", "audit": each, "practice_id": str(house.practice)} for each in (
        event, gone,
    )]  # fmt: skip
    log.write_text("\n".join(map(json.dumps, lines)) + '\nno json "audit"\n{"audit": 3}\n')
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG, logs=(log,)), console) == 1
    assert f"event {gone}: the log names this event" in _said(console)
    console = _console()
    verify_trail(settings, VerifyOptions(SLUG, logs=(log,), as_json=True), console)
    report = json.loads(_said(console))[SLUG]
    assert (report["whole"], [fault["event"] for fault in report["faults"]]) == (False, [gone])


def test_a_printed_checkpoint_is_an_anchor(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    _work(house, clock)
    house.seal()
    console = _console()
    print_checkpoints(settings, SLUG, None, console)
    assert f"Practice {SLUG} ({house.practice})" in _said(console)
    out = tmp_path / "checkpoint.txt"
    print_checkpoints(settings, "", out, _console())
    assert _told(house) == "audit.checkpoint"
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG, against=str(out)), console) == 0
    assert "1 anchors" in _said(console)
    with pytest.raises(Refused, match="is there already"):
        print_checkpoints(settings, SLUG, out, _console())


def test_the_command_prints_for_paper(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    _work(house, clock)
    house.seal()
    monkeypatch.setenv("CLEARGATE_AUDITOR_DATABASE_URL", settings.auditor_database_url)
    monkeypatch.setenv("CLEARGATE_TRAIL_PUBLIC_KEY", settings.trail_public_key)
    said = CliRunner().invoke(app, ["checkpoint", "--practice", SLUG])
    assert (said.exit_code, said.output.splitlines()[0]) == (0, "Checkpoints of the audit trail")
    assert re.search(rf"^cleargate/{house.practice}\n\d+\n.{{44}}\n\n\u2014 ", said.output, re.M)


def test_what_the_sealer_mails_is_an_anchor(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    """From the settings to the bytes on the wire, saved as a mail, to what verification says."""
    _work(house, clock)
    server, path, saved = Server(), tmp_path / "mail.toml", tmp_path / "saved.eml"
    with peer(server) as port:
        path.write_text(MAIL.format(port=port))
        with capture_logs() as lines:
            seal_until_told(settings.model_copy(update={"anchor_mail": path}), once=True)
    mailed = [line for line in lines if line["event"] == "checkpoint_mailed"]
    assert [line["connection"] for line in mailed] == ["checkpoint-mail"]
    assert "rcpt TO:<officer@practice.example.test>" in server.commands
    saved.write_bytes(server.mail)
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG, against=str(saved)), console) == 0
    assert "1 anchors" in _said(console)


def test_checkpoints_in_the_log_are_anchors_and_replace_no_others(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    """What the sealer wrote to its log, as it left; and a directory that somebody emptied."""
    _work(house, clock)
    with capture_logs() as said:
        seal_until_told(settings, once=True)
    told = [{**each, "level": "info"} for each in said if each["event"] == "checkpoint"]
    log = tmp_path / "sealer.log"
    odd = ['{"checkpoint"', '{"event": "checkpoint", "practice_id": 3}', '["checkpoint"]']
    log.write_text("\n".join([*odd, *map(line, told)]))
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG, logs=(log,)), console) == 0
    assert "2 anchors" in _said(console)
    for path in Path(settings.anchors).iterdir():
        path.unlink()
    console = _console()
    assert verify_trail(settings, VerifyOptions(SLUG, logs=(log,)), console) == 1
    assert "1 anchors" in _said(console)
    assert "there is no anchor of this trail" in _said(console)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("officer@practice.example.test", "officer", r"mail.toml \(.*\): to: .*mail address"),
        ("host =", "hots =", r"smtp.host: Field required"),
        ("127.0.0.1", "mail.example.test", r"smtp: .*tls may be none only"),
        ("[smtp]", '[smtp]\nusername = "a"\npassword = "hunter2"', r"mail.toml: smtp: .*reference"),
        ("[smtp]", "[smtp", "is not TOML"),
    ],
)
def test_what_is_wrong_with_the_mail_stops_the_start(
    settings: TrailSettings, tmp_path: Path, old: str, new: str, words: str
) -> None:
    path = tmp_path / "mail.toml"
    path.write_text(MAIL.format(port=25).replace(old, new))
    with pytest.raises(BadSettings, match=words) as caught:
        seal_until_told(settings.model_copy(update={"anchor_mail": path}), once=True)
    assert "hunter2" not in str(caught.value)
    with pytest.raises(BadSettings, match=r"nowhere.toml .*cannot be read"):
        mail_anchor(tmp_path / "nowhere.toml")


def test_a_checkpoint_that_is_not_ours_is_not_printed(
    house: Rooms, settings: TrailSettings, clock: TurnedClock
) -> None:
    _work(house, clock)
    house.seal()
    others = settings.model_copy(update={"trail_public_key": verifier_key(bytes(32))})
    with pytest.raises(Refused, match=f"the newest checkpoint of {SLUG} is not signed"):
        print_checkpoints(others, SLUG, None, _console())


def test_each_look_at_the_trail_is_on_the_trail(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    event = _work(house, clock)
    house.seal()
    verify_trail(settings, VerifyOptions(SLUG, against=""), _console())
    assert _told(house) == "audit.verify"
    export_trail(settings, ExportOptions(SLUG, None, None), tmp_path / "x", _console())
    assert _told(house) == "audit.export"
    export_trail(settings, ExportOptions(SLUG, None, None, fhir=True), tmp_path / "y", _console())
    assert _told(house) == "audit.export"
    write_receipt(settings, SLUG, event, tmp_path / "z", _console())
    assert _told(house) == "audit.receipt"


def test_without_anchors_it_says_what_cannot_be_seen(
    house: Rooms, settings: TrailSettings, clock: TurnedClock
) -> None:
    bare = settings.model_copy(update={"anchors": ""})
    console = _console()
    verify_trail(bare, VerifyOptions(), console)
    assert "Without anchors nobody can see" in _said(console)


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("auditor_database_url", "CLEARGATE_AUDITOR_DATABASE_URL"),
        ("trail_public_key", "CLEARGATE_TRAIL_PUBLIC_KEY"),
    ],
)
def test_a_setting_that_is_missing_is_named(
    settings: TrailSettings, field: str, words: str
) -> None:
    bare = settings.model_copy(update={field: ""})
    with pytest.raises(BadSettings, match=words):
        verify_trail(bare, VerifyOptions(), _console())


def test_a_practice_that_is_not_there_is_said(settings: TrailSettings) -> None:
    with pytest.raises(Refused, match="there is no nowhere; there are: other-clinic, sample"):
        verify_trail(settings, VerifyOptions("nowhere"), _console())


def test_an_export_is_checked_by_the_program_beside_it(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    event = _work(house, clock)
    house.seal()
    key = verifier_key(house.signing_key.public_key)
    everything, receipt = tmp_path / "trail.bundle", tmp_path / "receipt.bundle"
    export_trail(settings, ExportOptions(SLUG, None, None), everything, _console())
    write_receipt(settings, SLUG, event, receipt, _console())
    for path in (everything, receipt):
        program = [sys.executable, "-I", str(tmp_path / "verify_bundle.py"), str(path), key]
        said = subprocess.run(program, capture_output=True, text=True)
        assert (said.returncode, said.stderr) == (0, "")
    assert event in receipt.read_text()
    with pytest.raises(Refused, match="is there already"):
        write_receipt(settings, SLUG, event, receipt, _console())


def test_after_an_exchange_of_keys_the_old_one_proves_what_it_signed(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    """The new key stands first, and has signed nothing yet."""
    _work(house, clock)
    house.seal()
    old = settings.trail_public_key
    both = settings.model_copy(update={"trail_public_key": f"{verifier_key(bytes(32))}, {old}"})
    console = _console()
    export_trail(both, ExportOptions(SLUG, None, None), tmp_path / "bundle", console)
    assert old in _said(console)
    assert verify_trail(both, VerifyOptions(SLUG), _console()) == 1, (
        "its place for anchors is empty"
    )
    assert (
        verify_trail(both.model_copy(update={"anchors": ""}), VerifyOptions(SLUG), _console()) == 0
    )


def test_fhir_comes_a_resource_a_line(
    house: Rooms, settings: TrailSettings, clock: TurnedClock, tmp_path: Path
) -> None:
    _work(house, clock)
    house.seal()
    out = tmp_path / "events.ndjson"
    export_trail(settings, ExportOptions(SLUG, None, None, fhir=True), out, _console())
    resources = [json.loads(line) for line in out.read_text().splitlines()]
    assert {each["resourceType"] for each in resources} == {"AuditEvent"}


@pytest.mark.parametrize("event", ["x", "01a206dc-57a0-7715-bfbe-1a90de9c6e1f"])
def test_no_receipt_for_what_is_no_event(
    settings: TrailSettings, tmp_path: Path, event: str
) -> None:
    with pytest.raises(Refused, match=r"EVENT is the id|not on the trail"):
        write_receipt(settings, SLUG, event, tmp_path / "x", _console())
    assert not (tmp_path / "x").exists()


def test_who_saw_a_patient_is_asked_at_the_prompt(
    house: Rooms, installed: House, clock: TurnedClock
) -> None:
    _work(house, clock)
    answers = {"Patient's last name": "Testperson", "Birth date (MM/DD/YYYY)": "02/28/1990"}
    console = _console()
    who_saw(installed, WhoOptions(SLUG), console, answers.__getitem__)
    assert "api:sample" in _said(console)
    assert "case.read" in _said(console)
    assert "Testperson" not in _said(console)
    console = _console()
    who_saw(installed, WhoOptions(SLUG, disclosures=True), console, answers.__getitem__)
    assert "Nothing is on the trail" in _said(console)
    with pytest.raises(Refused, match="MM/DD/YYYY"):
        who_saw(installed, WhoOptions(SLUG), _console(), lambda _: "x")
    with pytest.raises(Refused, match="knows no such case"):
        who_saw(installed, WhoOptions(SLUG, case="x"), _console())


def test_changed_settings_are_on_the_trail_once(house: Rooms, installed: House) -> None:
    def count() -> int:
        with house.session() as session:
            rows = session.run(_CHANGED)
            return int(rows.scalar_one())

    before = count()
    note_settings(installed)
    note_settings(installed)
    assert count() == before + 1
    folder = installed.installation.practices / SLUG / "practice.toml"
    folder.write_text(folder.read_text() + "\n# another day\n")
    later = open_house(installed.installation)
    note_settings(later)
    later.database.close()
    assert count() == before + 2


def test_a_restored_trail_is_held_against_its_seals(
    house: Rooms, settings: TrailSettings, clock: TurnedClock
) -> None:
    """What the test of a backup, and a restore, find out; without a public key they count only."""
    event = _work(house, clock)
    house.seal()
    assert restored_trail_faults(house.owner_url, settings) == []
    change = "update audit_events set body = replace(body, 'sample', %s) where id = %s"
    with house.owner() as owner:
        owner.execute("select set_config('app.practice_id', %s, false)", (str(house.practice),))
        owner.execute(change.encode(), ("another", event))
        [found] = restored_trail_faults(house.owner_url, settings)
        assert found.startswith(f"trail:{SLUG}:")
        blind = settings.model_copy(update={"trail_public_key": ""})
        assert restored_trail_faults(house.owner_url, blind) == []
        owner.execute(change.replace("'sample'", "'another'").encode(), ("sample", event))
    assert restored_trail_faults(house.owner_url, settings) == []
