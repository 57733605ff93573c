"""When a backup is due, how old the newest good one is, and which old ones may go. Pure."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from cleargate.operations.backup_folder import Manifest

FAILED_KEPT = 3


@dataclass(frozen=True, slots=True)
class Keep:
    """How many are kept: the newest good one of each of so many days, weeks and months."""

    daily: int = 14
    weekly: int = 8
    monthly: int = 12


def newest_good_age(backups: Sequence[Manifest], now: datetime) -> timedelta | None:
    """How long ago the newest backup was made that was restored well; None when there is none."""
    good = [each.made for each in backups if each.is_good]
    return now - max(good) if good else None


def is_due(backups: Sequence[Manifest], now: datetime, at: time) -> bool:
    """Whether no good backup was made since the last time of day `at`, in `now`'s own zone."""
    last = now.replace(hour=at.hour, minute=at.minute, second=0, microsecond=0)
    if last > now:
        last -= timedelta(days=1)
    age = newest_good_age(backups, now)
    return age is None or now - age < last


def superfluous(backups: Sequence[Manifest], keep: Keep) -> list[Manifest]:
    """Which backups may be deleted. Never the newest good one.

    One that was not restored well goes when there is a newer good one, or FAILED_KEPT newer ones
    that failed as well: a timer that tries again and again must not fill the disk.
    """
    in_order = sorted(backups, key=lambda each: each.made)
    good = [each for each in in_order if each.is_good]
    failed = [each for each in in_order if not each.is_good]
    kept = {each.name for each in failed[-FAILED_KEPT:] if not good or each.made > good[-1].made}
    for count, period in ((keep.daily, _day), (keep.weekly, _week), (keep.monthly, _month)):
        newest_of = {period(each.made): each.name for each in good}
        kept |= set(list(newest_of.values())[-count:] if count else [])
    kept |= {each.name for each in good[-1:]}
    return [each for each in in_order if each.name not in kept]


Period = Callable[[datetime], Hashable]


def _day(made: datetime) -> Hashable:
    return made.date()


def _week(made: datetime) -> Hashable:
    return made.isocalendar()[:2]


def _month(made: datetime) -> Hashable:
    return made.year, made.month
