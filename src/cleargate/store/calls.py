"""What left this house, to whom and when, on the trail.

A try of a case is told twice: `call.begin` before its first byte leaves, and one event per call
with the commit that keeps the try. So a call whose worker died is still told, by its beginning;
nouns/disclosure.py reads both.
"""

from cleargate.nouns.case import Attempt
from cleargate.nouns.disclosure import BEGIN, NOBODY
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.outside import Left, OutsideCall
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.crypto import Sealer
from cleargate.store.database import Database, Session


def begin(session: Session, case: CaseId, step: str, connection: str) -> None:
    """Tell that a step is about to call outside: its commit comes before the bytes leave."""
    event = Event(
        BEGIN,
        Action.EXECUTE,
        "connection",
        connection,
        case=case,
        connection=connection,
        code=step,
    )
    audit.record(session, event)


def tell(session: Session, call: OutsideCall, *, step: str, case: CaseId | None = None) -> None:
    """Tell of one call. Its code is `operation:status`, or `operation:` and why there is none."""
    event = Event(
        f"call.{step}",
        Action.EXECUTE,
        "connection",
        call.connection,
        outcome=_outcome(call),
        case=case,
        connection=call.connection,
        code=f"{call.operation}:{call.outcome}",
        request_id=call.request_id,
        digest=digest(session.sealer, call),
    )
    audit.record(session, event)


def tell_nothing_left(session: Session, attempt: Attempt, case: CaseId) -> None:
    """End the beginning of a try that called nobody: a question refused here, a budget spent."""
    event = Event(
        f"call.{attempt.step}",
        Action.EXECUTE,
        "connection",
        attempt.connection,
        outcome="unsent",
        case=case,
        connection=attempt.connection,
        code=f"{NOBODY}:{attempt.outcome}",
    )
    audit.record(session, event)


def _outcome(call: OutsideCall) -> str:
    """`ok`, `refused` by an answer, `unsent`, or `unsure` whether it arrived."""
    if call.left is Left.YES:
        return "ok" if call.answered else "refused"
    return "unsent" if call.left is Left.NO else "unsure"


def digest(sealer: Sealer, call: OutsideCall) -> str:
    """What proves a call to whoever has its bytes: 32 hex digits for what left, 32 for the answer.

    The second half is absent where nothing came. Each is a blind index and no bare SHA-256: what
    is asked about a patient has so few possible values that they could be tried one by one.
    """
    halves = (call.digest_out, call.digest_in)
    return "".join(sealer.index("call", each).hex() for each in halves if each)


class StoredCalls:
    """The Recorder for calls that belong to no try of a case: each is told at once."""

    def __init__(self, database: Database, practice: PracticeId) -> None:
        self._database = database
        self._practice = practice

    def record(self, call: OutsideCall) -> None:
        """Tell of the call in a transaction of its own."""
        with self._database.session(self._practice) as session:
            tell(session, call, step=call.operation.partition(":")[0])
