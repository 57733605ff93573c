"""The clock of this machine, against the database's; each connection is held against it as well."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from cleargate.house import House
from cleargate.operations.doctor.finding import Finding, ok, wrong
from cleargate.store import server

SKEW_MAX = timedelta(minutes=2)
"""Tokens and assertions are refused by a clock that differs more: they live four minutes."""


def clock(house: House) -> Iterator[Finding]:
    """Trail, leases and due times use both clocks."""
    with house.database.public() as connection:
        before = datetime.now(UTC)
        found = server.look(connection)
        after = datetime.now(UTC)
    yield compared("the database's", found.now, before + (after - before) / 2)


def compared(whose: str, theirs: datetime, ours: datetime) -> Finding:
    """What a difference between two clocks means."""
    skew = abs(theirs - ours)
    if skew <= SKEW_MAX:
        return ok(f"The clock agrees with {whose}.")
    return wrong(
        f"The clock of this machine and {whose} are {_plain(skew)} apart.",
        "Switch on time synchronization (NTP), such as `timedatectl set-ntp true`.",
    )


def _plain(skew: timedelta) -> str:
    minutes = round(skew.total_seconds() / 60)
    return f"{minutes} minutes" if minutes < 120 else f"{round(minutes / 60)} hours"
