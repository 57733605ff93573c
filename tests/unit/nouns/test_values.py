"""Times, wishes and errors: small values with a rule of their own."""

import time
from dataclasses import FrozenInstanceError, fields, is_dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from inspect import getmembers, isclass
from pkgutil import iter_modules
from zoneinfo import ZoneInfo

import pytest

import cleargate.nouns
from cleargate.nouns.appointment import DayPart, Wish
from cleargate.nouns.coverage import Source
from cleargate.nouns.errors import (
    BadSettings,
    CleargateError,
    ErrorKind,
    PortError,
    Refused,
    frames,
)
from cleargate.nouns.time import SystemClock

CHICAGO = ZoneInfo("America/Chicago")
MONDAY_NINE = datetime(2030, 1, 7, 9, tzinfo=CHICAGO)
MONDAY_NOON = datetime(2030, 1, 7, 12, tzinfo=CHICAGO)


def test_a_scaled_clock_shortens_waits_and_not_the_date() -> None:
    clock = SystemClock(speed=60)
    assert clock.scaled(timedelta(hours=1)) == timedelta(minutes=1)
    before = datetime.now(UTC)
    due = clock.after(timedelta(hours=1))
    after = datetime.now(UTC)
    assert before <= due - timedelta(minutes=1) <= after
    assert clock.now().tzinfo is UTC


def test_a_moment_that_is_past_is_not_waited_for() -> None:
    clock = SystemClock()
    begun = clock.now()
    clock.sleep_until(begun - timedelta(days=1))
    assert clock.now() - begun < timedelta(hours=1)


def test_a_moment_that_has_moved_far_away_is_not_slept_for() -> None:
    """The clock was turned back by an hour between choosing the moment and waiting for it."""
    clock = SystemClock(sleep_max_s=0.05)
    begun = time.monotonic()
    clock.sleep_until(clock.now() + timedelta(hours=1))
    assert 0.05 <= time.monotonic() - begun < 60


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        (Wish(), True),
        (Wish(0), True),
        (Wish(1), False),
        (Wish(part=DayPart.MORNING), True),
        (Wish(part=DayPart.AFTERNOON), False),
        (Wish(0, DayPart.MORNING), True),
        (Wish(1, DayPart.MORNING), False),
    ],
)
def test_a_wish_fits_day_and_part_of_day(wish: Wish, fits: bool) -> None:
    assert wish.fits(MONDAY_NINE) is fits


def test_noon_is_afternoon() -> None:
    assert Wish(part=DayPart.AFTERNOON).fits(MONDAY_NOON)
    assert not Wish(part=DayPart.MORNING).fits(MONDAY_NOON)


def test_a_port_error_shows_connection_kind_and_code_and_no_value() -> None:
    error = PortError(
        ErrorKind.REJECTED, "ehr", vendor_code="422", request_id="r-1", fields=("birthDate",)
    )
    assert str(error) == "ehr: rejected 422"
    assert (error.fields, error.request_id) == (("birthDate",), "r-1")
    assert str(PortError(ErrorKind.AUTH, "ehr")) == "ehr: auth"


def test_the_tree_of_errors_has_one_root() -> None:
    assert issubclass(BadSettings, Refused)
    assert issubclass(Refused, CleargateError)
    assert issubclass(PortError, CleargateError)
    assert not issubclass(PortError, Refused)


def test_frames_tell_where_and_not_what() -> None:
    secret = "Toni Testperson"
    with pytest.raises(ValueError, match="Toni") as caught:
        raise ValueError(secret)
    shown = frames(caught.value.__traceback__)
    assert any(frame.startswith("test_values.py:") for frame in shown)
    assert secret not in str(shown)


def test_a_source_names_segment_and_element() -> None:
    assert str(Source(17, "EB07")) == "17:EB07"


def test_every_noun_is_frozen() -> None:
    found = 0
    for module in iter_modules(cleargate.nouns.__path__):
        code = import_module(f"cleargate.nouns.{module.name}")
        for _, kind in getmembers(code, isclass):
            if is_dataclass(kind) and kind.__module__ == code.__name__:
                found += 1
                value = object.__new__(kind)
                with pytest.raises(FrozenInstanceError):
                    setattr(value, fields(kind)[0].name, None)
    assert found > 30
