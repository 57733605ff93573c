"""A worker process for tests: the real house, whose vendors can be made deadly.

A `Blow` strikes the process itself at one point of one write. It wraps what the vendor's builder
gives, and listens to SQLAlchemy's own event for a commit: nothing in src knows of it.
"""

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from cleargate import app, logs
from cleargate.__main__ import drain as command
from cleargate.connectors.core_soap import client as _core  # noqa: F401  (loaded before the fork)
from cleargate.connectors.fhir import system as _fhir  # noqa: F401
from cleargate.connectors.smtp import client as _smtp  # noqa: F401
from cleargate.engine import durable as _durable  # noqa: F401
from cleargate.engine.worker import executor_name
from cleargate.house import open_house
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.scheduling import booking
from cleargate.settings import Installation
from cleargate.store import audit
from tests.workflows import older_release


class Point(StrEnum):
    """Where a write can be interrupted."""

    BEFORE_SEND = "before_send"
    AFTER_COMMIT = "after_commit"
    """The vendor has done it; its reply is never read (the sandbox loses it)."""
    AFTER_REPLY = "after_reply"
    BEFORE_OUR_COMMIT = "before_our_commit"
    """The transaction that keeps the receipt is complete but for its COMMIT."""


@dataclass(frozen=True)
class Blow:
    """What strikes the worker: a signal, when a call of a port's method reaches a point."""

    method: str
    point: Point
    number: int = signal.SIGKILL

    def __str__(self) -> str:
        return f"{self.method}-{self.point}"


class _Deadly:
    """A vendor's client that strikes its own process once."""

    def __init__(self, inner: Any, blow: Blow) -> None:
        self._inner = inner
        self._blow = blow
        self._here = threading.local()
        if blow.point is Point.BEFORE_OUR_COMMIT:
            sa.event.listen(sa.Engine, "commit", self._committing)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        return self._struck(found) if name == self._blow.method else found

    def _struck(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if self._blow.point is Point.BEFORE_SEND:
                self._strike()
            try:
                answer = method(*arguments)
            except PortError as error:
                lost = error.kind is ErrorKind.AMBIGUOUS
                if lost and self._blow.point is Point.AFTER_COMMIT:
                    self._strike()
                raise
            if self._blow.point is Point.AFTER_REPLY:
                self._strike()
            self._here.receipt_in_hand = True
            return answer

        return call

    def _committing(self, _: sa.Connection) -> None:
        if getattr(self._here, "receipt_in_hand", False):
            self._here.receipt_in_hand = False
            self._strike()

    def _strike(self) -> None:
        os.kill(os.getpid(), self._blow.number)


def _arm(blow: Blow) -> None:
    """Let every vendor's builder give a deadly client."""
    for vendors in (app.EHRS, app.CLEARINGHOUSES, app.MESSENGERS):
        for name, build in list(vendors.items()):
            vendors[name] = _deadly(build, blow)


def _deadly(build: Callable[..., Any], blow: Blow) -> Callable[..., Any]:
    return lambda wiring, table: _Deadly(build(wiring, table), blow)


def _become_older_release() -> None:
    vars(audit)["__version__"] = older_release.VERSION
    booking.PROCEDURES.update(older_release.PROCEDURES)


def _to_log(log: Path) -> None:
    with log.open("ab") as file:
        os.dup2(file.fileno(), sys.stdout.fileno())
        os.dup2(file.fileno(), sys.stderr.fileno())


def work(
    installation: Installation, log: Path, blow: Blow | None = None, *, older: bool = False
) -> None:
    """What `cleargate work` does, perhaps under a blow."""
    _to_log(log)
    logs.configure()
    if older:
        _become_older_release()
    if blow is not None:
        _arm(blow)
    worker = app.make_worker(open_house(installation, executor_name()))
    worker.start()
    worker.wait_for_signal()
    worker.stop()


def drain(installation: Installation, log: Path, seconds: float) -> None:
    """What `cleargate drain` does, in the process of a test."""
    _to_log(log)
    print(datetime.now(UTC).isoformat(), flush=True)

    os.environ.update(
        {
            f"CLEARGATE_{name.upper()}": str(value)
            for name, value in installation.model_dump(mode="json").items()
            if value
        }
    )
    command(seconds)
