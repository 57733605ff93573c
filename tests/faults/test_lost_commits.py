"""Each COMMIT of a booking is lost in turn, with its answer or before it arrived: one booking.

Whoever loses the answer cannot know whether it was kept. People send again, phases run again.
"""

import pytest

from cleargate.store.database import Database
from tests.faults.far_office import Course, Trail, book, book_and_withdraw, every_loss
from tests.house import House
from tests.proxy import Loss, Proxy

MAY_HAVE_ASKED = ("eligibility.ask", "unknown", "system")
"""What is on the trail of a question of which it is not known whether it left."""


@pytest.mark.parametrize(
    ("course", "loss", "step"),
    [
        (book, Loss.ANSWER, 5),
        (book_and_withdraw, Loss.REQUEST, 12),
        pytest.param(book_and_withdraw, Loss.ANSWER, 1, marks=pytest.mark.long),
        pytest.param(book_and_withdraw, Loss.REQUEST, 1, marks=pytest.mark.long),
    ],
)
def test_whichever_commit_is_lost_it_ends_as_if_none_were(
    house: House, far: Database, line: Proxy, course: Course, loss: Loss, step: int
) -> None:
    for which, left, untroubled in every_loss(house, far, line, course, loss, step):
        where = f"commit {which}, {loss.name.lower()} lost"
        assert left.records == untroubled.records, where
        assert left.visits == untroubled.visits, where
        assert left.mails == untroubled.mails, where
        assert _told(left.trail) == untroubled.trail, where
        assert left.unsure == 0, where
        # What was sent and not kept is sent again, under the Message-ID that it had.
        assert left.mail_repeats <= (loss is Loss.REQUEST), where


def _told(trail: Trail) -> Trail:
    """The trail without the questions that may not have left; of those there is one at the most."""
    assert trail[MAY_HAVE_ASKED] <= 1
    return trail - Trail([MAY_HAVE_ASKED])
