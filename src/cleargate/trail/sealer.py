"""The sealer: gives every event its place in the practice's tree, signs the root, anchors it.

It signs in as a role that can add seals and nothing else, and sees of an event its hash only.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import structlog

from cleargate.nouns.ids import PracticeId
from cleargate.ports import Anchor
from cleargate.store import trail
from cleargate.store.connect import AWAY
from cleargate.store.trail import TrailDatabase
from cleargate.trail.note import Checkpoint, Signer, sign
from cleargate.trail.tree import Range

BATCH = 10_000
"""So many events are sealed in one transaction."""

PAUSE_S = 0.5
RETRY_S = 5.0
"""After a round in which something failed: what is down is not asked, nor told, twice a second."""

_log = structlog.get_logger()


def seal(database: TrailDatabase, practice: PracticeId, signer: Signer) -> int:
    """Seal what one practice has that is not sealed; gives how many events.

    Gives 0 while another sealer is at it.
    """
    sealed = 0
    more = True
    while more:
        with database.session(practice) as session:
            if not trail.hold(session):
                return sealed
            since = trail.newest(session)
            placed = trail.place(session, since, BATCH)
            if not placed.leaves:
                return sealed
            tree = Range(since.size, since.peaks) if since else Range()
            tree.extend(placed.leaves)
            note = sign(Checkpoint(practice, tree.size, tree.root()), signer)
            trail.keep(session, placed, tree.size, note, tree.peaks)
        sealed += len(placed.leaves)
        more = placed.more
    return sealed


@dataclass(slots=True)
class Sealer:
    """Seals every practice's trail, again and again, and hands the newest roots to the anchors."""

    database: TrailDatabase
    signer: Signer
    anchors: Sequence[Anchor]
    _anchored: dict[tuple[str, PracticeId], tuple[str, datetime]] = field(default_factory=dict)
    _failed: bool = False

    def run(self, stop: threading.Event) -> None:
        """Go on until told to stop; what fails is told and tried again."""
        while not stop.wait(RETRY_S if self._failed else PAUSE_S):
            self.round()
        self.round(last=True)

    def round(self, *, last: bool = False) -> int:
        """Seal what is new, and anchor what is due; with `last`, whatever is newer."""
        self._failed = False
        try:
            practices = self.database.practices().values()
        except AWAY as error:
            self._tell(error)
            return 0
        return sum(self._seal(practice, last=last) for practice in practices)

    def _seal(self, practice: PracticeId, *, last: bool) -> int:
        """Seal and anchor one practice's trail; what fails here stops no other practice's."""
        sealed = 0
        try:
            sealed = seal(self.database, practice, self.signer)
            self._anchor(practice, at_once=last)
        except Exception as error:  # The trail itself goes on; its seals wait for the mend.
            self._tell(error)
        return sealed

    def _tell(self, error: Exception) -> None:
        self._failed = True
        _log.error("alert", code="trail_not_sealed", error=error)

    def _anchor(self, practice: PracticeId, *, at_once: bool) -> None:
        with self.database.session(practice) as session:
            newest = trail.newest(session)
        if newest is None:
            return
        now = datetime.now(UTC)
        for anchor in self.anchors:
            note, at = self._anchored.get((anchor.name, practice), ("", None))
            due = at is None or at_once or now - at >= anchor.every
            if note != newest.note and due:
                anchor.keep(practice, newest.note)
                self._anchored[anchor.name, practice] = (newest.note, now)
