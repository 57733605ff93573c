"""The engine room: DBOS holds the queue, due times, recovery and ownership of running phases.

The only file that imports dbos. Workflows have no recorded steps: the store is the memory (see
docs/decisions/0003-one-memory.md), so an old release's phases run on any new one.
"""

import base64
import json
import logging
import os
from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

import structlog
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from dbos import DBOS, DBOSConfig, Serializer

from cleargate.nouns.errors import CleargateError
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.store.connect import WORKERS, engine
from cleargate.store.database import Overtaken
from cleargate.store.queue import APPLICATION_VERSION, QUEUE, workflow_id
from cleargate.store.roles import let_app_queue

PhaseRunner = Callable[[str, PracticeId, CaseId, int], None]

EXIT_OVERTAKEN = 75

POOL_SIZE = 10
"""Connections for the queue alone; the phases' own are in store/database.py."""

FORGET_MAX = 1000
"""How many finished phases are dropped in one go."""

_log = structlog.get_logger()


class PhaseBroken(CleargateError):
    """A phase failed and could not even end at a gate; the message is the error's type.

    DBOS logs whatever a workflow raises, and stores it as plain text where the workflow was queued
    from SQL: the error itself, which may quote a patient, must not come that far.
    """


class SealedSerializer(Serializer):
    """Whatever DBOS stores of ours is sealed: JSON values, and of errors the type only."""

    def __init__(self, key: bytes) -> None:
        self._aead = AESGCM(key)

    def serialize(self, data: object) -> str:
        """Seal a value."""
        nonce = os.urandom(12)
        content = json.dumps(data, default=_plain).encode()
        return base64.b64encode(nonce + self._aead.encrypt(nonce, content, None)).decode()

    def deserialize(self, serialized_data: str) -> object:
        """Open a value."""
        sealed = base64.b64decode(serialized_data)
        content = self._aead.decrypt(sealed[:12], sealed[12:], None)
        return json.loads(content, object_hook=_revive)

    def name(self) -> str:
        """The name that DBOS keeps beside the value."""
        return "cleargate_sealed"


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return {"$time": value.isoformat()}
    if isinstance(value, BaseException):
        return {"$error": type(value).__name__}
    msg = f"the engine stores ids and times only, not {type(value).__name__}"
    raise TypeError(msg)


def _revive(value: dict[str, object]) -> object:
    if "$time" in value:
        return datetime.fromisoformat(str(value["$time"]))
    if "$error" in value:
        return RuntimeError(str(value["$error"]))
    return value


def migrate(owner_url: str) -> None:
    """Create or update the engine's tables, and let the app role use them."""
    _quiet()
    DBOS.migrate(owner_url)
    let_app_queue(owner_url)


def _quiet() -> None:
    """DBOS's own log lines are for its developers; ours tell what an office needs."""
    logging.getLogger("dbos").setLevel(logging.ERROR)


class Durable:
    """A launched engine of this process; one a process."""

    def __init__(
        self,
        url: str,
        executor: str,
        key: bytes,
        *,
        concurrency: int,
        poll_s: float,
        prepared: bool = False,
    ) -> None:
        self._engine = engine(
            url, executor, WORKERS, prepared=prepared, pool_size=POOL_SIZE, overflow=0, ping=True
        )
        self._config: DBOSConfig = {
            "name": "cleargate",
            "system_database_url": url,
            "system_database_engine": self._engine,
            "serializer": SealedSerializer(key),
            "application_version": APPLICATION_VERSION,
            "executor_id": executor,
            "run_migrations": False,
            "use_listen_notify": False,
            "max_executor_threads": concurrency + 16,
            "log_level": "ERROR",
            "enable_otlp": False,
            "scheduler_polling_interval_sec": 5.0,
        }
        self._concurrency = concurrency
        self._poll_s = poll_s
        self._running: set[str] = set()

    def launch(self, phases: Sequence[str], run: PhaseRunner) -> None:
        """Register the phases by name and start to work the queue."""
        DBOS(config=self._config)
        _quiet()
        for phase in phases:
            _register(phase, run, self._running)
        DBOS.launch()
        DBOS.register_queue(
            QUEUE,
            worker_concurrency=self._concurrency,
            polling_interval_sec=self._poll_s,
            on_conflict="always_update",
        )

    def recover(self, executors: Sequence[str]) -> int:
        """Queue again what overtaken workers were running; gives how many phases."""
        # Private, but the public call resets the count of attempts: a poison phase could then
        # loop for ever. tests/workflows guards it by killing and freezing workers.
        return len(DBOS._recover_pending_workflows(list(executors)))

    def not_running(self, noted: set[str]) -> set[str]:
        """What is noted as running here and does not.

        The database may have kept that we took a phase up, and have died before it said so.
        """
        return noted - self._running

    def take_up_again(self, stranded: set[str]) -> int:
        """Queue phases again that do not run; gives how many."""
        still = sorted(self.not_running(stranded))
        for workflow in still:
            DBOS.resume_workflow(workflow, queue_name=QUEUE)
        return len(still)

    def forget_finished(self, before: datetime) -> int:
        """Drop the engine's rows of phases that ended before; gives how many."""
        finished = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=before.isoformat(),
            limit=FORGET_MAX,
            load_input=False,
            load_output=False,
        )
        DBOS.delete_workflows([each.workflow_id for each in finished])
        return len(finished)

    def destroy(self) -> None:
        """Stop working the queue; a running phase gets a moment to end."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=10)
        self._engine.dispose()


def _register(phase: str, run: PhaseRunner, running: set[str]) -> None:
    """Register one phase. Its arguments are ids, as store/queue.py queued them."""

    def workflow(practice: str, case: str, seq: int) -> None:
        case_id = CaseId(UUID(case))
        running.add(workflow_id(case_id, seq))
        try:
            run(phase, PracticeId(UUID(practice)), case_id, seq)
        except Overtaken:
            _log.error("worker_overtaken")
            os._exit(EXIT_OVERTAKEN)
        except Exception as error:
            _log.error("phase_broken", phase=phase, error=error)
            raise PhaseBroken(type(error).__name__) from None
        finally:
            running.discard(workflow_id(case_id, seq))

    DBOS.workflow(name=phase)(workflow)
