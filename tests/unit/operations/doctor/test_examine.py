"""Checks run beside each other; one that breaks or hangs stops none, and is told in words."""

import io
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from rich.console import Console
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from cleargate.app import connections
from cleargate.engine.watchdog import mend_orphans
from cleargate.house import House as Opened
from cleargate.nouns.errors import BadSettings
from cleargate.operations.doctor import CHECKS
from cleargate.operations.doctor.connections import connection_checks
from cleargate.operations.doctor.examine import Report, examine
from cleargate.operations.doctor.finding import Check, Finding, Level, look, ok, wrong
from cleargate.operations.doctor.report import tell
from cleargate.store.database import Database
from cleargate.store.keyring import Keyring
from tests.house import House, open_case


def _fine(_: Opened) -> Iterator[Finding]:
    yield ok("This works.")


def _breaks(_: Opened) -> Iterator[Finding]:
    yield ok("So far.")
    raise ZeroDivisionError("Toni Testperson")


def _no_database(_: Opened) -> Iterator[Finding]:
    raise OperationalError("select 1", {}, Exception("secret"))
    yield ok("never")


def _refused(_: Opened) -> Iterator[Finding]:
    raise BadSettings("practice.toml:7: ehr.vendor: there is no such connector.")
    yield ok("never")


def test_a_check_that_breaks_stops_none_and_quotes_nothing(opened: Opened) -> None:
    broken, no_database, refused, fine = examine(
        opened,
        [
            Check("broken", _breaks),
            Check("no database", _no_database),
            Check("refused", _refused),
            Check("fine", _fine),
        ],
    )
    assert [each.what for each in broken.findings] == [
        "So far.",
        "Not checked: this check itself failed (ZeroDivisionError).",
    ]
    assert [each.what for each in no_database.findings] == [
        "Not checked: the database does not answer."
    ]
    assert refused.findings[0].what.startswith("practice.toml:7")
    assert fine.findings == [ok("This works.")]
    assert "Testperson" not in repr(broken)


def test_a_check_that_hangs_is_left_and_what_it_had_found_is_told(opened: Opened) -> None:
    release = threading.Event()

    def hangs(_: Opened) -> Iterator[Finding]:
        yield ok("So far.")
        release.wait(60)

    try:
        hung, fine = examine(opened, [Check("hangs", hangs, limit_s=0.2), Check("fine", _fine)])
    finally:
        release.set()
    assert [each.level for each in hung.findings] == [Level.OK, Level.WRONG]
    assert "was not waited for" in hung.findings[1].what
    assert fine.findings == [ok("This works.")]


def _printed(reports: list[Report], *, as_json: bool = False) -> tuple[int, str]:
    written = io.StringIO()
    code = tell(reports, as_json, Console(file=written, width=80))
    return code, written.getvalue()


FOUND = [
    Report("clock", [ok("The clock agrees with the database's.")]),
    Report("sample-clinic/ehr", [look("The certificate ends in 12 days.", "Renew it.")]),
    Report("files", [wrong("Others may read /etc/cleargate/key.", "Run: chmod go-rwx it")]),
]


def test_the_words_say_what_the_colours_say_at_eighty_columns() -> None:
    code, said = _printed(FOUND)
    assert code == 1
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80
    lines = [line.split() for line in said.splitlines()]
    assert [line[:2] for line in lines[:8]] == [
        ["clock"],
        ["ok", "The"],
        ["sample-clinic/ehr"],
        ["look", "The"],
        ["->", "Renew"],
        ["files"],
        ["wrong", "Others"],
        ["->", "Run:"],
    ]
    assert "1 wrong, 1 to look at; the arrows say what to do." in said


def test_a_command_is_not_broken_in_the_middle_of_a_path() -> None:
    path = f"/srv/{'practice-' * 12}/key.pem"
    _, said = _printed(
        [Report("files", [wrong("Others may read it.", f"Run: chmod 600 '{path}'")])]
    )
    assert any(path in line for line in said.splitlines())


def test_what_is_only_to_be_looked_at_is_no_failure() -> None:
    assert _printed(FOUND[:2])[0] == 0
    code, said = _printed(FOUND[:1])
    assert code == 0
    assert "All is well." in said


def test_json_has_every_finding(opened: Opened) -> None:
    code, said = _printed(FOUND, as_json=True)
    assert code == 1
    assert json.loads(said)[2] == {
        "check": "files",
        "level": "wrong",
        "what": "Others may read /etc/cleargate/key.",
        "way_out": "Run: chmod go-rwx it",
    }


def test_an_installation_without_a_worker_is_told_so_and_nothing_else(opened: Opened) -> None:
    reports = examine(opened, CHECKS)
    bad = {(r.check, f.what) for r in reports for f in r.findings if f.level is not Level.OK}
    new = {each for each in bad if each[0] in ("trail", "backups")}  # Nothing was sealed yet.
    assert bad - new == {("engine", "No worker runs now; nothing is late.")}


@pytest.mark.parametrize("name", [each.name for each in CHECKS])
def test_every_check_finds_something_to_say(opened: Opened, name: str) -> None:
    [report] = examine(opened, [each for each in CHECKS if each.name == name])
    assert report.findings
    for finding in report.findings:
        assert finding.what.endswith(".")


def test_without_a_database_it_is_said_once_what_to_mend_first(opened: Opened) -> None:
    url = "postgresql+psycopg://x:hush-hush@127.0.0.1:9/x"
    nowhere = Database(url, Keyring(opened.keys))
    installation = opened.installation.model_copy(update={"database_url": url})
    broken = replace(opened, database=nowhere, installation=installation)
    reports = examine(broken, CHECKS)
    nowhere.close()
    wrongs = [f.what for r in reports for f in r.findings if f.level is Level.WRONG]
    waiting = [r.check for r in reports for f in r.findings if "does not answer" in f.what]
    assert wrongs == ["Nothing answers at 127.0.0.1:9 (CLEARGATE_DATABASE_URL)."]
    assert waiting == [
        *("row-level security", "database roles", "database log", "clock", "keys", "trail"),
        *("engine", "outages"),
    ]
    assert "hush-hush" not in repr(reports)


def test_nothing_of_a_patient_is_said(opened: Opened, house: House) -> None:
    """With cases of every kind in the database, and something wrong with each."""
    with house.session() as session:
        case = open_case(session, datetime.now(UTC))
        session.run(text("delete from dbos.workflow_status"))
        session.run(text("update cases set updated_at = now() - interval '1 hour'"))
    reports = examine(opened, (*CHECKS, *connection_checks(connections(opened))))
    said = _printed(reports)[1] + _printed(reports, as_json=True)[1]
    assert "1 open case" in said
    for secret in ("Testperson", "Toni", "MEMBER0001", "example.invalid", "2025550123", case.hex):
        assert secret not in said
    assert str(case) not in said
    assert mend_orphans(house.database, age_s=60.0) == 1


def test_a_check_on_a_database_of_another_release_says_so(opened: Opened, house: House) -> None:
    """A table or a right that is not there is no mistake of the doctor's."""
    with house.owner() as owner:
        owner.execute("revoke select on leases from cleargate_app")
        [report] = examine(opened, [each for each in CHECKS if each.name == "engine"])
        owner.execute("grant select on leases to cleargate_app")
    [finding] = report.findings
    assert finding.level is Level.LOOK
    assert "not as this release needs it" in finding.what
    assert "`cleargate migrate`" in finding.way_out
