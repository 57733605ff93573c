"""Money is cents, and nothing is rounded in silence."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.nouns.money import cents_from_text, dollars


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1500", 150_000),
        (".5", 50),
        ("20.00", 2_000),
        ("20.5", 2_050),
        ("5.", 500),
        ("-3.07", -307),
        (" 7 ", 700),
        ("0.1000", 10),
        ("00012.30", 1_230),
    ],
)
def test_an_amount_is_read_into_cents(text: str, cents: int) -> None:
    assert cents_from_text(text) == cents


@pytest.mark.parametrize(
    "text", ["", ".", "-", "-.", "1,500", "$5", "1.001", "1e3", "ten", "1.2.3", "+1", "1 2"]
)
def test_what_is_no_amount_or_would_be_rounded_is_none(text: str) -> None:
    assert cents_from_text(text) is None


@given(st.integers(-(10**9), 10**9))
def test_cents_written_as_dollars_are_the_same_cents(cents: int) -> None:
    assert cents_from_text(dollars(cents).replace("$", "").replace(",", "")) == cents


def test_dollars_are_written_as_people_write_them() -> None:
    assert dollars(150_000) == "$1,500.00"
    assert dollars(-5) == "-$0.05"
