"""Clocks and office time. Every wait in the house reads an injected Clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

SLEEP_MAX_S = 10.0
"""Twice what a thread ever has to sit out (see engine/run.py)."""


class Clock(Protocol):
    """What time it is, and when a wait of the office is over."""

    def now(self) -> datetime:
        """The present moment, zone-aware, in UTC."""
        ...

    def scaled(self, wait: timedelta) -> timedelta:
        """How long a wait of the office really takes."""
        ...

    def after(self, wait: timedelta) -> datetime:
        """The moment at which a wait that starts now is over."""
        ...

    def sleep_until(self, moment: datetime) -> None:
        """Block this thread until a moment; short waits only (see engine/run.py)."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock. `speed` divides every wait, so that a demo need not take a day.

    `sleep_max_s` bounds one sleep, whatever the clock says.
    """

    speed: float = 1.0
    sleep_max_s: float = SLEEP_MAX_S

    def now(self) -> datetime:
        """The present moment in UTC; never scaled, dates of visits are real."""
        return datetime.now(UTC)

    def scaled(self, wait: timedelta) -> timedelta:
        """The wait, divided by the speed."""
        return wait / self.speed

    def after(self, wait: timedelta) -> datetime:
        """Now plus the scaled wait."""
        return self.now() + self.scaled(wait)

    def sleep_until(self, moment: datetime) -> None:
        """Sleep until the moment, which is not scaled any more.

        Less, should it be far away: then the clock was turned back since the moment was chosen.
        """
        wait_s = (moment - self.now()).total_seconds()
        time.sleep(min(max(0.0, wait_s), self.sleep_max_s))
