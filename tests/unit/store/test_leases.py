"""Leases: a silent worker loses its own, and can write nothing from then on."""

from collections.abc import Iterator
from datetime import datetime
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from cleargate.store import leases
from cleargate.store.database import Database, Overtaken
from tests.house import House

_TURN = sa.text("update leases set seen_at = seen_at + make_interval(hours => :hours)")
_ONE = sa.text("select 1")


@pytest.fixture
def name(house: House) -> str:
    """A worker that has taken its lease."""
    name = f"worker-{uuid4().hex[:8]}"
    with house.database.public() as connection:
        leases.start(connection, name)
    return name


@pytest.fixture
def worker(house: House, name: str) -> Iterator[Database]:
    """That worker's database."""
    with house.process(name) as database:
        yield database


def _renew(house: House, name: str) -> bool:
    with house.database.public() as connection:
        return leases.renew(connection, name)


def _signs(house: House, by: str = "somebody-else") -> dict[str, datetime]:
    """What a watcher sees."""
    with house.database.public() as connection:
        return leases.peers(connection, by)


def _expire(house: House, silent: dict[str, datetime]) -> list[str]:
    with house.database.public() as connection:
        return leases.expire(connection, silent)


def test_a_worker_that_shows_itself_keeps_its_lease(house: House, name: str) -> None:
    """It was taken for silent, and spoke just before its lease would have been taken."""
    seen = _signs(house)
    assert _renew(house, name)
    assert name not in _expire(house, seen)
    assert _renew(house, name)


def test_a_silent_worker_loses_its_lease_once_and_for_all(house: House, name: str) -> None:
    seen = _signs(house)
    assert name in _expire(house, seen)
    assert name not in _expire(house, seen)
    assert name not in _signs(house)
    assert not _renew(house, name)


def test_a_worker_is_not_a_peer_of_its_own(house: House, name: str) -> None:
    assert name not in _signs(house, by=name)


@pytest.mark.parametrize("hours", [1, -1])
def test_a_turned_clock_of_the_database_makes_nobody_older(
    house: House, name: str, hours: int
) -> None:
    """What was written before the jump stands an hour off; it only ever had to change."""
    with house.database.public() as connection:
        connection.execute(_TURN, {"hours": hours})
    seen = _signs(house)
    assert _renew(house, name)
    assert _signs(house)[name] != seen[name]
    assert name not in _expire(house, seen)


def test_a_lease_that_was_given_back_is_over(house: House, name: str) -> None:
    with house.database.public() as connection:
        leases.end(connection, name)
    assert not _renew(house, name)


def test_two_workers_cannot_have_one_name(house: House, name: str) -> None:
    with pytest.raises(sa.exc.IntegrityError), house.database.public() as connection:
        leases.start(connection, name)


def test_an_overtaken_worker_gets_no_transaction(house: House, name: str, worker: Database) -> None:
    with worker.session(house.practice) as session:
        assert session.run(_ONE).scalar_one() == 1
    _expire(house, _signs(house))
    with pytest.raises(Overtaken), worker.session(house.practice):
        pass


def test_what_an_overtaken_worker_had_not_committed_is_ended(
    house: House, name: str, worker: Database
) -> None:
    """A process that was frozen in mid-transaction thaws to find it gone."""
    with pytest.raises(OperationalError), worker.session(house.practice) as session:
        with house.database.public() as connection:
            leases.end_connections(connection, name)
        session.run(_ONE)
    with house.session() as session:
        assert session.run(_ONE).scalar_one() == 1


def test_an_overtaken_worker_that_holds_phases_is_found_until_they_are_taken(
    house: House, name: str
) -> None:
    with house.owner() as owner:
        _pretend_to_run(owner, name)
    with house.database.public() as connection:
        assert name not in leases.lost(connection)
        leases.end(connection, name)
        assert name in leases.lost(connection)
    with house.owner() as owner:
        owner.execute("update dbos.workflow_status set status = 'SUCCESS'")
    with house.database.public() as connection:
        assert name not in leases.lost(connection)


def _pretend_to_run(owner: psycopg.Connection, executor: str) -> None:
    owner.execute(
        "insert into dbos.workflow_status (workflow_uuid, status, name, executor_id)"
        " values (%s, 'PENDING', 'sample.first', %s)",
        (f"phase-of-{executor}", executor),
    )
