"""Postgres's programs: of the server's own version or none, and told where in a safe way."""

from pathlib import Path

import psycopg
import pytest

from cleargate.nouns.errors import BadSettings, Refused
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.embedded_home import MAJOR, own_programs
from cleargate.store.postgres_tools import database, environment, place, program, server_major


def test_our_own_programs_serve_our_own_version(cluster: EmbeddedPostgres) -> None:
    assert server_major(cluster.url()) == MAJOR
    assert program("pg_dump", cluster.url()) == str(own_programs() / "pg_dump")


@pytest.mark.parametrize(
    ("said", "fits"),
    [
        (f"pg_sample (PostgreSQL) {MAJOR}.1", True),
        (f"pg_sample (PostgreSQL) {MAJOR}beta2", False),
        (f"pg_sample (PostgreSQL) {MAJOR - 1}.9 (Debian {MAJOR - 1}.9-1)", False),
        ("pg_sample: no cluster is configured", False),
        ("", False),
    ],
)
def test_another_program_is_taken_only_if_it_is_of_the_same_version(
    cluster: EmbeddedPostgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    fits: bool,
) -> None:
    sample = tmp_path / "pg_sample"
    sample.write_text(f"#!/bin/sh\necho '{said}'\n")
    sample.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    if fits:
        assert program("pg_sample", cluster.url()) == str(sample)
        return
    with pytest.raises(Refused, match=f"install the Postgres {MAJOR} client programs"):
        program("pg_sample", cluster.url())


def test_a_program_that_is_nowhere_is_a_sentence(cluster: EmbeddedPostgres) -> None:
    with pytest.raises(Refused, match=f"there is no pg_nothing of version {MAJOR}"):
        program("pg_nothing", cluster.url())


def test_every_part_of_a_url_reaches_the_child() -> None:
    url = "postgresql+psycopg://me:p%40ss@db.example.test:6432/clinic?sslmode=verify-full"
    given = environment(url)
    assert given["PGPASSWORD"] == "p@ss"
    assert given["PGHOST"] == "db.example.test"
    assert given["PGPORT"] == "6432"
    assert given["PGSSLMODE"] == "verify-full"
    assert psycopg.conninfo.conninfo_to_dict(database(url))["dbname"] == "clinic"
    assert "p@ss" not in database(url)
    assert place(url) == "db.example.test/clinic"


def test_a_database_s_name_is_nothing_but_a_name() -> None:
    url = "postgresql://me@db.example.test/host%3Delsewhere%20user%3Dx"
    assert psycopg.conninfo.conninfo_to_dict(database(url))["dbname"] == "host=elsewhere user=x"


def test_what_a_child_cannot_be_given_is_refused() -> None:
    with pytest.raises(BadSettings, match="keepalives"):
        environment("postgresql://me@db.example.test/clinic?keepalives=0")
