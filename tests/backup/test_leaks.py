"""Nothing of a patient, and no password, is in a backup, beside it, or in what a child is given."""

import io
import os
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path

from rich.console import Console

from cleargate.nouns.insurance import Insurance
from cleargate.nouns.patient import Address, Contact, Name, Patient, Sex
from cleargate.operations import backup
from cleargate.store import backup_dump, inquiries
from cleargate.store.backup_restore import list_entries
from cleargate.store.postgres_tools import database, environment, running
from tests.backup.installation import ROLE_PASSWORD, Backups
from tests.house import open_case, visit_request
from tests.security.canary import needles
from tests.security.test_two_practices import ANSWER, INQUIRY

NOW = datetime(2030, 1, 7, 12, tzinfo=UTC)
PLANTED = [
    "Zwölfkötter-Ångström",
    "Philomena-Xanthippe",
    "philomena.xanthippe@example.invalid",
    "+12025550187",
    "77 Quokka Terrace",
    "Nullaborville",
    "QMX-8841-7730-ZZ",
    "knee hurts since the marathon",
]


def plant(backups: Backups) -> None:
    family, given, mail, phone, street, city, member, reason = PLANTED
    address = Address(street, city, "IL", "62701")
    patient = Patient(
        Name(family, given), date(1951, 3, 14), Sex.FEMALE, Contact(mail, phone, address)
    )
    request = visit_request(
        patient=patient, reason=reason, insurances=(Insurance("sample", "Sample Payer", member),)
    )
    with backups.house.session() as session:
        case = open_case(session, NOW, request=request)
        inquiries.add(session, case, INQUIRY)
        [inquiry] = inquiries.current(session, case)
        inquiries.keep_raw(session, inquiry.id, ANSWER, NOW)


def test_no_planted_identifier_is_in_the_folder_or_in_the_dump_itself(backups: Backups) -> None:
    """The dump would not betray them either: it holds what the database holds, which is sealed."""
    plant(backups)
    manifest = backups.back_up()
    (backups.folder / "plain").mkdir()
    entries = backups.folder / "plain" / "dump.sql"
    _as_text(backups, entries)
    assert b"COPY public.cases" in entries.read_bytes()
    searched = [path for path in backups.folder.rglob("*") if path.is_file()]
    assert {manifest.name, f"{manifest.name}.json", "dump.sql"} <= {path.name for path in searched}
    for path in searched:
        content = path.read_bytes()
        assert [text for needle, text in needles(PLANTED).items() if needle in content] == []


def _as_text(backups: Backups, file: Path) -> None:
    """The dump as plain SQL, which only a test ever writes."""
    url = backups.backup_url
    command = [backup_dump.program("pg_dump", url), "--format=plain", "--no-password"]
    with file.open("wb") as out, running(command, url, output=out):
        pass


def test_a_backup_is_not_even_recognisable_as_a_dump(backups: Backups) -> None:
    """Names of tables and the archive's magic would be there in one that is not sealed."""
    content = backups.make().read_bytes()
    for mark in (b"PGDMP", b"cases", b"public", b"cleargate_app", b"practice"):
        assert mark not in content.removeprefix(b"cleargate backup 1\n"), mark


def test_a_password_is_in_no_command_line(backups: Backups) -> None:
    """It goes through the child's environment, which only its own user can read."""
    url = backups.backup_url
    code = "import os, sys; print(sys.argv, sorted(os.environ))"
    with running([sys.executable, "-c", code, "--dbname", database(url)], url) as child:
        assert child.stdout is not None
        said = child.stdout.read().decode()
    assert ROLE_PASSWORD not in said
    assert "PGPASSWORD" in said
    assert "CLEARGATE" not in said
    assert environment(url)["PGPASSWORD"] == ROLE_PASSWORD
    assert environment(url)["PGUSER"] == "cleargate_backup"


def test_what_postgres_s_programs_complain_of_is_said_in_our_words(backups: Backups) -> None:
    """A server's message may quote a row."""
    code = "import sys; sys.stderr.write('ERROR: Failing row contains (Zwölfkötter)'); sys.exit(1)"
    try:
        with running([sys.executable, "-c", code], backups.backup_url):
            pass
    except backup.Refused as refused:
        assert "Zwölf" not in str(refused)
        assert "for a reason of its own" in str(refused)
    else:
        raise AssertionError("it was taken for a success")


def test_a_failing_restore_says_no_more(backups: Backups) -> None:
    """A dump that is none, but sealed well: by us, of the wrong thing."""
    url = backups.empty_database("of_nothing")
    try:
        list_entries(url, iter([b"PGDMP not an archive" * 1000]))
    except backup.Refused as refused:
        assert str(refused).startswith("pg_restore failed")
    else:
        raise AssertionError("it was taken for a dump")


def test_nothing_stays_in_the_folder_for_temporary_files(backups: Backups, tmp_path: Path) -> None:
    plant(backups)
    file = backups.make()
    code = (
        "import sys; from pathlib import Path; from cleargate.operations import backup;"
        "from cleargate.store.keyfile import LocalKeyFile;"
        "print(backup.tested(LocalKeyFile(Path(sys.argv[1])), Path(sys.argv[2])).faults)"
    )
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", code, str(backups.house.key_file), str(file)],
        env={**os.environ, "TMPDIR": str(temporary)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "()\n"
    assert list(temporary.iterdir()) == []


def test_the_console_names_the_file_and_nothing_in_it(backups: Backups) -> None:
    plant(backups)
    file = backups.make()
    said = io.StringIO()
    backup.verify(backups.opened, file, Console(file=said))
    assert "Verified" in said.getvalue()
    assert [text for text in PLANTED if text in said.getvalue()] == []
