"""Databases for tests: one real cluster a session, an empty database for whoever asks."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import psycopg
from psycopg import sql

from cleargate.store.embedded import DATABASE, OWNER, EmbeddedPostgres

WAIT_S = 60.0


@contextmanager
def temporary_cluster() -> Iterator[EmbeddedPostgres]:
    """A running cluster that leaves nothing behind."""
    # Not tmp_path: pytest closes it to everybody else, and as root Postgres is somebody else.
    data_dir = Path(mkdtemp(prefix="cleargate-test-"))
    cluster = EmbeddedPostgres(data_dir)
    try:
        with cluster:
            yield cluster
    finally:
        rmtree(cluster.home)
        rmtree(data_dir, ignore_errors=True)


def fresh_database(cluster: EmbeddedPostgres, name: str, template: str = "template0") -> str:
    """The owner's URL of a new database: empty, or a copy of `template` (which nobody may use now).

    A database that an earlier test left under this name is dropped first.
    """
    with connect(cluster.url()) as owner:
        until(lambda: _dropped(owner, name), f"somebody still uses {name}")
        owner.execute(
            sql.SQL("create database {} owner {} template {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(template)
            )
        )
    return cluster.url(name)


def _dropped(owner: psycopg.Connection, name: str) -> bool:
    """Drop a database; False while a superuser's session, which force cannot end, is closing."""
    try:
        owner.execute(
            sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name))
        )
    except psycopg.errors.InsufficientPrivilege:
        return False
    return True


def connect(url: str) -> psycopg.Connection:
    """A plain connection in autocommit for one of our SQLAlchemy URLs."""
    return psycopg.connect(url.replace("postgresql+psycopg://", "postgresql://"), autocommit=True)


def kill_everything(cluster: EmbeddedPostgres) -> None:
    """kill -9 of the postmaster and all its children at once, and wait until none of them runs."""
    postmaster = cluster.pid()
    assert postmaster is not None
    os.kill(postmaster, signal.SIGSTOP)  # Otherwise it starts new ones while we look.
    family = [postmaster, *_children(postmaster)]
    for pid in family:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(runs, family)), "a killed Postgres still runs")


def until(
    condition: Callable[[], bool],
    complaint: str,
    *,
    within_s: float = WAIT_S,
    every_s: float = 0.02,
) -> None:
    """Wait for a condition; fail with the complaint when it does not come true in time."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(complaint)
        time.sleep(every_s)


def _children(parent: int) -> list[int]:
    return [pid for pid in _all_pids() if _status(pid)[1:] == [str(parent)]]


def runs(pid: int) -> bool:
    """Whether a process does anything: neither gone nor a zombie."""
    return _status(pid)[:1] not in ([], ["Z"], ["X"])


def _all_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _status(pid: int) -> list[str]:
    """State letter and parent of a process, or nothing when it is gone. Source: proc(5)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return []


__all__ = [
    "DATABASE",
    "connect",
    "fresh_database",
    "kill_everything",
    "runs",
    "temporary_cluster",
    "until",
]
