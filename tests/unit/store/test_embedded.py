import os
import signal
import subprocess
import sys
import threading
from contextlib import closing, suppress
from pathlib import Path
from shutil import rmtree
from urllib.parse import unquote

import psycopg
import pytest

from cleargate.nouns.errors import Refused
from cleargate.store import embedded_home
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.embedded_home import claim_directory
from tests.postgres import connect, fresh_database, kill_everything, runs, temporary_cluster, until

AS_ROOT = os.geteuid() == 0


@pytest.fixture
def own():
    """A cluster of the test's own, which it may kill."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture
def stopped(own):
    """A cluster that was made and is down."""
    own.stop()
    return own


def answer(cluster, query, database="cleargate"):
    with connect(cluster.url(database)) as owner:
        return owner.execute(query).fetchone()


def test_the_owner_role_has_no_more_rights_than_in_production(cluster):
    rights = "rolsuper, rolbypassrls, rolreplication, rolcreaterole, rolcreatedb"
    query = f"select {rights} from pg_roles where rolname = current_user"

    assert answer(cluster, query) == (False, False, False, True, True)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("password_encryption", "scram-sha-256"),
        ("log_min_error_statement", "panic"),
        ("server_encoding", "UTF8"),
        ("TimeZone", "UTC"),
    ],
)
def test_the_server_is_set_for_safety(cluster, setting, value):
    assert answer(cluster, f"show {setting}") == (value,)


def test_a_wrong_password_is_refused_for_every_role(cluster):
    for role in ("postgres", "cleargate_owner"):
        url = cluster.url().replace("cleargate_owner:", f"{role}:wrong", 1)
        with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
            connect(url)


def test_the_log_never_repeats_the_values_of_a_failed_statement(cluster):
    with connect(fresh_database(cluster, "log")) as owner:
        owner.execute("create table patients (name text check (name <> 'Testperson'))")
        with pytest.raises(psycopg.errors.UniqueViolation):
            owner.execute("create unique index on patients ((1))")
            owner.execute("insert into patients values ('Canary-7f3a'), (%s)", ["Canary-91bc"])

    assert "Canary" not in (cluster.home / "postgres.log").read_text()


def test_a_fresh_database_is_empty_even_when_the_name_was_used_before(cluster):
    with connect(fresh_database(cluster, "scratch")) as owner:
        owner.execute("create table leftover (a int)")
        with connect(fresh_database(cluster, "scratch")) as again:
            assert again.execute("select to_regclass('leftover')").fetchone() == (None,)


def test_a_database_can_be_copied_from_a_template(cluster):
    with connect(fresh_database(cluster, "migrated")) as owner:
        owner.execute("create table kept as select 7 as a")

    with connect(fresh_database(cluster, "copied", template="migrated")) as copy:
        assert copy.execute("select a from kept").fetchone() == (7,)


def test_starting_twice_gives_the_same_server(own):
    pid = own.pid()

    assert own.start() == own.url()
    assert own.pid() == pid


def test_a_second_process_attaches_and_does_not_stop_what_it_did_not_start(own):
    code = (
        "import sys; from pathlib import Path; from cleargate.store.embedded import *; "
        "cluster = EmbeddedPostgres(Path(sys.argv[1])); print(cluster.start()); cluster.stop()"
    )
    command = [sys.executable, "-c", code, str(own.data_dir)]
    attached = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)

    assert attached.stdout.strip() == own.url()
    assert own.is_alive()


def test_the_next_start_adopts_a_server_whose_owner_was_killed(stopped):
    code = (
        "import sys; from pathlib import Path; from cleargate.store.embedded import *; "
        "print(EmbeddedPostgres(Path(sys.argv[1])).start(), flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(stopped.data_dir)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as owner:
        owner.stdout.readline()
        survivor = stopped.pid()
        owner.kill()
    assert stopped.is_alive()

    stopped.start()
    assert stopped.pid() == survivor

    stopped.stop()
    assert not stopped.is_alive()


def test_two_data_directories_run_side_by_side_and_share_nothing(cluster, own):
    with connect(own.url()) as owner:
        owner.execute("create table only_here (a int)")

    assert answer(cluster, "select to_regclass('only_here')") == (None,)
    assert cluster.pid() != own.pid()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        connect(own.url().replace(f":{password(own)}@", f":{password(cluster)}@"))


def password(cluster):
    return (cluster.home / "passwords" / "cleargate_owner").read_text()


def test_stopping_ends_open_sessions_and_keeps_what_they_committed(own):
    with closing(connect(own.url())) as session:
        session.execute("create table kept as select 1 as a")
        own.stop()
        with pytest.raises(psycopg.OperationalError):
            session.execute("select 1")
    assert own.pid() is None

    own.start()
    assert answer(own, "select a from kept") == (1,)


def test_five_kills_of_every_process_lose_no_acknowledged_commit(own):
    """A writer notes what the server acknowledged; after each kill all of that must be there."""
    with connect(own.url()) as owner:
        owner.execute("create table ledger (round int, number int, primary key (round, number))")
    acknowledged = set()
    for turn in range(5):
        writer = threading.Thread(target=write_until_killed, args=(own, turn, acknowledged))
        writer.start()
        until(lambda turn=turn: (turn, 20) in acknowledged, "the writer got nowhere")
        kill_everything(own)
        writer.join()
        assert not own.is_alive()
        own.start()
        with connect(own.url()) as owner:
            found = set(owner.execute("select round, number from ledger").fetchall())
        assert acknowledged <= found
        assert len(found - acknowledged) <= turn + 1  # Committed, but the reply was lost.


def write_until_killed(cluster, turn, acknowledged):
    with closing(connect(cluster.url())) as owner:
        for number in range(100_000):
            try:
                owner.execute("insert into ledger values (%s, %s)", [turn, number])
            except psycopg.OperationalError:
                return
            acknowledged.add((turn, number))


def test_a_killed_server_is_not_taken_for_alive_when_a_stranger_has_its_pid(own):
    """The stranger belongs to the server's own user: Postgres alone would refuse to start."""
    kill_everything(own)
    with embedded_home.account().launch(["/bin/sleep", "60"]) as stranger:
        rename_pid(own, stranger.pid)

        own.start()

        assert own.is_alive()
        assert own.pid() != stranger.pid
        assert stranger.poll() is None
        stranger.kill()


