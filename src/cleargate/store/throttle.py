"""Counters with a window: form posts per address, checks per day, answers per link. No PHI."""

from datetime import datetime

import sqlalchemy as sa

from cleargate.store.database import Session

# One more use in this window, if there is room; no row back means no room.
_TAKE = sa.text(
    "insert into throttle (practice_id, bucket, window_start, used)"
    " values (:practice, :bucket, :start, 1)"
    " on conflict (practice_id, bucket, window_start)"
    " do update set used = throttle.used + 1 where throttle.used < :limit returning used"
)

# What was used in a window counts no more.
_CLEAR = sa.text(
    "delete from throttle where practice_id = :practice and bucket = :bucket"
    " and window_start = :start"
)

# One use in this window counts no more.
_GIVE_BACK = sa.text(
    "update throttle set used = used - 1 where practice_id = :practice and bucket = :bucket"
    " and window_start = :start and used > 0"
)

# Windows that are over.
_FORGET = sa.text("delete from throttle where practice_id = :practice and window_start < :before")


# What was used in a window.
_USED = sa.text(
    "select used from throttle where practice_id = :practice and bucket = :bucket"
    " and window_start = :start"
)


def used(session: Session, bucket: str, window_start: datetime) -> int:
    """How much of a window is used."""
    row = session.one(_USED, bucket=session.sealer.index("throttle", bucket), start=window_start)
    return 0 if row is None else int(row["used"])


def take(session: Session, bucket: str, window_start: datetime, limit: int) -> bool:
    """Use one of `limit` in the window; False when none is left. The bucket's name is hashed."""
    if limit < 1:
        return False
    index = session.sealer.index("throttle", bucket)
    row = session.one(_TAKE, bucket=index, start=window_start, limit=limit)
    return row is not None


def clear(session: Session, bucket: str, window_start: datetime) -> None:
    """Let a window begin anew: whoever used it has shown that they may."""
    session.run(_CLEAR, bucket=session.sealer.index("throttle", bucket), start=window_start)


def give_back(session: Session, bucket: str, window_start: datetime) -> None:
    """Let one use count no more: it was a right one."""
    session.run(_GIVE_BACK, bucket=session.sealer.index("throttle", bucket), start=window_start)


def forget(session: Session, before: datetime) -> None:
    """Drop windows that began before."""
    session.run(_FORGET, before=before)
