"""A member of staff takes another password; every other session of theirs ends with the old one."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cleargate.nouns.errors import Refused
from cleargate.people.passwords import check_new, hash_of, is_right
from cleargate.people.sign_in import TRIES_PER_QUARTER_HOUR, SignedIn, quarter_hour
from cleargate.store import audit, people, refusals, staff, throttle
from cleargate.store.audit import Action, Event
from cleargate.store.database import Database, Session, Source
from cleargate.store.links import token_hash

_WRONG = "The old password is not right. After many tries, wait a quarter of an hour."


@dataclass(frozen=True, slots=True)
class Change:
    """The old password and the new one; `own_words` are what the new one must not be made of."""

    old: str
    new: str
    own_words: Sequence[str]


def change_password(
    database: Database, who: SignedIn, change: Change, token: str, now: datetime, source: Source
) -> None:
    """Put the new password in force, and end every session of theirs but the token's.

    The old one is asked for, because a screen may have been left open. Raises Refused.
    """
    check_new(change.new, change.own_words)
    if change.new == change.old:
        raise Refused("The new password is the old one: take another.")
    with database.session(who.practice, source) as session:
        done = _change(session, who, change, token, now)
    if not done:  # What was refused is on the trail by now.
        raise Refused(_WRONG)


def _change(session: Session, who: SignedIn, change: Change, token: str, now: datetime) -> bool:
    event = Event("staff.password", Action.UPDATE, "staff", str(who.member.id), actor=who.actor)
    bucket, window = f"password:{who.member.id}", quarter_hour(now)
    in_time = throttle.take(session, bucket, window, TRIES_PER_QUARTER_HOUR)
    member = people.by_username(session, who.member.username)
    right = in_time and is_right(member.password_hash if member else None, change.old)
    if not in_time:
        refusals.record(session, replace(event, code="too_many"), now)
        return False
    if not right:
        audit.record(session, replace(event, outcome="refused"))
        return False
    staff.set_password(session, who.member.id, hash_of(change.new))
    people.sign_out_everywhere(session, who.member.id, but=token_hash(token))
    throttle.clear(session, bucket, window)
    audit.record(session, event)
    return True