def test_a_killed_server_is_not_taken_for_alive_when_it_is_a_zombie(own):
    kill_everything(own)
    zombie = embedded_home.account().launch(["/bin/true"])
    state = Path(f"/proc/{zombie.pid}/stat")
    until(lambda: state.read_text().rpartition(")")[2].split()[0] == "Z", "it did not end")
    rename_pid(own, zombie.pid)

    own.start()

    assert own.is_alive()
    zombie.wait()


def rename_pid(cluster, pid):
    for file in (cluster.home / "pgdata/postmaster.pid", cluster.home / ".s.PGSQL.5432.lock"):
        lines = file.read_text().split("\n")
        file.write_text("\n".join([str(pid), *lines[1:]]))


@pytest.mark.parametrize("content", ["", "\n", "not a number\n"])
def test_a_lock_file_cut_short_by_a_crash_does_not_stop_the_start(own, content):
    kill_everything(own)
    (own.home / "pgdata/postmaster.pid").write_text(content)

    own.start()

    assert own.is_alive()


def test_no_server_starts_beside_a_process_of_a_killed_one(own):
    """A busy session outlives its postmaster for a while; the new server waits for its end."""
    with closing(connect(own.url())) as session:
        busy = session.execute("select pg_backend_pid()").fetchone()[0]
        runner = threading.Thread(target=keep_busy, args=(session,))
        runner.start()
        until(lambda: is_active(own, busy), "the query does not run")
        postmaster = own.pid()
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: own.pid() is None, "the postmaster still runs")
        assert runs(busy)

        own.start()

        assert not runs(busy)
        assert own.pid() != postmaster
        runner.join()


def keep_busy(session):
    """Work for a second or two without a wait, at which an orphaned session would notice."""
    with suppress(psycopg.OperationalError):
        session.execute("select count(*) from generate_series(1, 10000000)")


def is_active(cluster, backend):
    query = f"select state = 'active' from pg_stat_activity where pid = {backend}"
    return answer(cluster, query) == (True,)


def test_a_cluster_half_made_by_a_killed_start_is_made_again(stopped):
    (stopped.home / "pgdata").rename(stopped.home / "pgdata.new")
    (stopped.home / "pgdata.new" / "PG_VERSION").unlink()

    stopped.start()

    assert stopped.is_alive()
    assert not (stopped.home / "pgdata.new").exists()


def test_a_start_killed_before_the_owner_role_was_made_heals(own):
    with own._connect("postgres", "postgres") as superuser:
        superuser.execute("drop database cleargate")
        superuser.execute("drop role cleargate_owner")

    own.start()

    assert answer(own, "select current_user") == ("cleargate_owner",)


