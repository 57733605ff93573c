"""An old release dies in the middle of a case; the new one finishes it."""

import pytest
import sqlalchemy as sa

from cleargate import __version__
from tests.trail import TRAIL
from tests.workflows import older_release
from tests.workflows.reckoning import assert_done_once
from tests.workflows.stage import Stage
from tests.workflows.worker import Blow, Point

_SOFTWARE = sa.text(
    f"select distinct software from {TRAIL} where practice_id = :practice and case_id = :case"
)


def test_a_new_release_finishes_what_an_old_one_was_killed_over(stage: Stage) -> None:
    case = stage.submit(stage.world.person())
    old = stage.start(Blow("book", Point.AFTER_REPLY), older=True)
    stage.until_killed(old, case)
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)
    rows = stage.acting(case, lambda session: session.all(_SOFTWARE, case=case))
    assert {row["software"] for row in rows} == {older_release.VERSION, __version__}


@pytest.mark.long
def test_a_new_release_takes_up_what_an_old_one_queued(stage: Stage) -> None:
    """The old one ended a phase that the new one runs through: the name is all they share."""
    case = stage.submit(stage.world.person())
    old = stage.start(Blow("create_patient", Point.BEFORE_SEND), older=True)
    stage.until_killed(old, case)
    assert stage.case(case).phase == "booking.book"
    stage.start()
    stage.settle(case)
    assert_done_once(stage, case)
