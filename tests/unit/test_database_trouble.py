"""A database that is away, closed, or of another release: one sentence, and never a traceback."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import sqlalchemy as sa
from psycopg import sql
from structlog.testing import capture_logs

from cleargate.store import server
from cleargate.store.roles import AUDITOR_ROLE, BACKUP_ROLE, RETENTION_ROLE, SEALER_ROLE
from cleargate.store.trouble import NoDatabase, await_database, shut, trouble
from cleargate.trail.note import verifier_key
from tests.house import APP_PASSWORD, House
from tests.proxy import Proxy, to_unix
from tests.unit.operations.doctor.conftest import write_practices

NOBODY = "00000000-0000-4000-8000-000000000000"

COMMANDS: dict[tuple[str, ...], str] = {
    ("keys", "status"): "DATABASE_URL",
    ("keys", "rotate"): "OWNER_DATABASE_URL",
    ("keys", "shred", "sample-clinic"): "OWNER_DATABASE_URL",
    ("keys", "rotate-credential", "ehr", "--practice", "sample-clinic"): "DATABASE_URL",
    ("audit", "seal", "--once"): "SEALER_DATABASE_URL",
    ("audit", "verify"): "AUDITOR_DATABASE_URL",
    ("audit", "export", "--out", "bundle"): "AUDITOR_DATABASE_URL",
    ("audit", "receipt", NOBODY, "--out", "receipt"): "AUDITOR_DATABASE_URL",
    ("audit", "who", "--case", NOBODY, "--practice", "sample-clinic"): "DATABASE_URL",
    ("retention", "run"): "RETENTION_DATABASE_URL",
    ("backup", "--to", "backups"): "BACKUP_DATABASE_URL",
    ("restored",): "OWNER_DATABASE_URL",
    ("hold", "list"): "DATABASE_URL",
    ("eligibility", "sweep"): "DATABASE_URL",
    ("eligibility", "capture", NOBODY, "--practice", "sample-clinic"): "DATABASE_URL",
}
"""Every command that needs a database, and the variable that leads to it.

`migrate` and `doctor` are for a database that is not as it should be; `serve`, `work` and `drain`
take the output of their process, and have tests of their own.
"""

AWAY = {"host": "127.0.0.1", "port": 9, "query": {}}

_CHILD = """
import io, json, os, sys
from cleargate.__main__ import run
tell = os.fdopen(os.dup(1), "w")
kept = dict(os.environ)
for line in sys.stdin:
    arguments, more = json.loads(line)
    os.environ.clear()
    os.environ.update(kept, **more)
    screen = io.StringIO()
    try:
        code = run(arguments, screen)
    except SystemExit as end:
        code = end.code
    print(json.dumps([code, screen.getvalue()]), file=tell, flush=True)
"""


@dataclass(frozen=True)
class Shell:
    """Runs commands one after the other in one process, which has imported everything once."""

    child: subprocess.Popen[str]

    def run(self, arguments: tuple[str, ...], environment: Mapping[str, str]) -> tuple[int, str]:
        """The exit code, and what was said."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.write(json.dumps([arguments, environment]) + "\n")
        self.child.stdin.flush()
        code, said = json.loads(self.child.stdout.readline())
        return code, said


