"""Paging: opaque cursors, so that a search's words never stand in a URL."""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from cleargate.nouns.time import Clock

LIFE = timedelta(minutes=5)
KEPT_MAX = 10_000


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a search stands."""

    kind: str
    params: tuple[tuple[str, str], ...]
    count: int
    offset: int

    def next(self) -> "Cursor":
        """The page after this one."""
        return replace(self, offset=self.offset + self.count)


class Cursors:
    """The cursors that were handed out and still count."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[datetime, Cursor]] = OrderedDict()

    def keep(self, cursor: Cursor) -> str:
        """Hand out a cursor."""
        token = secrets.token_urlsafe(12)
        self._kept[token] = (self._clock.now() + LIFE, cursor)
        while len(self._kept) > KEPT_MAX:
            self._kept.popitem(last=False)
        return token

    def get(self, token: str) -> Cursor | None:
        """The cursor, or None when it is unknown or too old."""
        until, cursor = self._kept.get(token, (None, None))
        return cursor if until is not None and self._clock.now() < until else None
