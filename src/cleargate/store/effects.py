"""Effects: what was sent to a vendor under which Ref, and the receipt that came back.

A row is kept *before* the bytes leave. So after a crash a row without a receipt says: this may
have happened over there, look before sending again.
"""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cleargate.nouns.case import Receipt
from cleargate.nouns.ids import CaseId, Ref
from cleargate.store.codec import dump, load
from cleargate.store.database import Session

# The finished write of a step, whatever its generation.
_DONE = sa.text(
    "select ref, receipt from effects where practice_id = :practice and case_id = :case"
    " and step = :step and state = 'done' order by generation desc limit 1"
)

# A write is about to be sent. `doubts` counts earlier sends whose outcome is not known. A case that
# came out of a backup may have sent it in the hours that were lost.
_BEGIN = sa.text(
    "insert into effects (practice_id, ref, case_id, step, generation, connection, state, sent_at,"
    " doubts) values (:practice, :ref, :case, :step, :generation, :connection, 'sent', :now,"
    " (exists (select 1 from restores r join cases c on c.practice_id = r.practice_id"
    "   and c.created_at <= r.cases_until"
    "   where r.practice_id = :practice and c.id = :case))::integer)"
    " on conflict (practice_id, ref) do update set state = 'sent', sent_at = excluded.sent_at,"
    " doubts = effects.doubts + (effects.state = 'sent')::integer returning doubts"
)

# The vendor has it. A late reply does not bring back what was taken back meanwhile.
_FINISH = sa.text(
    "update effects set state = 'done', receipt = :receipt, done_at = :now"
    " where practice_id = :practice and ref = :ref and state <> 'undone'"
)

# The last send surely did nothing over there.
_UNSENT = sa.text("update effects set state = 'due' where practice_id = :practice and ref = :ref")

# What was done was taken back, so that it may be done again under a new generation.
_UNDO = sa.text(
    "update effects set state = 'undone' where practice_id = :practice and case_id = :case"
    " and step = :step and state = 'done'"
)


def done(session: Session, case: CaseId, step: str) -> Receipt | None:
    """The receipt of a step that was finished and not taken back, or None."""
    row = session.one(_DONE, case=case, step=step)
    return None if row is None else _receipt(session, row)


def begin(session: Session, ref: Ref, connection: str, now: datetime) -> int:
    """Keep that a write is about to leave; gives how many earlier sends may have arrived."""
    row = session.one(
        _BEGIN,
        ref=ref.value,
        case=ref.case,
        step=ref.step,
        generation=ref.generation,
        connection=connection,
        now=now,
    )
    return 0 if row is None else int(row["doubts"])


def finish(session: Session, ref: Ref, receipt: Receipt, now: datetime) -> None:
    """Keep the vendor's receipt."""
    sealed = session.sealer.seal(dump(receipt), "effects", "receipt", ref.value)
    session.run(_FINISH, ref=ref.value, receipt=sealed, now=now)


def unsent(session: Session, ref: Ref) -> None:
    """Keep that the last send surely did nothing, so that the next one is in no doubt."""
    session.run(_UNSENT, ref=ref.value)


# Sends of a step under older Refs of which it is not known whether they arrived.
_IN_DOUBT = sa.text(
    "select generation from effects where practice_id = :practice and case_id = :case"
    " and step = :step and generation < :generation"
    " and (state = 'sent' or (state = 'due' and doubts > 0)) order by generation"
)


def in_doubt(session: Session, case: CaseId, step: str, generation: int) -> list[Ref]:
    """The Refs before a generation under which a step may have arrived, oldest first."""
    rows = session.all(_IN_DOUBT, case=case, step=step, generation=generation)
    return [Ref(case, step, row["generation"]) for row in rows]


# Whether a write of a step may have left, and was not taken back.
_BEGUN = sa.text(
    "select exists (select 1 from effects where practice_id = :practice and case_id = :case"
    " and step = :step and state in ('sent', 'done'))"
)


def begun(session: Session, case: CaseId, step: str) -> bool:
    """Whether the vendor may have what a step writes."""
    return bool(session.run(_BEGUN, case=case, step=step).scalar_one())


# What was done under older Refs may be done anew under this one.
_UNDO_OLDER = sa.text(
    "update effects set state = 'undone' where practice_id = :practice and case_id = :case"
    " and step = :step and generation < :generation and state = 'done'"
)


def undo_older(session: Session, case: CaseId, step: str, generation: int) -> None:
    """Let a step be done anew that was finished before this generation, and then once."""
    session.run(_UNDO_OLDER, case=case, step=step, generation=generation)


def undo(session: Session, case: CaseId, step: str) -> None:
    """Remember that a finished step was taken back."""
    session.run(_UNDO, case=case, step=step)


@dataclass(frozen=True, slots=True)
class Effect:
    """One write as stored: `state` is due, sent (outcome unknown), done or undone."""

    ref: str
    step: str
    state: str
    receipt: Receipt | None


# All writes of a case, in the order in which they were first sent.
_OF_CASE = sa.text(
    "select ref, step, state, receipt from effects where practice_id = :practice"
    " and case_id = :case order by sent_at limit 200"
)


def of_case(session: Session, case: CaseId) -> list[Effect]:
    """All writes of a case."""
    return [
        Effect(
            ref=row["ref"],
            step=row["step"],
            state=row["state"],
            receipt=_receipt(session, row) if row["receipt"] else None,
        )
        for row in session.all(_OF_CASE, case=case)
    ]


def _receipt(session: Session, row: sa.RowMapping) -> Receipt:
    content = session.sealer.open(row["receipt"], "effects", "receipt", row["ref"])
    return load(Receipt, content)
