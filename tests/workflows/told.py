"""What must be true of the trail at a case's end: it tells of every call that reached a vendor."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from tests.trail import TRAIL
from tests.workflows.stage import Stage

_TRAIL = sa.text(
    f"select type, connection, code, outcome, recorded from {TRAIL}"
    " where practice_id = :practice and type like 'call.%' order by recorded limit 10000"
)

_OPERATIONS = {"core": "ask", "smtp": "send"}
_CONNECTIONS = {"ehr": "ehr", "core": "clearinghouse", "smtp": "mail"}

Name = tuple[str, str]
"""A connection and what was called over it."""


@dataclass(frozen=True)
class Window:
    """From the beginning of a try to its end, which is None when its worker died in it."""

    connection: str
    begins: datetime
    ends: datetime | None


def assert_every_call_is_told(stage: Stage) -> Counter[Name]:
    """Gives the calls of which only their try's beginning is told.

    Both count what happened here: a world of this stage's own is needed.
    """
    arrived = [(_name(line), datetime.fromisoformat(line["at"])) for line in _received(stage)]
    came = Counter(name for name, _ in arrived)
    trail = [row for practice in stage.house.profiles for row in _trail(stage, practice)]
    ended = [row for row in trail if row["type"] != "call.begin"]
    told = Counter(_told(row) for row in ended if row["outcome"] != "unsent")
    answered = Counter(_told(row) for row in ended if row["outcome"] in ("ok", "refused"))
    assert not answered - came, ("told, but never came", answered - came)
    missing = came - told
    broken = [each for each in _windows(trail) if each.ends is None]
    for name, number in missing.items():
        within = [
            at
            for each, at in arrived
            if each == name and any(w.connection == name[0] and w.begins <= at for w in broken)
        ]
        assert len(within) >= number, ("arrived untold", name, number, broken)
    return missing


def _received(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stage.world.admin("calls")["calls"]
    return found


def _name(line: dict[str, Any]) -> Name:
    """How our trail calls what the sandbox calls `ehr:riverside:search:Patient` or `core:60054`."""
    area, _, rest = line["call"].partition(":")
    operation = _OPERATIONS.get(area) or rest.partition(":")[2]
    return _CONNECTIONS[area], "discover" if operation.startswith("discover") else operation


def _told(row: sa.RowMapping) -> Name:
    return row["connection"], row["code"].rpartition(":")[0]


def _trail(stage: Stage, practice: Any) -> list[sa.RowMapping]:
    with stage.house.database.session(practice) as session:
        return session.all(_TRAIL)


def _windows(trail: list[sa.RowMapping]) -> Iterator[Window]:
    """Every try that was announced; it ended when a call of its step is told before the next."""
    steps = {(row["connection"], row["code"]) for row in trail if row["type"] == "call.begin"}
    for connection, step in steps:
        begun: datetime | None = None
        for row in trail:
            if row["connection"] != connection:
                continue
            if row["type"] == "call.begin" and row["code"] == step:
                if begun is not None:
                    yield Window(connection, begun, None)
                begun = row["recorded"]
            elif begun is not None and row["type"] in (f"call.{step}", f"call.{step}.look"):
                yield Window(connection, begun, row["recorded"])
                begun = None
        if begun is not None:
            yield Window(connection, begun, None)
