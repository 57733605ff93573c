"""Behind a real PgBouncer in transaction mode, where a connection is somebody else's next."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import sqlalchemy as sa

from cleargate.engine.durable import Durable
from cleargate.engine.endings import Closed, Ending, NeedsPerson
from cleargate.engine.phases import Engine
from cleargate.engine.run import Run
from cleargate.engine.worker import Worker, executor_name
from cleargate.nouns.case import CaseState
from cleargate.nouns.gate import Gate
from cleargate.nouns.time import SystemClock
from cleargate.store import cases
from cleargate.store.database import Database
from cleargate.store.engine_keys import engine_key
from cleargate.store.keyfile import LocalKeyFile
from cleargate.store.keyring import Keyring
from tests.house import House, in_own_thread, open_case
from tests.pooler import Pooler, needs_pgbouncer, pooled
from tests.postgres import connect, until

pytestmark = needs_pgbouncer

SERVERS = 3
CLIENTS = 12
ROUNDS = 25

_SEEN = sa.text(
    "select count(*) filter (where practice_id = :practice) as own,"
    " count(*) filter (where practice_id <> :practice) as others, pg_backend_pid() as server"
    " from cases"
)
_LEFT = sa.text("select current_setting('app.practice_id', true) as practice")
_COUNT = sa.text("select count(*) from cases")


@pytest.fixture(scope="module")
def pooler(house: House) -> Iterator[Pooler]:
    """Three connections to the database for whoever comes."""
    with pooled(house.app_url, SERVERS) as running:
        yield running


@pytest.fixture
def behind(house: House, pooler: Pooler) -> Iterator[Database]:
    """The database as a process sees it whose URL names the pooler."""
    database = Database(pooler.url, house.keyring())
    try:
        yield database
    finally:
        database.close()


def test_many_threads_of_two_practices_share_few_connections_and_see_their_own(
    house: House, behind: Database
) -> None:
    """Every transaction counts every case: the policy alone keeps them apart."""
    now = datetime.now(UTC)
    servers: dict[int, set[str]] = {}
    lock = threading.Lock()

    def client(number: int) -> int:
        practice = (house.practice, house.other)[number % 2]
        opened = 0
        for _ in range(ROUNDS):
            with behind.session(practice) as session:
                open_case(session, now)
            opened += 1
            with behind.session(practice) as session:
                row = session.run(_SEEN).one()
            assert row.others == 0
            assert row.own >= opened
            with lock:
                servers.setdefault(row.server, set()).add(str(practice))
            with behind.public() as connection:
                assert not connection.execute(_LEFT).scalar_one()
                assert connection.execute(_COUNT).scalar_one() == 0
        return opened

    with ThreadPoolExecutor(CLIENTS) as pool:
        assert sum(pool.map(client, range(CLIENTS))) == CLIENTS * ROUNDS
    assert len(servers) <= SERVERS
    assert any(len(practices) == 2 for practices in servers.values()), "no connection was shared"


def test_a_practice_that_is_set_for_a_whole_connection_would_be_seen_by_a_stranger(
    house: House, pooler: Pooler
) -> None:
    """What the store never does, and why: the same pooler, the same policy, another's rows."""
    with house.session() as session:
        open_case(session, datetime.now(UTC))
    with pooled(house.app_url, servers=1) as narrow:
        with connect(narrow.url) as careless:
            careless.execute(
                "select set_config('app.practice_id', %s, false)", (str(house.practice),)
            )
            with connect(narrow.url) as stranger:
                row = stranger.execute("select count(*) from cases").fetchone()
        assert row is not None
        assert row[0] > 0
        database = Database(narrow.url, house.keyring())
        with database.session(house.other) as session:
            assert session.run(_SEEN).one().others == 0, "a session says again whose it is"
        database.close()


def test_statements_that_are_prepared_do_not_survive_a_pooler(house: House) -> None:
    """CLEARGATE_PREPARED_STATEMENTS is off for this reason; the doctor finds it on."""
    with pooled(house.app_url, SERVERS) as own:
        database = Database(own.url, house.keyring(), prepared=True)

        def client(_: int) -> None:
            for _ in range(ROUNDS):
                with database.session(house.practice) as session:
                    session.run(_SEEN).one()

        with (
            pytest.raises(sa.exc.DBAPIError, match="prepared statement"),
            ThreadPoolExecutor(CLIENTS) as pool,
        ):
            list(pool.map(client, range(CLIENTS)))
        database.close()


def test_a_pooler_that_dies_is_an_error_and_then_works_again(house: House) -> None:
    """Nothing that was committed is lost, and nobody has to start again."""
    with pooled(house.app_url, SERVERS) as own:
        database = Database(own.url, house.keyring())
        with database.session(house.practice) as session:
            kept = open_case(session, datetime.now(UTC))
        with pytest.raises(sa.exc.OperationalError), database.session(house.practice) as session:
            lost = open_case(session, datetime.now(UTC))
            own.kill()
            session.run(_SEEN)
        with pytest.raises(sa.exc.OperationalError) as told, database.session(house.practice):
            pass
        assert "refused" in str(told.value)
        assert sa.make_url(own.url).password not in str(told.value)
        own.start()
        with database.session(house.practice) as session:
            assert cases.get(session, kept) is not None
            assert cases.get(session, lost) is None
        database.close()


def test_the_engine_works_behind_the_pooler(house: House, pooler: Pooler) -> None:
    """Its leases, its queue and its recovery need nothing that lasts longer than a transaction."""
    executor, clock = executor_name(), SystemClock()
    database = Database(pooler.url, Keyring(LocalKeyFile(house.key_file)), executor)
    with house.database.public() as connection:
        key = engine_key(connection, LocalKeyFile(house.key_file))
    engine: Engine[None] = Engine(
        database,
        clock,
        lambda _: None,
        {"sample.first": _close},
        lambda *_: clock.now() + timedelta(hours=1),
        _no_gate,
    )
    durable = Durable(pooler.url, executor, key, concurrency=4, poll_s=0.05)
    worker = Worker(database, durable, executor, list(engine.procedures), engine.run_phase)
    in_own_thread(worker.start)
    try:
        opened = [
            house.in_session(lambda session: open_case(session, datetime.now(UTC)), practice)
            for practice in (house.practice, house.other) * 5
        ]
        until(lambda: set(opened) <= _done(house), "the engine did not close every case")
    finally:
        worker.stop()
        database.close()


def _close(_: Run[None]) -> Ending:
    return Closed(CaseState.DONE)


def _no_gate(needs: NeedsPerson, phase: str) -> Gate:
    raise AssertionError(f"{phase} needs a person: {needs.reason}")


def _done(house: House) -> set[object]:
    found = sa.text("select id from cases where state = 'done'")
    return {
        each
        for practice in (house.practice, house.other)
        for each in house.in_session(lambda session: session.run(found).scalars().all(), practice)
    }


def test_a_plain_client_gets_a_plain_error_from_the_pooler(pooler: Pooler) -> None:
    """A wrong password ends at the pooler, and is not repeated."""
    wrong = sa.make_url(pooler.url).set(password="not-the-one")
    with pytest.raises(psycopg.OperationalError) as told:
        connect(wrong.render_as_string(hide_password=False))
    assert "not-the-one" not in str(told.value)