@pytest.fixture(scope="module")
def environment(house: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What every command needs beside a database of its own."""
    folder = tmp_path_factory.mktemp("installation")
    write_practices(folder / "practices")
    public = verifier_key(house.signing_key.public_key)
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "PYTHONPATH": os.pathsep.join(sys.path),
        "CLEARGATE_DATABASE_URL": house.app_url,
        "CLEARGATE_DATABASE_WAIT_S": "0",
        "CLEARGATE_KEY_FILE": str(house.key_file),
        "CLEARGATE_PRACTICES": str(folder / "practices"),
        "CLEARGATE_TRAIL_KEY": str(house.key_file.with_name("trail-key.pem")),
        "CLEARGATE_TRAIL_PUBLIC_KEY": public,
    }


@pytest.fixture(scope="module")
def shell(environment: dict[str, str]) -> Iterator[Shell]:
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with child:
        yield Shell(child)


def _urls(house: House) -> dict[str, str]:
    return {
        "DATABASE_URL": house.app_url,
        "OWNER_DATABASE_URL": house.owner_url,
        "SEALER_DATABASE_URL": house.as_role(SEALER_ROLE),
        "AUDITOR_DATABASE_URL": house.as_role(AUDITOR_ROLE),
        "RETENTION_DATABASE_URL": house.as_role(RETENTION_ROLE),
        "BACKUP_DATABASE_URL": house.as_role(BACKUP_ROLE),
    }


def _set(url: str, **changes: Any) -> str:
    return sa.make_url(url).set(**changes).render_as_string(hide_password=False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (AWAY, "nothing answers at 127.0.0.1:9; see that Postgres runs"),
        ({"password": "hush-hush"}, "refuses the password of {role}; correct the address"),
        ({"database": "nothing"}, "has no database nothing; correct the address"),
    ],
)
def test_a_database_that_cannot_be_had_is_one_sentence(
    house: House, shell: Shell, changes: dict[str, Any], said: str
) -> None:
    for command, name in COMMANDS.items():
        url = _set(_urls(house)[name], **changes)
        code, told = shell.run(command, {f"CLEARGATE_{name}": url})
        assert code == 2, (command, told)
        assert told.startswith(f"CLEARGATE_{name}: "), (command, told)
        assert said.format(role=sa.make_url(url).username) in told, (command, told)
        assert told.count("\n") == 1, (command, told)
        assert str(sa.make_url(url).password) not in told


_OF_ANY_RELEASE = {"BACKUP_DATABASE_URL"}
"""A backup is made before a migration, of whatever is there."""


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ("'0001'", "has schema 0001, and this version wants {newest}; run `cleargate migrate`"),
        ("'9999'", "has schema 9999, and this version wants {newest}; use the version"),
        ("null", "has no schema of Cleargate, and this version wants {newest}; run"),
    ],
)
def test_a_schema_of_another_release_is_one_sentence(
    house: House, shell: Shell, schema: str, said: str
) -> None:
    with _of_another_release(house, schema):
        for command, name in COMMANDS.items():
            if name in _OF_ANY_RELEASE:
                continue
            code, told = shell.run(command, {f"CLEARGATE_{name}": _urls(house)[name]})
            assert (code, told[:10]) == (2, "CLEARGATE_"), (command, told)
            assert said.format(newest=server.newest()) in told, (command, told)


@contextmanager
def _of_another_release(house: House, schema: str) -> Iterator[None]:
    """Nothing is where this release looks for it."""
    with house.owner() as owner:
        rows = owner.execute(
            "select tablename from pg_tables where schemaname = 'public'"
            " and tablename <> 'cleargate_schema'"
        ).fetchall()
        moves = [
            sql.SQL("alter table {}.{} set schema {}").format(*map(sql.Identifier, names))
            for (table,) in rows
            for names in (("public", table, "elsewhere"), ("elsewhere", table, "public"))
        ]
        owner.execute("create schema elsewhere")
        for move in moves[::2]:
            owner.execute(move)
        owner.execute(f"comment on table cleargate_schema is {schema}".encode())
        try:
            yield
        finally:
            for move in moves[1::2]:
                owner.execute(move)
            owner.execute("drop schema elsewhere")
            owner.execute(f"comment on table cleargate_schema is '{server.newest()}'".encode())


def test_a_role_without_its_grants_is_one_sentence(house: House, shell: Shell) -> None:
    roles = "cleargate_app, cleargate_sealer, cleargate_auditor"
    with house.owner() as owner:
        owner.execute(f"revoke select on practices from {roles}".encode())
        owner.execute("revoke delete on cases from cleargate_retention")
        try:
            for command, name in COMMANDS.items():
                if name in ("OWNER_DATABASE_URL", "BACKUP_DATABASE_URL"):
                    continue  # The owner has every right; the backup's child says it.
                code, told = shell.run(command, {f"CLEARGATE_{name}": _urls(house)[name]})
                assert code == 2, (command, told)
                assert told.startswith("CLEARGATE_"), (command, told)
                assert "lacks rights in the database, such as" in told
                assert "run `cleargate migrate`" in told
        finally:
            owner.execute(f"grant select on practices to {roles}".encode())
            owner.execute("grant delete on cases to cleargate_retention")
    assert trouble(house.app_url) is None


@pytest.mark.parametrize("command", ["serve", "work", "drain"])
def test_what_runs_for_long_ends_at_once_where_a_person_has_to_act(
    environment: dict[str, str], house: House, command: str
) -> None:
    """And not by a traceback: its supervisor's log has the sentence."""
    broken = {
        "CLEARGATE_DATABASE_URL": _set(house.app_url, password="hush-hush"),
        "CLEARGATE_DATABASE_WAIT_S": "600",
        "CLEARGATE_TRAIL_KEY": "",
    }
    done = subprocess.run(
        [sys.executable, "-m", "cleargate", command],
        env={**environment, **broken},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("CLEARGATE_DATABASE_URL: the database at /")
    assert "refuses the password of cleargate_app" in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_database_that_is_still_to_come_is_waited_for(house: House) -> None:
    """After a power cut, the pages may be up before Postgres is."""
    server_socket, refusals = to_unix(house.app_url), [OSError(), OSError()]

    def upstream() -> socket.socket:
        if refusals:
            raise refusals.pop()
        return server_socket()

    with Proxy(upstream) as line, capture_logs() as lines:
        await_database(line.url(house.app_url), 60)
    assert [each["event"] for each in lines] == ["waiting_for_database"] * 2


def test_a_database_that_does_not_come_is_told_in_the_end(house: House) -> None:
    nowhere = _set(house.app_url, **AWAY)
    with capture_logs() as lines, pytest.raises(NoDatabase, match="nothing answers at 127"):
        await_database(nowhere, 0.1)
    assert [each["event"] for each in lines] == ["waiting_for_database"]


@pytest.mark.parametrize(
    ("said", "what", "passes"),
    [
        ("failed to resolve host 'db.example.test': [Errno -2]", "there is no host", True),
        ('FATAL:  role "cleargate_app" is not permitted to log in', "has no password", False),
        ("fe_sendauth: no password supplied", "wants a password for cleargate_app", False),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.5"', "does not take", False),
        ("FATAL:  sorry, too many clients already", "has no free connection", True),
        ("FATAL:  the database system is starting up", "is starting or ending", True),
        ("SSL error: certificate verify failed", "does not prove who it is", False),
        ("FATAL:  something of next year's", "refuses cleargate_app", False),
        ("connection timeout expired", "nothing answers", True),
    ],
)
def test_what_the_server_says_becomes_words_of_ours(said: str, what: str, passes: bool) -> None:
    url = "postgresql+psycopg://cleargate_app:hush-hush@db.example.test:6432/clinic"
    found = shut(url, said)
    assert what in found.what
    assert found.passes is passes
    assert "db.example.test:6432" in found.what
    assert "hush" not in found.about(url)
    assert found.about(url).startswith("the database's address: ")


def test_an_address_that_is_none_is_refused_before_it_is_used(shell: Shell) -> None:
    for name in {*COMMANDS.values()} - {"DATABASE_URL", "OWNER_DATABASE_URL"}:
        command = next(each for each, needs in COMMANDS.items() if needs == name)
        for url in ("nonsense", "postgresql://a:hush@127.0.0.1/db", "sqlite://"):
            code, told = shell.run(command, {f"CLEARGATE_{name}": url})
            assert code == 2, (command, told)
            assert told.startswith(f"CLEARGATE_{name}: "), (command, told)
            assert "hush" not in told


def test_an_owner_who_may_not_migrate_is_told_what_it_takes(house: House, shell: Shell) -> None:
    password = {"CLEARGATE_APP_PASSWORD": APP_PASSWORD}
    stranger = _set(house.owner_url, username="stranger", password="sample")
    with house.owner() as owner:
        owner.execute("create role stranger login password 'sample'")
        try:
            changes = {"CLEARGATE_OWNER_DATABASE_URL": stranger, **password}
            code, told = shell.run(("migrate",), changes)
        finally:
            owner.execute("drop role stranger")
    assert (code, told.count("\n")) == (2, 1)
    assert told.startswith("CLEARGATE_OWNER_DATABASE_URL: stranger may not")
    assert "CREATEROLE" in told


def test_a_later_release_s_database_is_not_migrated(house: House, shell: Shell) -> None:
    password = {"CLEARGATE_APP_PASSWORD": APP_PASSWORD}
    with house.owner() as owner:
        owner.execute("comment on table cleargate_schema is '9999'")
        try:
            changes = {"CLEARGATE_OWNER_DATABASE_URL": house.owner_url, **password}
            code, told = shell.run(("migrate",), changes)
        finally:
            owner.execute(f"comment on table cleargate_schema is '{server.newest()}'".encode())
    assert code == 2
    assert "has schema 9999, and this version wants" in told
