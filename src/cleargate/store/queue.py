"""The next phase of a case, queued in the caller's transaction.

A case is the owner of its queue entry: every start raises `phase_seq`, and a queued phase whose
number is no longer the case's does nothing. So there is never more than one live phase a case.
"""

from datetime import datetime

import sqlalchemy as sa

from cleargate.nouns.ids import CaseId
from cleargate.store.database import Session

APPLICATION_VERSION = "1"
"""The engine's pinned version: a new release runs what an older one queued."""

QUEUE = "cases"

# The case takes the phase and a new number, and loses any older claim to run.
_CLAIM = sa.text(
    "update cases set phase = :phase, phase_seq = phase_seq + 1, due_at = :due, note = :note,"
    " updated_at = now() where practice_id = :practice and id = :case and state = 'open'"
    " returning phase_seq"
)

# Queue the phase by name, with ids as its only arguments.
_ENQUEUE = sa.text(
    "select dbos.enqueue_workflow(workflow_name => :phase, queue_name => :queue,"
    " positional_args => array[to_json(cast(:practice as text)), to_json(cast(:case as text)),"
    " to_json(cast(:seq as integer))], workflow_id => :id, app_version => :version,"
    " delay_until_epoch_ms => cast(:due_ms as bigint))"
)


def start_phase(
    session: Session, case: CaseId, phase: str, *, due: datetime | None = None, note: str = ""
) -> int:
    """Queue a phase of an open case, at once or at `due`; gives the phase's number.

    Gives 0 and queues nothing when the case is no longer open. `note` is a word for "what happens
    next", see web/words.py.
    """
    row = session.one(_CLAIM, case=case, phase=phase, due=due, note=note)
    if row is None:
        return 0
    seq = int(row["phase_seq"])
    session.run(
        _ENQUEUE,
        phase=phase,
        queue=QUEUE,
        case=case,
        seq=seq,
        id=workflow_id(case, seq),
        version=APPLICATION_VERSION,
        due_ms=None if due is None else int(due.timestamp() * 1000),
    )
    return seq


def workflow_id(case: CaseId, seq: int) -> str:
    """The engine's id of one queued phase: random, and unique for ever."""
    return f"{case.hex}.{seq}"
