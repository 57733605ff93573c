"""Attachments of a case, such as photos of an insurance card: sealed, in the database."""

from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa

from cleargate.nouns.ids import CaseId
from cleargate.store.database import Session

# Keep an attachment.
_ADD = sa.text(
    "insert into attachments (practice_id, id, case_id, kind, content, created_at)"
    " values (:practice, :id, :case, :kind, :content, :now)"
)

# What a case has.
_LIST = sa.text(
    "select id, kind from attachments where practice_id = :practice and case_id = :case"
    " order by created_at limit 20"
)

# One attachment of a case.
_GET = sa.text(
    "select content from attachments where practice_id = :practice and case_id = :case and id = :id"
)


def add(session: Session, case: CaseId, kind: str, content: bytes, now: datetime) -> None:
    """Keep an attachment of a case."""
    attachment = uuid4()
    sealed = session.sealer.seal(content, "attachments", "content", attachment)
    session.run(_ADD, id=attachment, case=case, kind=kind, content=sealed, now=now)


def of_case(session: Session, case: CaseId) -> list[tuple[UUID, str]]:
    """Id and kind of each attachment of a case."""
    return [(row["id"], row["kind"]) for row in session.all(_LIST, case=case)]


def get(session: Session, case: CaseId, attachment: UUID) -> bytes | None:
    """The content of one attachment of a case."""
    row = session.one(_GET, case=case, id=attachment)
    if row is None:
        return None
    return session.sealer.open(row["content"], "attachments", "content", attachment)
