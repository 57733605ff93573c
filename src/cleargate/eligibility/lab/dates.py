"""The dates of an answer, moved: one secret number of days for all, birth dates by their own.

The number is a multiple of seven, so that weekdays and the days between two dates stay. Dates that
bound a year or a month are moved by about as much to the next bound of the same sort: a plan of a
calendar year stays one, and the commonest dates do not tell the number. All dates keep their
order, also with the date asked, on which every verdict rests; and no date of the answer is found
again in its copy.
"""

import random
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, timedelta
from itertools import pairwise

from cleargate.nouns.errors import Refused

WEEKS = range(5, 520)
"""By how many weeks, up or down: from a month to ten years."""
BIRTH_DAYS = range(10, 180)
"""By how many days more, up or down, a birth date is moved: the age stays to half a year."""
AGE_MAX = 89
"""Whoever is older is 90. Source: 45 CFR 164.514(b)(2)(i)(C)."""
FAR = 2150
"""From this year on a date means that there is no end."""
DATES_MAX = 2000

_RANGE = re.compile(r"(\d{8})(\s*-\s*)(\d{8})", re.ASCII)
_TIMED = re.compile(r"(\d{8})(\d{4,6})|(\d{4}-\d\d-\d\d)([T ].*)", re.ASCII)

Move = Callable[[date], date]


class Dates:
    """How each date of one answer is moved; see the module's docstring."""

    def __init__(
        self, dates: Collection[date], births: Collection[date], on: date, chance: random.Random
    ) -> None:
        if len(dates) > DATES_MAX:
            raise Refused("The answer has more dates than that of one patient.")
        near = {each for each in dates if each.year < FAR} | {on}
        self._moved = _moved(near, near | set(births), chance)
        self._born = {
            each: self._birth(each, on, near | set(births), chance) for each in sorted(births)
        }

    def moved(self, day: date) -> date:
        """A date; one that means "no end" stays."""
        return day if day.year >= FAR else self._moved[day]

    def born(self, day: date) -> date:
        """A birth date."""
        return self._born[day]

    def _birth(
        self, day: date, on: date, originals: Collection[date], chance: random.Random
    ) -> date:
        """The age on the date asked stays to half a year; whoever is above 89 is 90."""
        asked = self._moved[on]
        oldest = _years_before(asked, AGE_MAX + 1)
        days = [side * more for more in BIRTH_DAYS for side in (-1, 1)]
        chance.shuffle(days)
        for more in days:
            if day <= _years_before(on, AGE_MAX + 1):
                moved = oldest - timedelta(abs(more))
            else:
                moved = max(day + (asked - on) + timedelta(more), oldest + timedelta(1))
            if moved not in originals:
                return moved
        raise Refused("The birth date cannot be moved; this answer cannot be captured.")


def _moved(
    near: Collection[date], originals: Collection[date], chance: random.Random
) -> Mapping[date, date]:
    """Every date with its new one, by the first number of weeks at which all keep their order."""
    weeks = [side * number for number in WEEKS for side in (-1, 1)]
    chance.shuffle(weeks)
    ordered = sorted(near)
    for to_bound in (True, False):
        for number in weeks:
            new = _shifted(ordered, timedelta(weeks=number), to_bound=to_bound)
            if new is None or not set(new).isdisjoint(originals):
                continue
            if all(one < other for one, other in pairwise(new)):
                return dict(zip(ordered, new, strict=True))
    raise Refused("The dates cannot be moved together; this answer cannot be captured.")


def _shifted(ordered: list[date], by: timedelta, *, to_bound: bool) -> list[date] | None:
    """The dates moved; None beyond the calendar."""
    try:
        return [_bound_like(day, day + by) if to_bound else day + by for day in ordered]
    except (OverflowError, ValueError):
        return None


def _bound_like(day: date, moved: date) -> date:
    """The bound of a year or month next to `moved` that is of the sort that `day` is."""
    choices: Iterable[date]
    if (day.month, day.day) in {(1, 1), (12, 31)}:
        choices = (day.replace(year=moved.year + more) for more in (-1, 0, 1))
    elif day.day == 1:
        choices = (moved.replace(day=1), _next_month(moved))
    elif (day + timedelta(1)).day == 1:
        choices = (moved.replace(day=1) - timedelta(1), _next_month(moved) - timedelta(1))
    else:
        return moved
    return min(choices, key=lambda each: abs(each - moved))


def _next_month(day: date) -> date:
    return (day.replace(day=28) + timedelta(4)).replace(day=1)


def _years_before(day: date, years: int) -> date:
    last = 28 if (day.month, day.day) == (2, 29) else day.day
    return day.replace(year=day.year - years, day=last)


def dates_in(text: str) -> list[date]:
    """The dates of a value that is one, or a range of two; none where it is neither."""
    found: list[date] = []

    def note(day: date) -> date:
        found.append(day)
        return day

    with_dates(text, note)
    return found


def with_dates(text: str, move: Move) -> str | None:
    """A value with its dates moved and spelled as they were; None where it is none."""
    if pair := _RANGE.fullmatch(text):
        begin, end = with_dates(pair[1], move), with_dates(pair[3], move)
        return None if begin is None or end is None else begin + pair[2] + end
    if timed := _TIMED.fullmatch(text):
        day = with_dates(timed[1] or timed[3], move)
        rest = "0" * len(timed[2]) if timed[2] else re.sub(r"\d", "0", timed[4])
        return None if day is None else day + rest
    for pattern in ("%Y%m%d", "%Y-%m-%d", "%m/%d/%Y", "%y%m%d"):
        found = _read(text, pattern)
        if found is not None:
            return _written(move(found), pattern)
    return None


def _read(text: str, pattern: str) -> date | None:
    shapes = {"%Y%m%d": r"\d{8}", "%Y-%m-%d": r"\d{4}-\d\d-\d\d", "%y%m%d": r"\d{6}"}
    if not re.fullmatch(shapes.get(pattern, r"\d\d/\d\d/\d{4}"), text, re.ASCII):
        return None
    iso = text
    if pattern == "%y%m%d":
        iso = f"20{text}"
    elif pattern == "%m/%d/%Y":
        iso = text[6:] + text[:2] + text[3:5]
    try:
        return date.fromisoformat(iso)
    except ValueError:
        return None


def _written(day: date, pattern: str) -> str:
    year = f"{day.year:04}"
    numbers = {"%Y": year, "%y": year[2:], "%m": f"{day.month:02}", "%d": f"{day.day:02}"}
    return re.sub("%[Yymd]", lambda sign: numbers[sign.group()], pattern)
