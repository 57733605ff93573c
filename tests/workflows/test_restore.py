"""A restored database has forgotten what the lost hours did, and still does nothing twice.

Back up, let a case book, restore the old backup, let the worker run: the outside world has one
booking, one patient, one of everything.
"""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

import pytest
import sqlalchemy as sa
from rich.console import Console

from cleargate.nouns.case import CaseState
from cleargate.operations import backup
from cleargate.operations.restore import restore
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.roles import BACKUP_ROLE
from tests.backup.installation import ROLE_PASSWORD, let_in
from tests.postgres import connect, fresh_database
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage

CASES = 4


def backed_up(stage: Stage, folder: Path) -> Path:
    let_in(stage.owner_url)
    url = sa.make_url(stage.owner_url).set(username=BACKUP_ROLE, password=ROLE_PASSWORD)
    file = folder / "before.backup"
    rendered = url.render_as_string(hide_password=False)
    backup.make(stage.house.keys, rendered, file, datetime.now(UTC))
    return file


def restored(stage: Stage, file: Path, cluster: EmbeddedPostgres, folder: Path) -> Stage:
    """The same office and patients, on a database of before."""
    url = fresh_database(cluster, "once_after_restore")
    restore(stage.house, file, url, Console(quiet=True))
    let_in(url)
    folder = folder / "restored"
    folder.mkdir()
    return Stage(stage.world, url, folder, stage.speed, _people=stage._people)


@pytest.fixture
def folder() -> Iterator[Path]:
    made = Path(mkdtemp(prefix="cleargate-backups-"))
    yield made
    rmtree(made)


def test_what_the_lost_hours_did_is_not_done_again(
    stage: Stage, cluster: EmbeddedPostgres, tmp_path: Path, folder: Path
) -> None:
    """Also by a server that would take the same thing twice: it is looked for by its Ref first."""
    submitted = [stage.submit(stage.world.person()) for _ in range(CASES)]
    file = backed_up(stage, folder)
    worker = stage.start()
    stage.settle(*submitted)
    worker.kill()
    booked = {case: stage.world.of_case(case) for case in submitted}
    assert all(len(each["bookings"]) == 1 for each in booked.values())

    after = restored(stage, file, cluster, tmp_path)
    with closing(after):
        assert {after.case(case).state for case in submitted} == {CaseState.OPEN}
        after.start()
        after.settle(*submitted)
        for case in submitted:
            assert after.case(case).state is CaseState.DONE, after.told(case)
            [booking] = booked[case]["bookings"]
            assert after.case(case).memo.booking_id == booking["id"]
            again = after.world.of_case(case)
            for kind in ("patients", "insurances", "bookings", "eligibility"):
                assert again[kind] == booked[case][kind], kind
            sent = {row["message_id"] for row in booked[case]["mails"]}
            assert {row["message_id"] for row in again["mails"]} == sent


def test_a_phase_that_ran_when_the_backup_was_made_goes_on(
    stage: Stage, cluster: EmbeddedPostgres, tmp_path: Path, folder: Path
) -> None:
    """Its worker is not there any more, in any sense; the next one takes the phase over."""
    case = stage.submit(stage.world.person())
    stage.world.fail("ehr:*:create:Coverage", "delay", delay_ms=60_000, contains=case.hex)
    worker = stage.start()

    def is_held() -> bool:
        stage.follow_link(case)
        return bool(stage.world.of_case(case)["insurances"])

    stage.until(is_held)
    file = backed_up(stage, folder)
    worker.kill()
    after = restored(stage, file, cluster, tmp_path)
    with closing(after):
        with connect(after.owner_url) as owner:
            alive = owner.execute("select count(*) from leases where lost_at is null").fetchone()
            signed_in = owner.execute("select count(*) from sign_ins").fetchone()
        assert (alive, signed_in) == ((0,), (0,))
        after.start()
        after.settle(case)
        assert_done_once(after, case)
