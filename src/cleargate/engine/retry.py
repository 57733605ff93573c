"""What happens next after an outside call failed. Pure: no clock, no dice of its own."""

from dataclasses import dataclass
from datetime import timedelta

from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.gate import GateReason


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How patient we are. Waits in seconds."""

    base_s: float = 1.0
    cap_s: float = 1800.0
    rate_limit_s: float = 60.0
    auth_s: float = 300.0
    conflicts_max: int = 5


DEFAULT_POLICY = RetryPolicy()

_PERSON = {
    ErrorKind.REJECTED: GateReason.VENDOR_REFUSED,
    ErrorKind.UNSUPPORTED: GateReason.NOT_SUPPORTED,
}

GIVEN_UP = {
    ErrorKind.AUTH: GateReason.CONNECTION_STOPPED,
    ErrorKind.AMBIGUOUS: GateReason.VENDOR_UNSURE,
}
"""Why a person is needed once the time for trying is over; VENDOR_SILENT for the rest."""


def next_try(
    error: PortError, failures: int, dice: float, policy: RetryPolicy = DEFAULT_POLICY
) -> timedelta | GateReason:
    """How long to wait before the next try, or why a person is needed instead.

    `failures` counts this one; `dice` is uniform in 0 to 1 (full jitter: the wait lies between
    zero and the exponential bound, so that a crowd that failed together does not come back
    together). Source: AWS Builders' Library, "Timeouts, retries and backoff with jitter".
    """
    if error.kind in _PERSON:
        return _PERSON[error.kind]
    if error.kind is ErrorKind.CONFLICT and failures >= policy.conflicts_max:
        return GateReason.VENDOR_REFUSED
    if error.kind is ErrorKind.AUTH:
        return timedelta(seconds=policy.auth_s)
    bound_s = min(policy.cap_s, policy.base_s * 2 ** min(failures - 1, 20))
    wait_s = bound_s * dice
    if error.kind is ErrorKind.RATE_LIMITED:
        wait_s += policy.rate_limit_s if error.retry_after_s is None else error.retry_after_s
    elif error.retry_after_s is not None:
        wait_s = max(wait_s, error.retry_after_s)
    return timedelta(seconds=wait_s)
