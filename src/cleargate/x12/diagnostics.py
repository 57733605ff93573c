"""What is wrong with a file, and where. Never what stands there: it may be a patient's."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """ERROR: something could not be read. WARNING: it was read, but is not as it should be."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `segment` counts from 1 over the whole file; 0 is the file as such."""

    severity: Severity
    code: str
    segment: int
    message: str

    def __str__(self) -> str:
        place = f"segment {self.segment}" if self.segment else "file"
        return f"{self.severity}: {place}: {self.message} [{self.code}]"


Report = Callable[[Diagnostic], None]
"""Where a reader sends its findings, in the order in which it meets them."""


def error(code: str, segment: int, message: str) -> Diagnostic:
    """A finding that leaves something unread."""
    return Diagnostic(Severity.ERROR, code, segment, message)


def warning(code: str, segment: int, message: str) -> Diagnostic:
    """A finding that leaves nothing unread."""
    return Diagnostic(Severity.WARNING, code, segment, message)
