"""A real house on a database of its own, and its office with vendors that answer in memory."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from cleargate.directory.practice import ConfirmContact, IntakePolicy, Practice
from cleargate.nouns.appointment import Opening, OpeningQuery
from tests.house import House, make_template, open_house
from tests.postgres import temporary_cluster
from tests.unit.scheduling.office import ZONE, MemoryClearinghouse, MemoryEhr, MemoryMail, practice


class RoomyEhr(MemoryEhr):
    """Offers everybody another time, so that no two cases want the same one."""

    _numbers = itertools.count(1)

    def find_openings(self, query: OpeningQuery) -> Sequence[Opening]:
        """One time on the day that was asked for."""
        start = datetime.combine(query.earliest, time(10), ZONE)
        token = f"free-{next(self._numbers)}"
        return [Opening(start, timedelta(hours=1), "Dana Sample", "Main Office", token)]


@contextmanager
def fresh_house() -> Iterator[House]:
    """A migrated database in a Postgres of this measurement's own, fsync on."""
    with temporary_cluster() as cluster, TemporaryDirectory() as keys:
        template = make_template(cluster)
        with open_house(cluster, template, "bench", Path(keys) / "key") as house:
            yield house


def office(house: House, payer: MemoryClearinghouse | None = None) -> Practice:
    """The house's practice: known addresses need no confirmation, and there is room for all."""
    wired = practice(house, RoomyEhr(), payer or MemoryClearinghouse(), MemoryMail())
    unlimited = IntakePolicy(
        confirm_contact=ConfirmContact.NEVER, posts_per_hour=10**6, paid_checks_per_day=10**6
    )
    return replace(wired, intake=unlimited)
