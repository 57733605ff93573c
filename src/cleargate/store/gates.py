"""Gates: opened with evidence, decided once, on the version of the evidence that was seen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

import sqlalchemy as sa

from cleargate.nouns.errors import Refused
from cleargate.nouns.gate import Choice, Decision, Gate
from cleargate.nouns.ids import CaseId, GateId
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.codec import dump, load
from cleargate.store.database import Session


class AlreadyDecided(Refused):
    """Somebody was quicker; the gate is no longer open."""


class EvidenceChanged(Refused):
    """The evidence is newer than what the decision was about."""


@dataclass(frozen=True, slots=True)
class StoredGate:
    """A gate as stored, with its case and the version of its evidence.

    `note` is what was written with the decision.
    """

    id: GateId
    case: CaseId
    gate: Gate
    version: int
    opened: datetime
    open: bool
    choice: Choice | None = None
    decided_by: str = ""
    decided: datetime | None = None
    note: str = ""


# A case has one open gate at the most: newer evidence replaces the older and raises its version.
_OPEN = sa.text(
    "insert into gates (practice_id, id, case_id, reason, evidence, opened_at)"
    " values (:practice, :id, :case, :reason, :evidence, :now)"
)

# The open gate of a case, held for this transaction.
_LOCK_OPEN = sa.text(
    "select id from gates where practice_id = :practice and case_id = :case and state = 'open'"
    " for update"
)

# Newer evidence for an open gate.
_RENEW = sa.text(
    "update gates set reason = :reason, evidence = :evidence, version = version + 1"
    " where practice_id = :practice and id = :id"
)


def open_gate(session: Session, case: CaseId, gate: Gate, now: datetime) -> GateId:
    """Open a gate, or put newer evidence to the case's open one."""
    existing = session.one(_LOCK_OPEN, case=case)
    gate_id = GateId(existing["id"] if existing else uuid4())
    evidence = session.sealer.seal(dump(gate), "gates", "evidence", gate_id)
    statement = _RENEW if existing else _OPEN
    session.run(statement, id=gate_id, case=case, reason=gate.reason, evidence=evidence, now=now)
    kind, action = ("gate.renew", Action.UPDATE) if existing else ("gate.open", Action.CREATE)
    event = Event(kind, action, "gate", str(gate_id), case=case, code=gate.reason)
    audit.record(session, event)
    return gate_id


# The case of a gate, held for this transaction. Whoever changes a gate holds its case first: two
# who took them in different orders would wait for each other.
_HOLD_CASE = sa.text(
    "select id from cases where practice_id = :practice and id = (select case_id from gates"
    " where practice_id = :practice and id = :id) for update"
)

# One gate, held for this transaction.
_LOCK = sa.text("select * from gates where practice_id = :practice and id = :id for update")

_DECIDED_SO = "This was already decided, by you and just so: your decision stands."
"""Said to who sends a decision twice, because they could not know that it had been kept."""

# A person's decision.
_DECIDE = sa.text(
    "update gates set state = 'decided', choice = :choice, decided_at = :now, decided_by = :actor,"
    " decision = :decision where practice_id = :practice and id = :id"
)


def decide(
    session: Session, gate_id: GateId, decision: Decision, *, actor: str, now: datetime
) -> StoredGate | None:
    """Close the gate with a person's decision; None where this practice has no such gate.

    Raises AlreadyDecided, EvidenceChanged, or Refused for a choice that the gate does not offer.
    """
    session.run(_HOLD_CASE, id=gate_id)
    row = session.one(_LOCK, id=gate_id)
    if row is None:
        return None
    stored = _read(session, row)
    if not stored.open:
        own = (stored.decided_by, stored.choice) == (actor, decision.choice)
        msg = _DECIDED_SO if own else "This was already decided."
        raise AlreadyDecided(msg)
    if decision.evidence_version != stored.version:
        msg = "Newer information has come in. Look at it, then decide again."
        raise EvidenceChanged(msg)
    _check_offer(stored.gate, decision)
    sealed = session.sealer.seal(dump(decision), "gates", "decision", gate_id)
    session.run(_DECIDE, id=gate_id, choice=decision.choice, actor=actor, now=now, decision=sealed)
    event = Event(
        "gate.decide",
        Action.UPDATE,
        "gate",
        str(gate_id),
        actor=actor,
        case=stored.case,
        code=decision.choice,
    )
    audit.record(session, event)
    return stored


def _check_offer(gate: Gate, decision: Decision) -> None:
    if decision.choice not in gate.choices:
        msg = "That choice is not open here. Pick one of those shown."
        raise Refused(msg)
    needs_offer = decision.choice in (Choice.TAKE_OPENING, Choice.USE_EXISTING)
    if needs_offer and decision.detail not in {offer.id for offer in gate.offers}:
        msg = "Pick one of the offers shown."
        raise Refused(msg)


# One gate.
_GET = sa.text("select * from gates where practice_id = :practice and id = :id")


def get(session: Session, gate_id: GateId) -> StoredGate | None:
    """The gate, open or not; None where this practice has none with that id."""
    row = session.one(_GET, id=gate_id)
    return None if row is None else _read(session, row)


# The open gates, oldest first.
_LIST_OPEN = sa.text(
    "select * from gates where practice_id = :practice and state = 'open'"
    " order by opened_at limit :limit offset :offset"
)

# How many gates are open.
_COUNT_OPEN = sa.text("select count(*) from gates where practice_id = :practice and state = 'open'")

# All gates of a case, oldest first.
_OF_CASE = sa.text(
    "select * from gates where practice_id = :practice and case_id = :case order by opened_at"
    " limit 200"
)


def list_open(session: Session, limit: int = 100, offset: int = 0) -> list[StoredGate]:
    """Open gates of the practice, oldest first."""
    return [_read(session, row) for row in session.all(_LIST_OPEN, limit=limit, offset=offset)]


def count_open(session: Session) -> int:
    """How many gates wait for a person."""
    return int(session.run(_COUNT_OPEN).scalar_one())


def of_case(session: Session, case: CaseId) -> list[StoredGate]:
    """All gates of a case, oldest first."""
    return [_read(session, row) for row in session.all(_OF_CASE, case=case)]


# A case that was withdrawn needs no decision any more.
_DROP = sa.text(
    "update gates set state = 'dropped', decided_at = :now, decided_by = :actor"
    " where practice_id = :practice and case_id = :case and state = 'open' returning id"
)


def drop(session: Session, case: CaseId, *, actor: str, now: datetime) -> None:
    """Close the case's open gate, if any, without a decision."""
    row = session.one(_DROP, case=case, actor=actor, now=now)
    if row is not None:
        event = Event("gate.drop", Action.UPDATE, "gate", str(row["id"]), actor=actor, case=case)
        audit.record(session, event)


def _read(session: Session, row: sa.RowMapping) -> StoredGate:
    evidence = session.sealer.open(row["evidence"], "gates", "evidence", row["id"])
    return StoredGate(
        id=GateId(row["id"]),
        case=CaseId(row["case_id"]),
        gate=load(Gate, evidence),
        version=row["version"],
        opened=row["opened_at"],
        open=row["state"] == "open",
        choice=Choice(row["choice"]) if row["choice"] else None,
        decided_by=row["decided_by"],
        decided=row["decided_at"],
        note=_note(session, row),
    )


def _note(session: Session, row: sa.RowMapping) -> str:
    if row["decision"] is None:
        return ""
    return load(Decision, session.sealer.open(row["decision"], "gates", "decision", row["id"])).note
