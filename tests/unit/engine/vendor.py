"""A vendor in memory: keeps what it was sent under each Ref, and fails as it is told."""

from collections.abc import Callable
from dataclasses import dataclass, field

from cleargate.nouns.case import Outcome, Receipt
from cleargate.nouns.errors import ErrorKind, PortError
from cleargate.nouns.ids import Ref


class Killed(BaseException):
    """kill -9: nothing may catch it."""


@dataclass
class Vendor:
    """Fails with the next of `failures` before it keeps anything, with `replies` after it did."""

    failures: list[BaseException] = field(default_factory=list)
    replies: list[BaseException] = field(default_factory=list)
    look_failures: list[BaseException] = field(default_factory=list)
    kept: dict[str, int] = field(default_factory=dict)
    sends: int = 0
    looks: int = 0
    before_send: Callable[[Ref], None] | None = None

    def send(self, ref: Ref) -> Receipt:
        """Keep it, once more each time: this vendor deduplicates nothing."""
        self.sends += 1
        if self.before_send is not None:
            self.before_send(ref)
        if self.failures:
            raise self.failures.pop(0)
        self.kept[ref.value] = self.kept.get(ref.value, 0) + 1
        if self.replies:
            raise self.replies.pop(0)
        return Receipt(f"id-{ref.value}", Outcome.CREATED)

    def answer(self) -> str:
        """Answer a question, unless told to fail."""
        if self.failures:
            raise self.failures.pop(0)
        return "answer"

    def look(self, ref: Ref) -> Receipt | None:
        """What is kept under the Ref."""
        self.looks += 1
        if self.look_failures:
            raise self.look_failures.pop(0)
        if ref.value not in self.kept:
            return None
        return Receipt(f"id-{ref.value}", Outcome.EXISTED)


def failure(kind: ErrorKind, retry_after_s: float | None = None) -> PortError:
    """One failure of the vendor."""
    return PortError(kind, "ehr", vendor_code="test", retry_after_s=retry_after_s)