def test_only_the_server_may_look_into_its_directories(own):
    for directory in (own.data_dir, own.home, own.home / "pgdata", own.home / "passwords"):
        assert directory.stat().st_mode & 0o777 == 0o700
    for secret in (own.home / "passwords").iterdir():
        assert secret.stat().st_mode & 0o777 == 0o600
    assert (own.home / "postgres.log").stat().st_mode & 0o777 == 0o600


def test_modes_of_the_directories_above_stay_as_they_were(tmp_path):
    closed, inside = tmp_path / "closed", tmp_path / "closed" / "inside"
    inside.mkdir(parents=True)
    for mode in (0o750, 0o700):
        closed.chmod(mode)
        inside.chmod(mode)
        cluster = EmbeddedPostgres(inside / f"data-{mode:o}")
        with cluster:
            assert cluster.is_alive()
        rmtree(cluster.home)
        assert {closed.stat().st_mode & 0o777, inside.stat().st_mode & 0o777} == {mode}


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user")
def test_root_places_a_cluster_that_the_server_cannot_reach_elsewhere_and_finds_it_again(tmp_path):
    hidden = tmp_path / "hidden"
    hidden.mkdir(mode=0o700)
    first = EmbeddedPostgres(hidden / "data")
    with first, connect(first.url()) as owner:
        owner.execute("create table kept as select 1 as a")
    assert first.home.parent == embedded_home.STATE

    second = EmbeddedPostgres(hidden / "data")
    with second:
        assert answer(second, "select a from kept") == (1,)
    assert second.home == first.home
    rmtree(first.home)


@pytest.mark.skipif(not AS_ROOT, reason="only root runs the server as another user")
def test_root_never_runs_the_server_as_root(cluster):
    assert Path(f"/proc/{cluster.pid()}").stat().st_uid == embedded_home.account().uid != 0


@pytest.mark.parametrize("name", ["long-" * 30, "with, comma", 'with "quotes" and %20 spaces'])
def test_a_path_that_no_socket_can_have_still_works(tmp_path, name):
    cluster = EmbeddedPostgres(tmp_path / name)
    try:
        with cluster:
            assert answer(cluster, "select 1") == (1,)
            socket = Path(unquote(cluster.url().rpartition("host=")[2]))
            assert socket.stat().st_mode & 0o777 == 0o700
        assert not list(socket.glob(".s.PGSQL*"))
        assert socket == cluster.home or not socket.exists()
    finally:
        rmtree(cluster.home)


def test_a_data_directory_that_cannot_be_made_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")

    with pytest.raises(Refused) as refused:
        EmbeddedPostgres(tmp_path / "file" / "data").start()

    where = tmp_path / "file" / "data"
    assert str(refused.value) == f"The data directory {where} cannot be used: not a directory."


@pytest.mark.skipif(AS_ROOT, reason="root may write everywhere")
def test_a_data_directory_without_write_permission_is_refused(tmp_path):
    (tmp_path / "closed").mkdir(mode=0o500)

    with pytest.raises(Refused, match="cannot be used: permission denied"):
        EmbeddedPostgres(tmp_path / "closed" / "data").start()


def test_a_directory_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("somebody's")
    before = tmp_path.stat()

    with pytest.raises(Refused, match="holds other files: name an empty one"):
        EmbeddedPostgres(tmp_path).start()

    assert [entry.name for entry in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path.stat().st_mode, tmp_path.stat().st_uid) == (before.st_mode, before.st_uid)


def test_a_server_that_cannot_start_is_refused_with_the_place_of_its_log(stopped):
    (stopped.home / "pgdata" / "postgresql.conf").write_text("no such setting")

    with pytest.raises(Refused, match=r"does not start: see .*postgres\.log"):
        stopped.start()

    assert stopped.pid() is None


def test_what_a_start_at_the_same_moment_is_writing_is_no_stranger_s(tmp_path):
    (tmp_path / "location.0123abcd").write_text("half a pa")
    claim_directory(tmp_path)
    (tmp_path / "location.txt").write_text("somebody's")
    with pytest.raises(Refused, match="holds other files"):
        claim_directory(tmp_path)


def test_starts_at_the_same_moment_make_one_server(tmp_path):
    """Whoever comes first makes it; the others wait and attach, here as threads of their own."""
    clusters = [EmbeddedPostgres(tmp_path / "data") for _ in range(3)]
    urls = []
    starters = [
        threading.Thread(target=lambda one=one: urls.append(one.start())) for one in clusters
    ]
    try:
        for starter in starters:
            starter.start()
        for starter in starters:
            starter.join()
        assert len(urls) == 3
        assert len(set(urls)) == 1
    finally:
        for cluster in clusters:
            cluster.stop()
        rmtree(clusters[0].home)
