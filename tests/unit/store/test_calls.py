"""How one call is told, and what proves it without telling what was said."""

import hashlib
from dataclasses import replace

import pytest
import sqlalchemy as sa

from cleargate.nouns.outside import Left, OutsideCall
from cleargate.store import calls
from cleargate.store.calls import StoredCalls
from tests.house import House, TurnedClock
from tests.trail import TRAIL

_TRAIL = sa.text(
    "select type, action, outcome, entity_type, entity_id, connection, code, request_id, case_id,"
    " digest"
    f" from {TRAIL} where practice_id = :practice order by recorded desc limit 1"
)
ASKED, SAID = (hashlib.sha256(each).hexdigest() for each in (b"asked", b"said"))


@pytest.fixture
def call(clock: TurnedClock) -> OutsideCall:
    return OutsideCall(
        connection="desk",
        operation="ask",
        host="payers.example.test",
        started=clock.now(),
        duration_ms=12,
        outcome="200",
        left=Left.YES,
        bytes_out=5,
        bytes_in=4,
        digest_out=ASKED,
        digest_in=SAID,
        request_id="r-1",
    )


def test_a_call_is_told_by_its_fixed_names(house: House, call: OutsideCall) -> None:
    StoredCalls(house.database, house.practice).record(call)
    with house.session() as session:
        [row] = session.all(_TRAIL)
        digest = calls.digest(session.sealer, call)
    assert tuple(row.values()) == (
        *("call.ask", "E", "ok", "connection", "desk", "desk", "ask:200", "r-1"),
        *(None, digest),
    )


@pytest.mark.parametrize(
    ("left", "outcome", "told"),
    [
        (Left.YES, "201", "ok"),
        (Left.YES, "250", "ok"),
        (Left.YES, "404", "refused"),
        (Left.YES, "timeout", "refused"),
        (Left.UNSURE, "timeout", "unsure"),
        (Left.NO, "connect_failed", "unsent"),
    ],
)
def test_whether_it_left_is_told(
    house: House, call: OutsideCall, left: Left, outcome: str, told: str
) -> None:
    StoredCalls(house.database, house.practice).record(replace(call, left=left, outcome=outcome))
    with house.session() as session:
        [row] = session.all(_TRAIL)
    assert (row["outcome"], row["code"]) == (told, f"ask:{outcome}")


def test_the_digest_proves_question_and_answer_apart_to_this_practice_alone(
    house: House, call: OutsideCall
) -> None:
    with house.session() as session, house.session(house.other) as other:
        ours, theirs = (calls.digest(each.sealer, call) for each in (session, other))
        asked = session.sealer.index("call", ASKED).hex()
        lost = calls.digest(session.sealer, replace(call, digest_in=""))
    assert len(ours) == 64
    assert ours.startswith(asked)
    assert lost == asked
    assert ours != theirs
    assert ASKED[:16] not in ours
