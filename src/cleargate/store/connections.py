"""The state of each connection: tokens, budgets of calls, and whether it was stopped.

Fulfils the ports TokenStore and RateBudget for one practice.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import CaseId, PracticeId
from cleargate.nouns.time import Clock
from cleargate.ports import Token
from cleargate.store import audit
from cleargate.store.audit import Action, Event
from cleargate.store.codec import dump, load
from cleargate.store.database import Database, Session

# A connection's row, made when it is first used.
_ENSURE = sa.text(
    "insert into connections (practice_id, name, state, since)"
    " values (:practice, :name, 'ok', :now) on conflict do nothing"
)

# A connection's row, held for this transaction.
_LOCK = sa.text(
    "select * from connections where practice_id = :practice and name = :name for update"
)

# One process at a time renews a connection's token. Not the row's lock: whoever mints a token makes
# a call, which takes from the row's budget in a transaction of its own.
_HOLD_TOKEN = sa.text("select pg_advisory_xact_lock(hashtextextended(:lock, 0))")

# The token in force.
_TOKEN = sa.text("select token from connections where practice_id = :practice and name = :name")

# A new token.
_SET_TOKEN = sa.text(
    "insert into connections (practice_id, name, state, since, token)"
    " values (:practice, :name, 'ok', :now, :token)"
    " on conflict (practice_id, name) do update set token = excluded.token"
)

# What is left of a budget.
_SET_BUDGET = sa.text(
    "update connections set budget = :budget, budget_at = :now"
    " where practice_id = :practice and name = :name"
)

# A connection was stopped, or works again.
_SET_STATE = sa.text(
    "update connections set state = :state, code = :code, since = :now"
    " where practice_id = :practice and name = :name and state <> :state"
)

# All connections that this practice has used.
_LIST = sa.text(
    "select name, state, code, since from connections where practice_id = :practice order by name"
)


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """Whether a connection works: `state` is ok or stopped, `code` says why."""

    name: str
    state: str
    code: str
    since: datetime


class StoredTokens:
    """Access tokens of one practice, sealed, refreshed by one process at a time."""

    def __init__(self, database: Database, practice: PracticeId, clock: Clock) -> None:
        self._database = database
        self._practice = practice
        self._clock = clock
        self._known: dict[str, Token] = {}

    def current(self, connection: str) -> Token | None:
        """The token in force, or None."""
        known = self._known.get(connection)
        if known is not None and known.expires > self._clock.now():
            return known
        with self._database.session(self._practice) as session:
            row = session.one(_TOKEN, name=connection)
            return self._open(session, connection, row)

    def refresh(self, connection: str, stale: Token | None, mint: Callable[[], Token]) -> Token:
        """Replace the stale token; one process mints, the others wait and read."""
        with self._database.session(self._practice) as session:
            session.run(_HOLD_TOKEN, lock=f"token|{self._practice}|{connection}")
            row = session.one(_TOKEN, name=connection)
            newer = self._open(session, connection, row)
            if newer is not None and newer != stale:
                return newer
            token = mint()
            sealed = session.sealer.seal(dump(token), "connections", "token", connection)
            session.run(_SET_TOKEN, name=connection, token=sealed, now=self._clock.now())
            event = Event(
                "connection.token", Action.EXECUTE, "connection", connection, connection=connection
            )
            audit.record(session, event)
        self._known[connection] = token
        return token

    def _open(self, session: Session, connection: str, row: sa.RowMapping | None) -> Token | None:
        if row is None or row["token"] is None:
            return None
        content = session.sealer.open(row["token"], "connections", "token", connection)
        token = load(Token, content)
        if token.expires <= self._clock.now():
            return None
        self._known[connection] = token
        return token


@dataclass(frozen=True, slots=True)
class Budget:
    """How often a connection may be called: a bucket of `burst` that fills by `per_second`."""

    burst: int
    per_second: float


class StoredBudgets:
    """Token buckets of one practice, shared by all its processes; no budget, no limit."""

    def __init__(
        self,
        database: Database,
        practice: PracticeId,
        clock: Clock,
        budgets: dict[str, Budget],
    ) -> None:
        self._database = database
        self._practice = practice
        self._clock = clock
        self._budgets = budgets

    def take(self, connection: str) -> None:
        """Take one call; RATE_LIMITED with the wait in seconds when none is left."""
        budget = self._budgets.get(connection)
        if budget is None:
            return
        now = self._clock.now()
        with self._database.session(self._practice) as session:
            session.run(_ENSURE, name=connection, now=now)
            row = session.one(_LOCK, name=connection)
            left = _left(budget, row, now)
            # Also without a take: it fills on from now, should the clock have been turned back.
            rest = left - 1 if left >= 1 else left
            session.run(_SET_BUDGET, name=connection, budget=rest, now=now)
        if left < 1:
            wait_s = (1 - left) / budget.per_second
            raise PortError(
                ErrorKind.RATE_LIMITED,
                connection,
                vendor_code="own_budget",
                retry_after_s=wait_s,
            )


def _left(budget: Budget, row: sa.RowMapping | None, now: datetime) -> float:
    """What a bucket holds now."""
    if row is None or row["budget"] is None:
        return float(budget.burst)
    idle_s = max(0.0, (now - row["budget_at"]).total_seconds())
    left: float = row["budget"] + idle_s * budget.per_second
    return min(float(budget.burst), left)


def mark(session: Session, connection: str, state: str, code: str, now: datetime) -> bool:
    """Keep whether a connection works; True when that is news."""
    session.run(_ENSURE, name=connection, now=now)
    changed = session.run(_SET_STATE, name=connection, state=state, code=code, now=now).rowcount
    return changed > 0


# Stopped connections over which a call of a case went through since. What stopped in the future
# did so before the clock was turned back.
_WORKS = sa.text(
    "update connections c set state = 'ok', code = '', since = :now"
    " where practice_id = :practice and state <> 'ok' and exists (select 1 from attempts a"
    "   where a.practice_id = :practice and a.case_id = :case and a.connection = c.name"
    "   and a.outcome = 'ok' and (a.started_at > c.since or c.since > :now)) returning name"
)


def works(session: Session, case: CaseId, now: datetime) -> list[str]:
    """Keep that calls of a case went through; gives the connections that had been stopped."""
    return [row.name for row in session.run(_WORKS, case=case, now=now)]


def states(session: Session) -> list[ConnectionState]:
    """Every connection that was used so far."""
    return [
        ConnectionState(row["name"], row["state"], row["code"], row["since"])
        for row in session.all(_LIST)
    ]
