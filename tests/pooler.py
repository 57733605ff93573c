"""A real PgBouncer in transaction mode before a test's database: one session, on loopback."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from subprocess import Popen
from tempfile import mkdtemp
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
import sqlalchemy as sa

from cleargate.store import embedded_home
from tests.postgres import connect, until

PROGRAM = shutil.which("pgbouncer", path=f"{os.defpath}:/usr/sbin")

needs_pgbouncer = pytest.mark.skipif(
    PROGRAM is None, reason="no pgbouncer here (Debian's package; dev.py installs it for root)"
)


@dataclass
class Pooler:
    """One PgBouncer. It runs as the user that the embedded Postgres runs as."""

    folder: Path
    port: int
    url: str
    servers: int
    _process: Popen[bytes] | None = None

    def start(self) -> None:
        """Run until `kill`; comes back once it answers."""
        assert PROGRAM is not None
        account = embedded_home.account()
        self._process = account.launch([PROGRAM, "--quiet", str(self.folder / "pgbouncer.ini")])
        until(self._answers, f"pgbouncer does not answer: {self._log()}")

    def kill(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)
            self._process = None

    def _answers(self) -> bool:
        try:
            connect(self.url).close()
        except psycopg.OperationalError:
            return False
        return True

    def _log(self) -> str:
        log = self.folder / "pgbouncer.log"
        return log.read_text()[-500:] if log.exists() else "no log"


@contextmanager
def pooled(database_url: str, servers: int) -> Iterator[Pooler]:
    """A pooler that keeps at most `servers` connections to the database of a URL of ours."""
    # Not tmp_path: as root PgBouncer is another user, as Postgres is.
    folder = Path(mkdtemp(prefix="cleargate-pooler-"))
    account = embedded_home.account()
    account.give(folder)
    pooler = _written(folder, sa.make_url(database_url), servers, account)
    try:
        pooler.start()
        yield pooler
    finally:
        pooler.kill()
        rmtree(folder, ignore_errors=True)


def _written(folder: Path, url: sa.URL, servers: int, account: embedded_home.Account) -> Pooler:
    """The pooler's files, for the role and the password of the URL."""
    port = _free_port()
    host = parse_qs(urlsplit(str(url)).query)["host"][0]
    files = {
        "users": f'"{url.username}" "{url.password}"\n',
        "pgbouncer.ini": (
            f"[databases]\n{url.database} = host={host} port=5432 dbname={url.database}\n"
            "[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n"
            f"auth_type = scram-sha-256\nauth_file = {folder / 'users'}\n"
            f"logfile = {folder / 'pgbouncer.log'}\n"
            f"pool_mode = transaction\ndefault_pool_size = {servers}\nmax_client_conn = 200\n"
        ),
    }
    for name, text in files.items():
        path = folder / name
        path.write_text(text)
        path.chmod(0o600)
        account.give(path)
    outside = url.set(host="127.0.0.1", port=port, query={})
    return Pooler(folder, port, outside.render_as_string(hide_password=False), servers)


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
