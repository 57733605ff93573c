"""A worker process: takes a lease, works the queue, watches its peers, and mends orphans.

Long-running (`work`), until idle or a deadline (`drain`, serverless), or inside another process
(the demo): the same code.
"""

import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import SQLAlchemyError

from cleargate.engine.durable import EXIT_OVERTAKEN, Durable, PhaseRunner
from cleargate.engine.peers import Peers
from cleargate.engine.run import PATIENCE
from cleargate.engine.tidy import tidy
from cleargate.engine.watchdog import mend_orphans
from cleargate.store import leases, watch
from cleargate.store.database import Database

HEARTBEAT_S = 2.0
LEASE_S = 8.0
WATCHDOG_S = 30.0
TIDY_S = 900.0
CHORES_S = 60.0

HORIZON_S = PATIENCE.total_seconds() + 1
"""A drain waits for what is due so soon. A phase that ran out of time is queued again PATIENCE
later, so it is never taken for nothing to do."""

SETTLED_S = 0.5
"""A drain is idle when nothing was waiting for so long."""

_log = structlog.get_logger()


def executor_name() -> str:
    """A name that no other process has or will have."""
    return f"{socket.gethostname()[:20]}-{os.getpid()}-{secrets.token_hex(4)}"


class Worker:
    """The queue's worker in this process."""

    def __init__(
        self,
        database: Database,
        durable: Durable,
        executor: str,
        phases: Sequence[str],
        run: PhaseRunner,
        chores: Callable[[], None] = lambda: None,
        pulse: Database | None = None,
    ) -> None:
        """`chores` is what else the office wants done by the clock; it is called every minute.

        `pulse` is the heartbeat's own way to the database, which must not wait behind the rest.
        """
        self._database = database
        self._pulse = pulse or database
        self._durable = durable
        self._executor = executor
        self._phases = phases
        self._run = run
        self._chores = chores
        self._peers = Peers(LEASE_S)
        self._stranded: set[str] = set()
        self._stop = threading.Event()
        self._heart = threading.Thread(target=self._beat_on, name="heart", daemon=True)
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeper", daemon=True
        )
        self._clerk = threading.Thread(target=self._do_chores, name="clerk", daemon=True)

    def start(self) -> None:
        """Take a lease and begin to work."""
        with self._database.public() as connection:
            leases.start(connection, self._executor)
        self._durable.launch(self._phases, self._run)
        for thread in self._threads:
            thread.start()
        _log.info("worker_started", executor=self._executor)

    def stop(self) -> None:
        """End running phases if they end soon, and give the lease back."""
        self._stop.set()
        self._durable.destroy()
        for thread in self._threads:
            thread.join(timeout=10)
        with self._database.public() as connection:
            leases.end(connection, self._executor)
        _log.info("worker_stopped", executor=self._executor)

    @property
    def _threads(self) -> tuple[threading.Thread, ...]:
        return self._heart, self._housekeeper, self._clerk

    def wait_for_signal(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._stop.wait()

    def drain(self, deadline: float, horizon_s: float = HORIZON_S) -> bool:
        """Work until nothing is due any more (True) or until the deadline (False).

        The deadline is one of time.monotonic().
        """
        idle_since: float | None = None
        while time.monotonic() < deadline and not self._stop.is_set():
            with self._database.public() as connection:
                waiting = watch.phases_waiting(connection, horizon_s)
            now = time.monotonic()
            idle_since = None if waiting else (idle_since or now)
            if idle_since is not None and now - idle_since > SETTLED_S:
                return True
            self._stop.wait(0.2)
        return False

    def _beat_on(self) -> None:
        """Heartbeat and takeover, beside everything that may take longer than a lease."""
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._beat()
            except SQLAlchemyError as error:
                _log.warning("heartbeat_failed", error=type(error).__name__)

    def _keep_house(self) -> None:
        """The watchdog and tidying; a database that is away is waited for."""
        next_tidy = time.monotonic() + TIDY_S
        while not self._stop.wait(WATCHDOG_S):
            try:
                mend_orphans(self._database)
                self.mend_stranded()
                if time.monotonic() >= next_tidy:
                    self.tidy(datetime.now(UTC))
                    next_tidy = time.monotonic() + TIDY_S
            except SQLAlchemyError as error:
                _log.warning("housekeeping_failed", error=error)

    def _do_chores(self) -> None:
        """The office's own chores, beside the heartbeat, which must not wait for them."""
        while True:
            try:
                self._chores()
            except Exception as error:  # Tried again: nothing else may end with them.
                _log.error("chores_failed", error=error)
            if self._stop.wait(CHORES_S):
                return

    def mend_stranded(self) -> None:
        """Take up again what this worker is said to run and does not, at two looks in a row.

        At the first look it may only just have been taken up.
        """
        with self._database.public() as connection:
            noted = watch.noted_as_running(connection, self._executor)
        stranded = self._durable.not_running(noted)
        again, self._stranded = stranded & self._stranded, stranded
        mended = self._durable.take_up_again(again)
        if mended:
            _log.warning("phases_taken_up_again", phases=mended)

    def tidy(self, now: datetime) -> None:
        """Drop what nobody needs any more; see engine/tidy.py."""
        tidy(self._database, self._durable, now)

    def _beat(self) -> None:
        with self._pulse.public() as connection:
            held = leases.renew(connection, self._executor)
            signs = leases.peers(connection, self._executor)
        if not held:
            _log.error("worker_overtaken")
            os._exit(EXIT_OVERTAKEN)
        silent = self._peers.silent(signs, time.monotonic())
        if silent:
            with self._pulse.public() as connection:
                leases.expire(connection, silent)
        with self._pulse.public() as connection:
            lost = leases.lost(connection)
            for executor in lost:  # Their taker may have died before it came so far.
                leases.end_connections(connection, executor)
        if lost:
            phases = self._durable.recover(lost)
            _log.warning("took_over", workers=len(lost), phases=phases)
