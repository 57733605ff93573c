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
from cleargate.engine.run import PATIENCE
from cleargate.engine.tidy import tidy
from cleargate.engine.watchdog import mend_orphans
from cleargate.nouns.errors import frames
from cleargate.store import leases, watch
from cleargate.store.database import Database

HEARTBEAT_S = 2.0
LEASE_S = 8.0
WATCHDOG_S = 30.0
STRANDED_S = 30.0
"""A phase that was taken up so long ago and does not run is taken up again."""

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
    ) -> None:
        """`chores` is what else the office wants done by the clock; it is called every minute."""
        self._database = database
        self._durable = durable
        self._executor = executor
        self._phases = phases
        self._run = run
        self._chores = chores
        self._beaten = time.monotonic()
        self._judges_from = self._beaten
        self._stop = threading.Event()
        self._housekeeper = threading.Thread(
            target=self._keep_house, name="housekeeper", daemon=True
        )
        self._clerk = threading.Thread(target=self._do_chores, name="clerk", daemon=True)

    def start(self) -> None:
        """Take a lease and begin to work."""
        with self._database.public() as connection:
            leases.start(connection, self._executor)
        self._durable.launch(self._phases, self._run)
        self._housekeeper.start()
        self._clerk.start()
        _log.info("worker_started", executor=self._executor)

    def stop(self) -> None:
        """End running phases if they end soon, and give the lease back."""
        self._stop.set()
        self._durable.destroy()
        self._housekeeper.join(timeout=10)
        self._clerk.join(timeout=10)
        with self._database.public() as connection:
            leases.end(connection, self._executor)
        _log.info("worker_stopped", executor=self._executor)

    def wait_for_signal(self) -> None:
        """Work until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._stop.set())
        self._stop.wait()

    def drain(self, until: datetime, horizon_s: float = HORIZON_S) -> bool:
        """Work until nothing is due any more (True) or until the deadline (False)."""
        left_s = (until - datetime.now(until.tzinfo)).total_seconds()
        deadline = time.monotonic() + left_s
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

    def _keep_house(self) -> None:
        """Heartbeat, takeover and watchdog; a database that is away is waited for."""
        next_watch = time.monotonic() + WATCHDOG_S
        next_tidy = time.monotonic() + TIDY_S
        while not self._stop.wait(HEARTBEAT_S):
            try:
                self._beat()
                if time.monotonic() >= next_watch:
                    mend_orphans(self._database)
                    self.mend_stranded()
                    next_watch = time.monotonic() + WATCHDOG_S
                if time.monotonic() >= next_tidy:
                    self.tidy(datetime.now(UTC))
                    next_tidy = time.monotonic() + TIDY_S
            except SQLAlchemyError as error:
                _log.warning("housekeeping_failed", error=type(error).__name__)

    def _do_chores(self) -> None:
        """The office's own chores, beside the heartbeat, which must not wait for them."""
        while True:
            try:
                self._chores()
            except Exception as error:  # Tried again: nothing else may end with them.
                kind = type(error).__name__
                _log.error("chores_failed", error=kind, frames=frames(error.__traceback__))
            if self._stop.wait(CHORES_S):
                return

    def mend_stranded(self, age_s: float = STRANDED_S) -> None:
        """Take up again what this worker is said to run and does not."""
        with self._database.public() as connection:
            noted = watch.noted_as_running(connection, self._executor, age_s)
        mended = self._durable.take_up_again(noted)
        if mended:
            _log.warning("phases_taken_up_again", phases=mended)

    def tidy(self, now: datetime) -> None:
        """Drop what nobody needs any more; see engine/tidy.py."""
        tidy(self._database, self._durable, now)

    def _beat(self) -> None:
        with self._database.public() as connection:
            held = leases.renew(connection, self._executor)
        if not held:
            _log.error("worker_overtaken")
            os._exit(EXIT_OVERTAKEN)
        if not self._may_judge_peers():
            return
        with self._database.public() as connection:
            expired = leases.expire(connection, self._executor, LEASE_S)
        with self._database.public() as connection:
            for executor in expired:
                leases.end_connections(connection, executor)
            lost = leases.lost(connection)
        if lost:
            phases = self._durable.recover(lost)
            _log.warning("took_over", workers=len(lost), phases=phases)

    def _may_judge_peers(self) -> bool:
        """Whether peers that were silent are dead.

        When this worker was silent for as long, the database was away, and they had no way to
        speak: whoever came back first would end all the others.
        """
        now = time.monotonic()
        if now - self._beaten > LEASE_S:
            self._judges_from = now + LEASE_S
        self._beaten = now
        return now >= self._judges_from
