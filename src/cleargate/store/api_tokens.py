"""API tokens: hashes only, each of one practice. A revoked one is kept, to know it again."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cleargate.nouns.ids import PracticeId
from cleargate.store.database import Session


@dataclass(frozen=True, slots=True)
class ApiToken:
    """A program's token: the program's name, since when, and since when not any more."""

    practice: PracticeId
    name: str
    created: datetime
    revoked: datetime | None


# Keep an API token.
_KEEP = sa.text(
    "insert into api_tokens (token_hash, practice_id, name) values (:hash, :practice, :name)"
    " on conflict do nothing"
)

# Whose API token it is.
_FIND = sa.text(
    "select practice_id, name, created_at, revoked_at from api_tokens where token_hash = :hash"
)

# The practice's tokens, those in force first.
_ALL = sa.text(
    "select practice_id, name, created_at, revoked_at from api_tokens"
    " where practice_id = :practice order by revoked_at is not null, name, created_at limit 1000"
)

# The tokens of that name open nothing any more.
_REVOKE = sa.text(
    "update api_tokens set revoked_at = :now where practice_id = :practice and name = :name"
    " and revoked_at is null"
)


def keep(session: Session, token_hash: bytes, name: str) -> None:
    """Keep an API token's hash."""
    session.run(_KEEP, hash=token_hash, name=name)


def find(connection: sa.Connection, token_hash: bytes) -> ApiToken | None:
    """Whose API token it is, a revoked one's too: look at `revoked`."""
    row = connection.execute(_FIND, {"hash": token_hash}).mappings().first()
    return None if row is None else _token(row)


def all_of(session: Session) -> list[ApiToken]:
    """The practice's tokens, those in force first."""
    return [_token(row) for row in session.all(_ALL)]


def revoke(session: Session, name: str, now: datetime) -> int:
    """End every token of that name, from the next call on; how many there were."""
    return session.run(_REVOKE, name=name, now=now).rowcount


def _token(row: sa.RowMapping) -> ApiToken:
    practice = PracticeId(row["practice_id"])
    return ApiToken(practice, row["name"], row["created_at"], row["revoked_at"])
