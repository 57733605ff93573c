"""Unguessable links for patients: only a hash is stored, and every link ends."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from cleargate.nouns.ids import CaseId
from cleargate.store.database import Session

TRIES_MAX = 5
"""Wrong answers to the birth-date question before a link is dead."""


class LinkPurpose(StrEnum):
    """What a link opens."""

    RECEIPT = "receipt"
    CONFIRM_CONTACT = "confirm_contact"
    WITHDRAW = "withdraw"
    CHECK_DETAILS = "check_details"


@dataclass(frozen=True, slots=True)
class Link:
    """What a token opens; `tries` counts wrong answers."""

    case: CaseId
    purpose: LinkPurpose
    tries: int


def token_hash(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).digest()


# Keep a link.
_ADD = sa.text(
    "insert into links (practice_id, token_hash, case_id, purpose, expires_at)"
    " values (:practice, :hash, :case, :purpose, :expires)"
    " on conflict (practice_id, token_hash) do nothing"
)

# The link of a token that has not ended.
_FIND = sa.text(
    "select case_id, purpose, tries from links where practice_id = :practice"
    " and token_hash = :hash and expires_at > :now"
)

# The same, held for this transaction: answers that come at once are counted one after the other.
_HOLD = sa.text(f"{_FIND.text} for update")

# One more wrong answer.
_COUNT = sa.text(
    "update links set tries = tries + 1 where practice_id = :practice and token_hash = :hash"
)

# What was sent for this purpose opens nothing any more, also when the clock is turned back.
_END = sa.text(
    "update links set expires_at = 'epoch' where practice_id = :practice and case_id = :case"
    " and purpose = :purpose and expires_at > :now"
)


def make(session: Session, case: CaseId, purpose: LinkPurpose, expires: datetime) -> str:
    """Make a link; gives its token of 256 random bits, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    keep(session, case, purpose, token, expires)
    return token


def derived_token(session: Session, case: CaseId, purpose: LinkPurpose, turn: int = 1) -> str:
    """The one token of a case and purpose that can be made again, for a mail that is sent again.

    It is an HMAC under the practice's key: unguessable, and stored nowhere either. Another turn
    has another token.
    """
    about = str(case) if turn == 1 else f"{case}:{turn}"
    key = session.sealer.index(f"link:{purpose}", about)
    return (key + session.sealer.index(f"link2:{purpose}", about)).hex()


def keep(
    session: Session, case: CaseId, purpose: LinkPurpose, token: str, expires: datetime
) -> None:
    """Keep a token's hash."""
    session.run(_ADD, hash=token_hash(token), case=case, purpose=purpose, expires=expires)


def find(session: Session, token: str, now: datetime, *, hold: bool = False) -> Link | None:
    """What the token opens; None when it is wrong or has ended.

    With `hold`, nobody else can count a wrong answer until the transaction ends.
    """
    row = session.one(_HOLD if hold else _FIND, hash=token_hash(token), now=now)
    if row is None:
        return None
    return Link(CaseId(row["case_id"]), LinkPurpose(row["purpose"]), row["tries"])


def end(session: Session, case: CaseId, purpose: LinkPurpose, now: datetime) -> None:
    """End every link of a case that was made for a purpose."""
    session.run(_END, case=case, purpose=purpose, now=now)


def count_wrong_answer(session: Session, token: str) -> None:
    """One more wrong answer to the birth-date question."""
    session.run(_COUNT, hash=token_hash(token))
