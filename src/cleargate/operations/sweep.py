"""`cleargate eligibility sweep`: the visits of the next days are asked about again, now."""

import re

from rich.console import Console

from cleargate.house import House
from cleargate.nouns.errors import Refused
from cleargate.operations.checks import actor, practice_of
from cleargate.scheduling.sweep import sweep

_DAYS = re.compile(r"([1-9]|[12][0-9]|30)d", re.ASCII)


def sweep_visits(house: House, slug: str, visits: str, console: Console) -> None:
    """Start the rechecks of one practice, or of all, and say how many. Raises Refused."""
    days = _DAYS.fullmatch(visits)
    if visits and not days:
        raise Refused("--visits: write a number of days from 1 to 30, such as 3d.")
    chosen = [practice_of(house, slug)] if slug else list(house.profiles.values())
    for profile in chosen:
        ahead = int(days[1]) if days else profile.eligibility.sweep_days
        swept = sweep(house.database, profile, house.clock.now(), ahead, actor())
        console.print(
            f"{profile.slug}: asked again now: {swept.started};"
            f" answered in the last day: {swept.fresh}; asked again before: {swept.earlier}.",
            highlight=False,
            soft_wrap=True,
        )
