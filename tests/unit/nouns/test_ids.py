"""Our ids are random and short enough for every vendor; the nation's are checked."""

from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.nouns.ids import CaseId, Ref, npi_is_valid

CASE = CaseId(UUID(int=0xABC))


def test_a_ref_names_case_step_and_generation() -> None:
    assert Ref(CASE, "book", 2).value == f"{CASE.hex}.book.2"
    assert str(Ref(CASE, "book")) == f"{CASE.hex}.book.1"


def test_two_refs_are_equal_when_they_stand_for_the_same_write() -> None:
    assert Ref(CASE, "book") == Ref(CASE, "book", 1)
    different = {Ref(CASE, "book"), Ref(CASE, "cancel"), Ref(CASE, "book", 2)}
    assert len({ref.value for ref in different}) == 3


def test_a_ref_fits_a_vendor_s_field() -> None:
    assert len(Ref(CaseId(uuid4()), "mail_confirm_contact", 99_999).value) <= 64


@pytest.mark.parametrize("npi", ["1234567893", "1245319599"])
def test_a_number_with_its_right_digit_is_an_npi(npi: str) -> None:
    """The first is the example of the Centers for Medicare & Medicaid Services."""
    assert npi_is_valid(npi)


@pytest.mark.parametrize(
    "npi",
    [
        "",
        "123456789",
        "12345678933",
        "1234567890",
        "123456789x",
        "１２３４５６７８９３",
        "²234567893",
    ],
)
def test_anything_else_is_none(npi: str) -> None:
    assert not npi_is_valid(npi)


@given(st.integers(0, 9), st.integers(1, 9))
def test_one_wrong_digit_is_always_found(place: int, change: int) -> None:
    digits = list("1234567893")
    digits[place] = str((int(digits[place]) + change) % 10)
    assert not npi_is_valid("".join(digits))
