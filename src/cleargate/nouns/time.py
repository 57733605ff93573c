"""Clocks and office time. Every wait in the house reads an injected Clock."""

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how long a wait of the office lasts."""

    def now(self) -> datetime:
        """The present moment, zone-aware, in UTC."""
        ...

    def after(self, wait: timedelta) -> datetime:
        """The moment at which a wait that starts now is over."""
        ...

    def sleep(self, wait: timedelta) -> None:
        """Block this thread for a wait; short waits only (see engine)."""
        ...


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The machine's clock. `speed` divides every wait, so that a demo need not take a day."""

    speed: float = 1.0

    def now(self) -> datetime:
        """The present moment in UTC; never scaled, dates of visits are real."""
        return datetime.now(UTC)

    def after(self, wait: timedelta) -> datetime:
        """Now plus the scaled wait."""
        return self.now() + wait / self.speed

    def sleep(self, wait: timedelta) -> None:
        """Sleep the scaled wait."""
        time.sleep(max(0.0, (wait / self.speed).total_seconds()))
