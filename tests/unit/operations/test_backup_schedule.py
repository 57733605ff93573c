"""Which backups are kept, when one is due, and how old the newest good one is."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from cleargate.operations.backup_folder import Manifest
from cleargate.operations.backup_schedule import (
    FAILED_KEPT,
    Keep,
    is_due,
    newest_good_age,
    superfluous,
)

NOON = datetime(2030, 1, 7, 12, tzinfo=UTC)
HALF_PAST_TWO = time(2, 30)


def manifest(made: datetime, *, good: bool = True, faults: tuple[str, ...] = ()) -> Manifest:
    verified = made if good or faults else None
    return Manifest(f"{made:%Y%m%dT%H%M%S}", made, 1, "", verified=verified, faults=faults)


moments = st.integers(0, 3 * 365 * 24 * 60).map(lambda minutes: NOON - timedelta(minutes=minutes))
folders = st.lists(
    st.builds(lambda made, good: manifest(made, good=good), moments, st.booleans()),
    max_size=60,
    unique_by=lambda each: each.name,
)
keeps = st.builds(Keep, st.integers(1, 20), st.integers(0, 12), st.integers(0, 15))


@given(folder=folders, keep=keeps)
def test_the_newest_backup_and_the_newest_good_one_are_never_deleted(
    folder: list[Manifest], keep: Keep
) -> None:
    """The newest of all may just be in its test."""
    gone = superfluous(folder, keep)
    for some in (folder, [each for each in folder if each.is_good]):
        if some:
            assert max(some, key=lambda each: each.made) not in gone


@given(folder=folders, keep=keeps)
def test_those_that_failed_do_not_fill_the_disk(folder: list[Manifest], keep: Keep) -> None:
    gone = superfluous(folder, keep)
    failed = [each for each in folder if not each.is_good and each not in gone]
    assert len(failed) <= FAILED_KEPT
    newest_good = max((each.made for each in folder if each.is_good), default=None)
    assert newest_good is None or all(each.made > newest_good for each in failed)


@given(folder=folders, keep=keeps)
def test_every_day_that_counts_is_kept_by_its_newest_backup(
    folder: list[Manifest], keep: Keep
) -> None:
    gone = superfluous(folder, keep)
    kept = [each for each in folder if each.is_good and each not in gone]
    good = [each for each in folder if each.is_good]
    assert len(kept) <= keep.daily + keep.weekly + keep.monthly
    for each in kept:
        day = [other.made for other in good if other.made.date() == each.made.date()]
        assert each.made == max(day)
    days = sorted({each.made.date() for each in good})[-keep.daily :]
    assert set(days) <= {each.made.date() for each in kept}


@given(folder=folders, keep=keeps)
def test_deleting_twice_deletes_nothing_more(folder: list[Manifest], keep: Keep) -> None:
    gone = superfluous(folder, keep)
    left = [each for each in folder if each not in gone]
    assert superfluous(left, keep) == []


def test_two_years_of_nights_leave_fourteen_days_eight_weeks_and_twelve_months() -> None:
    nights = [manifest(NOON - timedelta(days=days)) for days in range(730)]
    gone = superfluous(nights, Keep())
    kept = [each.made for each in nights if each not in gone]
    assert len([made for made in kept if NOON - made < timedelta(days=14)]) == 14
    assert len({made.isocalendar()[:2] for made in kept if NOON - made < timedelta(days=56)}) == 8
    assert len({(made.year, made.month) for made in kept}) == 12
    assert 26 <= len(kept) <= 34


def test_a_backup_that_failed_its_test_goes_once_there_is_a_newer_good_one() -> None:
    bad = manifest(NOON, faults=("rows:public.cases",))
    assert superfluous([manifest(NOON - timedelta(days=1)), bad], Keep()) == []
    assert superfluous([bad, manifest(NOON + timedelta(days=1))], Keep()) == [bad]


def test_a_backup_is_due_once_after_its_time_of_day() -> None:
    zone = ZoneInfo("America/Chicago")
    now = datetime(2030, 1, 7, 3, 0, tzinfo=zone)
    before, after = now.replace(hour=2, minute=29), now.replace(hour=2, minute=31)
    assert is_due([], now, HALF_PAST_TWO)
    assert is_due([manifest(before)], now, HALF_PAST_TWO)
    assert not is_due([manifest(after)], now, HALF_PAST_TWO)
    assert is_due([manifest(after, good=False)], now, HALF_PAST_TWO)
    assert not is_due([manifest(after)], now.replace(hour=23), HALF_PAST_TWO)
    assert not is_due([manifest(after)], now + timedelta(hours=23), HALF_PAST_TWO)
    assert is_due([manifest(after)], now + timedelta(hours=24), HALF_PAST_TWO)


@given(made=moments, now=moments, at=st.times())
def test_a_day_without_a_good_backup_is_always_due(made: datetime, now: datetime, at: time) -> None:
    due = is_due([manifest(made)], now, at)
    if now - made > timedelta(days=1):
        assert due
    if now <= made:
        assert not due


def test_the_age_is_that_of_the_newest_good_one() -> None:
    day = timedelta(days=1)
    assert newest_good_age([], NOON) is None
    assert newest_good_age([manifest(NOON - day, good=False)], NOON) is None
    folder = [manifest(NOON - 3 * day), manifest(NOON - 2 * day), manifest(NOON - day, good=False)]
    assert newest_good_age(folder, NOON) == 2 * day
