"""kill -9 of Postgres in the middle of everything: the workers wait for it, and go on."""

import time
from collections.abc import Iterator
from functools import partial

import pytest

from cleargate.engine.worker import HEARTBEAT_S, LEASE_S
from cleargate.nouns.ids import CaseId
from cleargate.store.embedded import EmbeddedPostgres
from tests.house import make_template
from tests.postgres import kill_everything, temporary_cluster
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage, World, open_stage

CASES = 6


@pytest.fixture
def own_cluster() -> Iterator[EmbeddedPostgres]:
    """A cluster that the test may kill."""
    with temporary_cluster() as running:
        yield running


@pytest.fixture
def own_stage(
    world: World, own_cluster: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    template = make_template(own_cluster)
    with open_stage(world, own_cluster, template, tmp_path_factory.mktemp("own")) as opened:
        yield opened


def test_postgres_is_killed_twice_and_both_workers_go_on(
    own_cluster: EmbeddedPostgres, own_stage: Stage
) -> None:
    """The second outage is longer than a lease: no worker may count it against the other."""
    workers = [own_stage.start(), own_stage.start()]
    cases = [own_stage.submit(own_stage.world.person()) for _ in range(CASES)]
    for outage_s, sign in ((0.0, "patients"), (LEASE_S + HEARTBEAT_S, "bookings")):
        own_stage.until(partial(_begun, own_stage, cases, sign))
        kill_everything(own_cluster)
        time.sleep(outage_s)  # The outage itself; nothing is waited for.
        own_cluster.start()
        own_stage.house.database.close()  # The pages' own connections are gone as well.
    own_stage.settle(*cases)
    for case in cases:
        assert_done_once(own_stage, case)
    assert [each.ended(0.0) for each in workers] == [None, None]


def _begun(stage: Stage, cases: list[CaseId], sign: str) -> bool:
    for case in cases:
        stage.follow_link(case)
    return any(stage.world.of_case(case)[sign] for case in cases)
