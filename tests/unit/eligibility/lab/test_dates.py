"""Moved dates keep what verdicts rest on: order, weekdays, the bounds of years and months."""

import random
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.eligibility.lab.dates import FAR, Dates, dates_in, with_dates
from cleargate.nouns.errors import Refused

ON = date(2026, 5, 4)
DAYS = st.dates(date(1990, 1, 1), date(2035, 12, 31))


@given(st.sets(DAYS, max_size=8), st.integers())
def test_dates_keep_their_order_and_none_is_found_again(days: set[date], seed: int) -> None:
    dates = Dates(days, (), ON, random.Random(seed))
    ordered = sorted(days | {ON})
    moved = [dates.moved(day) for day in ordered]
    assert all(one < other for one, other in pairwise(moved))
    assert not set(moved) & set(ordered)


@given(st.integers())
def test_one_number_moves_all_and_keeps_weekdays(seed: int) -> None:
    days = (date(2026, 3, 17), date(2026, 4, 9), ON)
    dates = Dates(days, (), ON, random.Random(seed))
    by = {dates.moved(day) - day for day in days}
    assert len(by) == 1
    assert by.pop().days % 7 == 0


@given(st.integers())
def test_plan_year_stays_a_plan_year(seed: int) -> None:
    begins, ends = date(2026, 1, 1), date(2026, 12, 31)
    month = date(2026, 4, 1), date(2026, 5, 31)
    dates = Dates((begins, ends, *month), (), ON, random.Random(seed))
    assert dates.moved(begins) == date(dates.moved(ON).year, 1, 1)
    assert dates.moved(ends) == date(dates.moved(ON).year, 12, 31)
    assert dates.moved(month[0]).day == 1
    assert (dates.moved(month[1]) + timedelta(1)).day == 1


@given(st.dates(date(1905, 1, 1), ON - timedelta(200)), st.integers())
def test_ages_stay_to_half_a_year_and_end_at_ninety(born: date, seed: int) -> None:
    dates = Dates((born,), (born,), ON, random.Random(seed))
    age = (ON - born).days / 365.2425
    new = (dates.moved(ON) - dates.born(born)).days / 365.2425
    assert dates.born(born) != born
    if age >= 90:
        assert 89.9 < new < 90.6
    else:
        assert abs(new - min(age, 90)) < 0.6
        assert new < 90.01


def test_number_differs_from_capture_to_capture() -> None:
    moved = {Dates((), (), ON, random.SystemRandom()).moved(ON) for _ in range(20)}
    assert len(moved) > 10


def test_date_without_end_stays() -> None:
    dates = Dates((date(9999, 12, 31),), (), ON, random.Random(1))
    assert dates.moved(date(9999, 12, 31)) == date(9999, 12, 31)
    assert FAR < 9999


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("20260504", "20260511"),
        ("20260504-20260601", "20260511-20260608"),
        ("2026-05-04", "2026-05-11"),
        ("2026-05-04T09:31:07Z", "2026-05-11T00:00:00Z"),
        ("05/04/2026", "05/11/2026"),
        ("260504", "260511"),
        ("202605040931", "202605110000"),
        ("20261304", None),
        ("next week", None),
        ("２０２６0504", None),
    ],
)
def test_dates_are_spelled_as_they_were(text: str, moved: str | None) -> None:
    assert with_dates(text, lambda day: day + timedelta(7)) == moved
    assert bool(dates_in(text)) == (moved is not None)


def test_dates_that_cannot_be_moved_together_are_refused() -> None:
    days = [date(1995, 1, 1) + timedelta(number) for number in range(2500)]
    with pytest.raises(Refused):
        Dates(days, (), ON, random.Random(1))
