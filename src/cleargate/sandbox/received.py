"""The doorman's book: every call that reached this world, whatever became of it."""

import hashlib
from collections import deque

from cleargate.nouns.time import Clock
from cleargate.sandbox.trees import Json, Tree

KEPT_MAX = 50_000
"""So many of the newest calls are shown; a restart forgets them, for they are no effects."""


class Received:
    """Each call with its name, its moment and the SHA-256 of its body, or of a bare address."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: deque[Tree] = deque(maxlen=KEPT_MAX)

    def note(self, name: str, content: bytes) -> None:
        """Write a call down before anything is done with it."""
        digest = hashlib.sha256(content).hexdigest()
        at = self._clock.now().isoformat()
        self._lines.append({"call": name, "at": at, "digest": digest})

    def lines(self) -> list[Json]:
        """The calls in the order in which they came."""
        return [*self._lines]
