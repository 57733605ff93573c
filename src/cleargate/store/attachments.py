"""Attachments of a case, such as photos of an insurance card: sealed, in the database or a bucket.

In a bucket each file is sealed under a key of its own, and the row keeps that key, sealed. So a
rotation never touches the bucket, and an object whose row was rolled back is noise for everybody.
The object is there before the row that names it commits, and gone before the row's end commits.
"""

import os
from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID, uuid4

import sqlalchemy as sa
import structlog

from cleargate.nouns.errors import FilesDown
from cleargate.nouns.ids import CaseId
from cleargate.ports import FileStore
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.crypto import KEY_BYTES, Keys, Sealer
from cleargate.store.database import Session

_log = structlog.get_logger()

# Keep an attachment.
_ADD = sa.text(
    "insert into attachments (practice_id, id, case_id, kind, content, object, created_at)"
    " values (:practice, :id, :case, :kind, :content, :object, :now)"
)

# What a case has.
_LIST = sa.text(
    "select id, kind from attachments where practice_id = :practice and case_id = :case"
    " order by created_at limit 20"
)

# One attachment of a case.
_GET = sa.text(
    "select content, object from attachments"
    " where practice_id = :practice and case_id = :case and id = :id"
)


def add(session: Session, case: CaseId, kind: str, content: bytes, now: datetime) -> None:
    """Keep an attachment of a case.

    Where the bucket does not answer it is kept in the database: what a patient sends is not lost
    because of a photo.
    """
    attachment, name = uuid4(), ""
    if session.files is not None:
        key = os.urandom(KEY_BYTES)
        sealed = session.sealer.seal(key, "attachments", "content", attachment)
        name = _put(session, session.files, attachment, key, content)
    if not name:
        sealed = session.sealer.seal(content, "attachments", "content", attachment)
    session.run(_ADD, id=attachment, case=case, kind=kind, content=sealed, object=name, now=now)


def _put(session: Session, files: FileStore, attachment: UUID, key: bytes, content: bytes) -> str:
    """Keep a file in the bucket; gives its name there, or none when the bucket does not answer."""
    name = f"{session.practice}/{uuid4()}"
    sealed = _own_sealer(session, key).seal(content, "attachments", "object", attachment)
    try:
        files.put(name, sealed)
    except FilesDown as error:
        _log.error("alert", code="attachment_kept_in_database", error=type(error).__name__)
        return ""
    return name


def _own_sealer(session: Session, key: bytes) -> Sealer:
    """The sealer of one file in the bucket, under the file's own key."""
    return Sealer(session.practice, Keys.opened({1: key}))


def of_case(session: Session, case: CaseId) -> list[tuple[UUID, str]]:
    """Id and kind of each attachment of a case."""
    return [(row["id"], row["kind"]) for row in session.all(_LIST, case=case)]


def get(session: Session, case: CaseId, attachment: UUID) -> bytes | None:
    """The content of one attachment of a case. Raises FilesDown."""
    row = session.one(_GET, case=case, id=attachment)
    if row is None:
        return None
    kept = session.sealer.open(row["content"], "attachments", "content", attachment)
    if not row["object"]:
        return kept
    sealed = _files(session).get(row["object"])
    if sealed is None:
        _log.error("alert", code="attachment_missing", attachment=attachment)
        return None
    return _own_sealer(session, kept).open(sealed, "attachments", "object", attachment)


# Some rows whose file is in the bucket.
_DROP = sa.text(
    "delete from attachments where practice_id = :practice and id in (select id from attachments"
    " where practice_id = :practice and object <> '' order by id limit :limit)"
    " returning case_id, object"
)


def drop_some(session: Session, limit: int, actor: str) -> int:
    """Delete some attachments of a practice that has left, with their files; gives how many.

    Only those in the bucket: what is in the database stays there, as unreadable as these. Raises
    FilesDown, and deletes nothing, when the bucket does not answer.
    """
    rows = session.all(_DROP, limit=limit)
    for case, count in Counter(CaseId(row["case_id"]) for row in rows).items():
        kind, code = "attachments.dropped", f"photos:{count}"
        event = Event(kind, Action.DELETE, "case", str(case), actor=actor, case=case, code=code)
        audit.record(session, event)
    delete_files(session, [row["object"] for row in rows])
    return len(rows)


def delete_files(session: Session, names: Iterable[str]) -> None:
    """Delete files of the bucket; the transaction that deletes their rows commits after it."""
    named = sorted(name for name in names if name)
    if named:
        _files(session).delete(named)


def _files(session: Session) -> FileStore:
    if session.files is None:
        raise FilesDown("this attachment is in a bucket: set CLEARGATE_ATTACHMENTS_BUCKET")
    return session.files
