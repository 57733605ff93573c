"""Where a patient could have leaked to: what a demo wrote, sent, opened and was told."""

import base64
import json
import os
import re
import stat
import subprocess
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from pathlib import Path
from types import TracebackType

import psycopg
from cryptography.exceptions import InvalidTag

from cleargate.engine.durable import SealedSerializer
from cleargate.house import open_house
from cleargate.operations.demo import Demo
from cleargate.operations.demo_home import embedded
from cleargate.store import embedded_home
from cleargate.store.embedded import DATABASE, SUPERUSER, EmbeddedPostgres
from cleargate.store.engine_keys import engine_key

OPEN_FILE_BYTES_MAX = 8_000_000
WATCH_EVERY_S = 0.1

_ACTIVITY = "select query, application_name from pg_stat_activity"


class Watch:
    """Looks again and again at what is only there for a moment: processes, open files, queries."""

    def __init__(self, demo: Demo, temporary: Path) -> None:
        self.seen: dict[str, set[bytes]] = defaultdict(set)
        self._demo = demo
        self._temporary = str(temporary)
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look_around, daemon=True)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end.set()
        self._thread.join(30)

    def look(self) -> None:
        """Look once."""
        for pid in family(os.getpid()):
            self._look_at(Path(f"/proc/{pid}"))

    def _look_around(self) -> None:
        with superuser(self._demo) as connection:
            while not self._end.wait(WATCH_EVERY_S):
                self.look()
                for row in connection.execute(_ACTIVITY).fetchall():
                    self.seen["database activity"].add("\n".join(map(str, row)).encode())

    def _look_at(self, process: Path) -> None:
        try:
            command = (process / "cmdline").read_bytes()
            if b"cleargate.sandbox" in command:
                return  # The outside world; it has every right to know its patients.
            self.seen["command lines"].add(command)
            self.seen["environments"].add((process / "environ").read_bytes())
            for each in (process / "fd").iterdir():
                self._look_into(each)
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            return  # It has ended meanwhile.

    def _look_into(self, descriptor: Path) -> None:
        """A temporary file, or one without a name any more; its content is still there."""
        target = str(descriptor.readlink())
        if not (target.endswith("(deleted)") or target.startswith(self._temporary)):
            return
        if stat.S_ISREG(descriptor.stat().st_mode):
            with descriptor.open("rb") as file:
                self.seen["open files"].add(file.read(OPEN_FILE_BYTES_MAX))


def family(pid: int) -> list[int]:
    """All descendants of a process."""
    parents: dict[int, list[int]] = defaultdict(list)
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
            parents[int(words[1])].append(int(entry.name))
    found, waiting = [], [pid]
    while waiting:
        children = parents[waiting.pop()]
        found += children
        waiting += children
    return found


def logs(demo: Demo) -> bytes:
    """Every log line of every process: the access log and the alerts are among them."""
    return b"\n".join(each.read_bytes() for each in sorted((demo.home.data / "logs").iterdir()))


def addresses(demo: Demo) -> bytes:
    """Every address that left our processes, as it stands in the log of whoever is on the way."""
    asked = [each for each in _journal(demo) if each["kind"] == "asked"]
    return "\n".join(f"{each['method']} {each['target']}" for each in asked).encode()


def mails(demo: Demo) -> bytes:
    """Every mail as it was sent, without the address that it was sent to."""
    found = []
    for each in _journal(demo):
        if each["kind"] == "mail":
            raw = base64.b64decode(str(each["raw"]))
            for to in message_from_bytes(raw).get_all("To", []):
                raw = raw.replace(to.encode(), b"")
            found.append(raw)
    return b"\n\n".join(found)


def _journal(demo: Demo) -> Iterator[dict[str, object]]:
    for line in (demo.home.data / "sandbox" / "journal.jsonl").read_text().splitlines():
        yield json.loads(line)


def dump(demo: Demo) -> bytes:
    """Every row of every table, ours and the engine's, as a backup would have it."""
    server = _server(demo)
    command = [str(embedded_home.programs(embedded_home.account()) / "pg_dump"), "-U", SUPERUSER]
    done = subprocess.run(
        [*command, "-h", _socket(server), DATABASE],
        capture_output=True,
        check=True,
        env={"PGPASSWORD": _password(server)},
    )
    return done.stdout


def engine(demo: Demo) -> bytes:
    """What the engine keeps of ours, opened with its key where it is sealed."""
    sealed, rows = serializer(demo), dump(demo)
    found = re.findall(rb"^COPY dbos\..*?^\\\.$", rows, re.DOTALL | re.MULTILINE)
    for value in re.findall(rb"(?<![\w+/=])[A-Za-z0-9+/]{36,}={0,2}(?![\w+/=])", rows):
        with suppress(InvalidTag, ValueError):  # Not the engine's, or by chance.
            found.append(str(sealed.deserialize(value.decode())).encode())
    return b"\n".join(found)


def serializer(demo: Demo) -> SealedSerializer:
    """What opens the engine's values."""
    house = open_house(demo.installation)
    with house.database.public() as connection:
        sealed = SealedSerializer(engine_key(connection, house.keys))
    house.database.close()
    return sealed


def disk(demo: Demo) -> list[Path]:
    """Every file of the database: tables, indexes, the write-ahead log, the server's own log."""
    with superuser(demo) as connection:
        connection.execute("checkpoint")
    return [path for path in _server(demo).home.rglob("*") if path.is_file()]


def superuser(demo: Demo) -> psycopg.Connection:
    """A connection that sees everything."""
    server = _server(demo)
    return psycopg.connect(
        host=_socket(server),
        dbname=DATABASE,
        user=SUPERUSER,
        password=_password(server),
        autocommit=True,
    )


def _server(demo: Demo) -> EmbeddedPostgres:
    server = embedded(demo.home.data)
    server.start()  # It runs: this process is told where.
    return server


def _password(server: EmbeddedPostgres) -> str:
    return (server.home / "passwords" / SUPERUSER).read_text()


def _socket(server: EmbeddedPostgres) -> str:
    found = re.search(r"host=(.*)", server.url())
    assert found is not None
    return found[1].replace("%2F", "/")
