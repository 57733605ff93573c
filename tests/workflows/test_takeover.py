"""Workers die, freeze and are overtaken; whoever lives goes on, and nobody acts twice."""

import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import pytest

from cleargate.engine.durable import EXIT_OVERTAKEN
from cleargate.store import attempts
from tests.postgres import connect
from tests.workflows.conftest import StageMaker, all_at_once
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage, World
from tests.workflows.worker import Blow, Point

TAKEOVER_MAX_S = 15.0


def _pid(executor: str) -> int:
    """Executor names end in the process's id and a random part."""
    return int(executor.split("-")[-2])


def test_a_peer_takes_over_within_fifteen_seconds(
    stage: Stage, record_property: Callable[[str, object], None]
) -> None:
    """Two workers run; whichever has the case is killed in the middle of a call."""
    case = stage.submit(stage.world.person())
    stage.world.fail("ehr:*:create:Coverage", "delay", delay_ms=60_000, contains=case.hex)
    stage.start()
    stage.start()

    def is_held() -> bool:
        stage.follow_link(case)
        return bool(stage.world.of_case(case)["insurances"])

    stage.until(is_held)
    first = stage.holder()
    os.kill(_pid(first), signal.SIGKILL)
    killed = time.monotonic()
    stage.until(lambda: stage.holder() not in ("", first), TAKEOVER_MAX_S)
    took = time.monotonic() - killed
    record_property("takeover_s", round(took, 1))
    print(f"took over after {took:.1f} s")
    stage.settle(case)
    assert_done_once(stage, case)


def test_a_worker_killed_between_claiming_a_time_and_booking_it_leaves_no_claim(
    stage: Stage,
) -> None:
    """A booking is two writes over there; the second one's try finds the first one's claim."""
    case = stage.submit(stage.world.person())
    stage.world.fail("ehr:*:update:Slot", "lost_reply", contains=case.hex)
    victim = stage.start(Blow("book", Point.AFTER_COMMIT))
    stage.until_killed(victim, case)
    claims = [
        row for row in stage.world.ledger()["slot_changes"] if row["ref"].startswith(case.hex)
    ]
    assert [row["status"] for row in claims] == ["busy"]
    assert stage.world.of_case(case)["bookings"] == []
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)


@pytest.mark.long
def test_every_worker_that_takes_a_case_may_die_and_the_next_one_goes_on(stage: Stage) -> None:
    """Three deaths in a row, each at another write."""
    case = stage.submit(stage.world.person())
    for method in ("create_patient", "book", "record_eligibility"):
        stage.until_killed(stage.start(Blow(method, Point.AFTER_REPLY)), case)
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)


FROZEN_OVER = ["create_patient", "book", "record_eligibility", "send"]


@pytest.fixture(scope="module")
def thaws(make_stage: StageMaker, world: World) -> dict[str, Future[None]]:
    """All freezes, done."""
    return all_at_once(FROZEN_OVER, partial(_freeze_and_thaw, make_stage, world))


@pytest.mark.parametrize("method", FROZEN_OVER)
def test_a_frozen_worker_that_was_overtaken_writes_nothing_more(
    thaws: dict[str, Future[None]], method: str
) -> None:
    """It wakes up in front of a send: that call carries the same Ref, and then it ends."""
    thaws[method].result()


def _freeze_and_thaw(make_stage: StageMaker, world: World, method: str) -> None:
    with make_stage(world) as stage:
        case = stage.submit(world.person())
        frozen = stage.start(Blow(method, Point.BEFORE_SEND, signal.SIGSTOP))

        def is_frozen() -> bool:
            stage.follow_link(case)
            return _is_stopped(frozen.pid)

        stage.until(is_frozen)
        rescuer = stage.start()
        stage.settle(case)
        rescuer.kill()
        before = _everything(stage)
        assert any("public.effects" in table and rows for table, rows in before.items())
        os.kill(frozen.pid, signal.SIGCONT)
        assert frozen.ended() == EXIT_OVERTAKEN
        assert _everything(stage) == before
        assert_done_once(stage, case)
        tries = stage.acting(case, lambda session: attempts.of_case(session, case))
        assert {each.ref.rpartition(".")[2] for each in tries if each.ref} == {"1"}


def _is_stopped(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "T"


def _everything(stage: Stage) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table of ours and the engine's, of both practices."""
    found = {}
    with connect(stage.owner_url) as owner:
        tables = owner.execute(
            "select schemaname, tablename from pg_tables where schemaname in ('public', 'dbos')"
        ).fetchall()
        for practice in stage.house.profiles:
            owner.execute("select set_config('app.practice_id', %s, false)", (str(practice),))
            for schema, table in tables:
                rows = owner.execute(f'select t::text from {schema}."{table}" t').fetchall()
                found[f"{practice} {schema}.{table}"] = sorted(rows)
    return found
