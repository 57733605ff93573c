"""A leak in every place at once, so that the search of each proves that it finds one."""

import os
import smtplib
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path

import httpx2
import psycopg

from cleargate.operations.demo import Demo
from tests.security import evidence

_KEEPS_OPEN = """
import sys, tempfile
with tempfile.TemporaryFile() as file:
    file.write(bytes.fromhex(sys.stdin.readline()))
    file.flush()
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def planted_everywhere(demo: Demo, temporary: Path, plan: Mapping[str, str]) -> Iterator[None]:
    """Plant a text in each place of the plan; what lives in a process is there for the block."""
    (demo.home.data / "logs" / "planted.log").write_text(f"could not book {plan['logs']}\n")
    (temporary / "planted").write_text(plan["temporary"])
    _send(demo, plan["addresses"], plan["mails"])
    with evidence.superuser(demo) as connection:
        connection.execute("create table leak (told text)")
        for told in (
            plan["dump"],
            plan["disk"],
            evidence.serializer(demo).serialize(plan["engine"]),
        ):
            connection.execute("insert into leak values (%s)", [told])
    environment = {**os.environ, "LAST_PATIENT": plan["environments"]}
    with (
        subprocess.Popen(
            [sys.executable, "-c", _KEEPS_OPEN, plan["command lines"]],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process,
        evidence.superuser(demo) as connection,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(plan["open files"].encode().hex().encode() + b"\n")
        process.stdin.flush()
        assert process.stdout.readline() == b"ready\n"
        _ask(connection, plan["database activity"])
        yield


def _send(demo: Demo, searched: str, subject: str) -> None:
    """An address and a mail that no connector of ours would send."""
    sandbox = demo.sandbox["base_url"]
    calm = {"clear": True, "mix": "none"}
    httpx2.post(f"{sandbox}/_admin/faults", json=calm).raise_for_status()
    httpx2.get(f"{sandbox}/riverside/fhir/Patient", params={"family": searched})
    mail = EmailMessage()
    mail["From"], mail["To"] = "desk@example.test", "plover@mail.example.test"
    mail["Subject"] = f"Your visit, {subject}"
    with smtplib.SMTP(demo.sandbox["smtp"]["host"], demo.sandbox["smtp"]["port"]) as server:
        server.send_message(mail)


def _ask(connection: psycopg.Connection, name: str) -> None:
    """A query with its value in its text; it is shown for as long as nothing else is asked."""
    connection.execute(f"select '{name.replace(chr(39), chr(39) * 2)}'".encode())
