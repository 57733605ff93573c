"""What an error may say: a code, never whatever a vendor put where a code belongs."""

import pytest

from cleargate.nouns.errors import ErrorKind, PortError


@pytest.mark.parametrize("code", ["", "503", "401:expired", "AAA42", "create:Patient"])
def test_a_code_is_kept_as_the_vendor_gave_it(code: str) -> None:
    error = PortError(ErrorKind.REJECTED, "ehr", vendor_code=code)
    assert error.vendor_code == code
    assert str(error) == f"ehr: rejected {code}".rstrip()


@pytest.mark.parametrize(
    "code", ["x\0y", "Ann Testperson is not known", "é", "a\nb", "9" * 81, "<b>"]
)
def test_what_does_not_look_like_a_code_is_dropped(code: str) -> None:
    error = PortError(ErrorKind.REJECTED, "ehr", vendor_code=code)
    assert error.vendor_code == "odd_code"
    assert code not in str(error)
