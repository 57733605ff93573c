"""Which failures are tried again, how late, and which need a person."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cleargate.engine.retry import DEFAULT_POLICY, GIVEN_UP, next_try
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason

_TRIED_AGAIN = {
    ErrorKind.AUTH,
    ErrorKind.RATE_LIMITED,
    ErrorKind.RETRYABLE,
    ErrorKind.AMBIGUOUS,
    ErrorKind.CONFLICT,
}


def _error(kind: ErrorKind, retry_after_s: float | None = None) -> PortError:
    return PortError(kind, "ehr", retry_after_s=retry_after_s)


def _wait_s(error: PortError, failures: int, dice: float) -> float:
    wait = next_try(error, failures, dice)
    assert isinstance(wait, timedelta)
    return wait.total_seconds()


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_is_either_tried_again_or_a_person_s(kind: ErrorKind) -> None:
    outcome = next_try(_error(kind), failures=1, dice=0.5)
    assert isinstance(outcome, timedelta) == (kind in _TRIED_AGAIN)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (ErrorKind.REJECTED, GateReason.VENDOR_REFUSED),
        (ErrorKind.UNSUPPORTED, GateReason.NOT_SUPPORTED),
    ],
)
def test_what_no_waiting_mends_needs_a_person_at_once(kind: ErrorKind, reason: GateReason) -> None:
    assert next_try(_error(kind), failures=1, dice=0.5) is reason


@pytest.mark.parametrize("kind", [ErrorKind.RETRYABLE, ErrorKind.AMBIGUOUS])
def test_waits_double_up_to_the_cap(kind: ErrorKind) -> None:
    longest = [_wait_s(_error(kind), failures, dice=1.0) for failures in range(1, 5)]
    assert longest == [1, 2, 4, 8]
    assert _wait_s(_error(ErrorKind.RETRYABLE), 1000, dice=1.0) == DEFAULT_POLICY.cap_s


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_jitter_is_full(failures: int, dice: float) -> None:
    """Every wait from nothing to the bound is possible."""
    bound_s = _wait_s(_error(ErrorKind.RETRYABLE), failures, dice=1.0)
    wait_s = _wait_s(_error(ErrorKind.RETRYABLE), failures, dice)
    assert wait_s == pytest.approx(bound_s * dice, abs=1e-6)


def test_the_vendor_s_own_wait_is_honoured() -> None:
    for kind in (ErrorKind.RETRYABLE, ErrorKind.AMBIGUOUS):
        assert _wait_s(_error(kind, retry_after_s=120), 1, dice=0.0) == 120
    assert _wait_s(_error(ErrorKind.RETRYABLE, retry_after_s=0), 4, dice=1.0) == 8


def test_a_rate_limit_is_waited_out_and_the_crowd_spread_after_it() -> None:
    assert _wait_s(_error(ErrorKind.RATE_LIMITED, retry_after_s=30), 1, dice=0.0) == 30
    assert _wait_s(_error(ErrorKind.RATE_LIMITED, retry_after_s=30), 1, dice=1.0) == 31
    assert _wait_s(_error(ErrorKind.RATE_LIMITED, retry_after_s=0), 1, dice=0.0) == 0
    unsaid = _wait_s(_error(ErrorKind.RATE_LIMITED), 1, dice=0.0)
    assert unsaid == DEFAULT_POLICY.rate_limit_s


def test_bad_credentials_wait_for_somebody_to_mend_them() -> None:
    assert _wait_s(_error(ErrorKind.AUTH), 9, dice=0.0) == DEFAULT_POLICY.auth_s


def test_a_conflict_that_stays_ends_with_a_person() -> None:
    error = _error(ErrorKind.CONFLICT)
    assert isinstance(next_try(error, DEFAULT_POLICY.conflicts_max - 1, 0.5), timedelta)
    assert next_try(error, DEFAULT_POLICY.conflicts_max, 0.5) is GateReason.VENDOR_REFUSED


def test_a_person_is_told_why_trying_ended() -> None:
    assert set(GIVEN_UP) < _TRIED_AGAIN
