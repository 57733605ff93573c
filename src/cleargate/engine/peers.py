"""Which peers have been silent for so long that they are dead. Pure: the time is told.

The time is this process's own, and only ever runs forward: neither the database's clock nor ours
can be turned so that a living worker is taken for a dead one, or a dead one never for dead.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Peers:
    """What one worker has seen of the others. `silence_s` is how long one may say nothing."""

    silence_s: float
    _seen: dict[str, tuple[datetime, float]] = field(default_factory=dict)
    _looked: float | None = None

    def silent(self, signs: Mapping[str, datetime], now: float) -> dict[str, datetime]:
        """Those whose sign of life has not changed for too long, with that sign.

        Whoever could not look for as long itself begins anew: the database was away, and the
        others had no way to speak.
        """
        if self._looked is not None and now - self._looked > self.silence_s:
            self._seen.clear()
        self._looked = now
        known = self._seen
        self._seen = {
            peer: known[peer] if peer in known and known[peer][0] == sign else (sign, now)
            for peer, sign in signs.items()
        }
        return {
            peer: sign for peer, (sign, since) in self._seen.items() if now - since > self.silence_s
        }
