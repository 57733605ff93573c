"""Office hours and the last moment of trying."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cleargate.directory.practice import OfficeHours
from cleargate.scheduling.booking import last_moment
from tests.house import House, visit_request
from tests.unit.scheduling.office import ZONE, Stage, earliest, opening


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2030, 1, day, hour, minute, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("moment", "hours", "expected"),
    [
        (at(8, 12), 2, at(8, 10)),
        (at(8, 9), 2, at(7, 16)),
        (at(7, 8), 2, at(4, 15)),  # Monday at opening: Friday afternoon.
        (at(8, 20), 2, at(8, 15)),  # After closing only open hours count.
        (at(8, 12), 20, at(4, 10)),
    ],
)
def test_office_hours_skip_nights_and_weekends(
    moment: datetime, hours: int, expected: datetime
) -> None:
    assert OfficeHours().before(moment, hours) == expected


def test_trying_ends_a_day_after_the_request_when_the_visit_is_far(house: House) -> None:
    stage = Stage(house)
    case = stage.see(stage.submit(visit_request(earliest=earliest(25))))
    assert last_moment(stage.practice, case, case.created) == case.created + timedelta(hours=24)


def test_trying_ends_two_office_hours_before_a_near_visit(house: House) -> None:
    stage = Stage(house)
    case = stage.see(stage.submit(visit_request(earliest=earliest(8))))
    booked = replace(case, memo=replace(case.memo, opening=opening(8, 11)))
    assert last_moment(stage.practice, booked, case.created).astimezone(UTC) == at(8, 9).astimezone(
        UTC
    )


def test_even_a_visit_of_today_gets_a_fair_chance(house: House) -> None:
    stage = Stage(house)
    case = stage.see(stage.submit(visit_request(earliest=earliest(7))))
    assert last_moment(stage.practice, case, case.created) == case.created + timedelta(minutes=10)
