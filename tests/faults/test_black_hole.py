"""The line to the database swallows everything and closes nothing: nobody waits for ever."""

import time
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa

from cleargate.store import leases
from cleargate.store.connect import AWAY, ROLE_LIMITS
from cleargate.store.database import Database, Overtaken
from tests.faults.conftest import SHORT, over
from tests.house import House, TurnedClock, open_case
from tests.postgres import connect, until
from tests.proxy import Proxy

ONE = sa.text("select 1")
_HELD = sa.text("select pg_advisory_xact_lock(4711)")
_BACKENDS = "select count(*) from pg_stat_activity where application_name = %s"
_OPEN_CASES = sa.text("select id from cases where practice_id = :practice")

SLACK_S = 3.0
"""What a busy machine may add."""


def _ask(database: Database) -> int:
    with database.public() as connection:
        return int(connection.execute(ONE).scalar_one())


def test_a_statement_that_is_never_answered_ends(line: Proxy, far: Database, house: House) -> None:
    """In mid-transaction: the wait ends, and with it the connection, whose answer may come yet."""
    started = time.monotonic()
    with pytest.raises(AWAY), far.session(house.practice) as session:
        line.swallow()
        started = time.monotonic()
        session.run(ONE)
    assert SHORT.answer_s <= time.monotonic() - started < SHORT.answer_s + SLACK_S
    line.release()
    assert _ask(far) == 1


def test_a_line_that_was_forgotten_while_it_was_idle_is_replaced_unnoticed(
    line: Proxy, far: Database
) -> None:
    """A NAT drops what was silent for long: a page finds out before it uses the connection."""
    assert _ask(far) == 1
    line.forget()
    started = time.monotonic()
    assert _ask(far) == 1
    assert time.monotonic() - started < SHORT.answer_s + SLACK_S


def test_a_new_connection_that_is_never_answered_ends(line: Proxy, far: Database) -> None:
    line.swallow()
    started = time.monotonic()
    with pytest.raises(AWAY):
        _ask(far)
    assert time.monotonic() - started < SHORT.connect_s + SLACK_S


def test_the_next_statement_never_reads_a_late_answer(far: Database, house: House) -> None:
    """Somebody else holds the lock for longer than we wait; then we ask something else."""
    with house.database.public() as holder:
        holder.execute(_HELD)
        with pytest.raises(AWAY), far.public() as waiting:
            waiting.execute(_HELD)
    assert _ask(far) == 1


def test_what_waits_in_a_black_hole_is_not_committed_by_a_later_try(
    line: Proxy, far: Database, house: House, clock: TurnedClock
) -> None:
    """The transaction is broken off before its COMMIT: it leaves nothing, however late it comes."""
    with house.session() as session:
        before = len(session.all(_OPEN_CASES))
    with pytest.raises(AWAY), far.session(house.practice) as session:
        open_case(session, clock.now())
        line.swallow()
        session.run(ONE)
    line.release()
    assert _ask(far) == 1
    with house.session() as session:
        assert len(session.all(_OPEN_CASES)) == before


def test_a_commit_that_was_held_up_does_not_count_once_a_peer_took_over(
    line: Proxy, house: House, clock: TurnedClock
) -> None:
    """The worker's COMMIT is on its way when it is overtaken: its session ends first."""
    name = f"swallowed-{uuid4().hex[:8]}"
    with house.database.public() as connection:
        leases.start(connection, name)
    with over(line, house, name) as worker:
        with pytest.raises(AWAY), worker.session(house.practice) as session:
            case = open_case(session, clock.now())
            line.swallow()
        with house.database.public() as connection:
            leases.end(connection, name)
            leases.end_connections(connection, name)
        with connect(house.app_url) as watcher:
            until(lambda: _backends(watcher, name) == 0, "its session lives")
        line.release()
        with pytest.raises(Overtaken), worker.session(house.practice):
            pass
    with house.session() as session:
        assert case not in {row["id"] for row in session.all(_OPEN_CASES)}


def _backends(watcher: psycopg.Connection, name: str) -> int:
    row = watcher.execute(_BACKENDS, (name,)).fetchone()
    assert row is not None
    return int(row[0])


def test_the_server_holds_the_app_role_to_its_limits_whoever_connects(house: House) -> None:
    """They are kept with the role: a pooler in transaction mode cannot lose or spread them."""
    with connect(house.app_url) as plain:
        shown = {name: plain.execute(f"show {name}").fetchone() for name in ROLE_LIMITS}
    assert shown["statement_timeout"] == ("30s",)
    assert shown["idle_in_transaction_session_timeout"] == ("1min",)


def test_a_session_that_the_server_ended_for_its_silence_is_no_bug_of_ours(
    far: Database, house: House
) -> None:
    """Postgres files it under another class than a lost connection."""
    with pytest.raises(AWAY), far.session(house.practice) as session:
        session.run(sa.text("set local idle_in_transaction_session_timeout = 50"))
        backend = session.run(sa.text("select pg_backend_pid()")).scalar_one()
        with connect(house.app_url) as watcher:
            until(lambda: not _lives(watcher, backend), "the server did not end it")
        session.run(ONE)


def _lives(watcher: psycopg.Connection, backend: int) -> bool:
    query = "select 1 from pg_stat_activity where pid = %s"
    return watcher.execute(query, (backend,)).fetchone() is not None
