"""Is the trail whole? Every event against its seal, every signed root, every anchor outside.

Nothing that the database computes is believed: the hashes are made anew from the exact texts, and
the key that checks signatures comes from elsewhere. What the database alone cannot show is a trail
that was cut back, or that somebody with the signing key wrote anew: that takes anchors.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from cleargate.nouns.ids import PracticeId
from cleargate.store import trail
from cleargate.store.trail import BLOCK, Sealed, TrailSession
from cleargate.trail.anchors import Anchored
from cleargate.trail.note import Checkpoint, read, signed_by
from cleargate.trail.tree import Range

LAG_MAX = timedelta(minutes=1)
"""Whatever is older and not sealed is a fault: the sealer is down, or seals were taken away."""

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong: at which place of the tree, with which event, in a sentence.

    `position` is -1 where the fault is not about one event.
    """

    position: int
    event: UUID | None
    sentence: str


@dataclass(slots=True)
class Report:
    """What a verification found. `events` are sealed events that were read."""

    events: int = 0
    checkpoints: int = 0
    anchors: int = 0
    unsealed: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, sentence: str, position: int = -1, event: UUID | None = None) -> None:
        """Note a fault."""
        self.faults.append(Fault(position, event, sentence))


@dataclass(frozen=True, slots=True)
class Given:
    """What is held against the database: the signers' public keys, anchors, ids from the log.

    `must_be_anchored`: there is a place for anchors, so a sealed trail without any there is a
    fault, whatever checkpoints the log has.
    `lag_max` is None for a copy whose sealer does not run.
    """

    public_keys: Sequence[bytes]
    anchored: Sequence[Anchored] = ()
    logged: Sequence[UUID] = ()
    must_be_anchored: bool = False
    lag_max: timedelta | None = LAG_MAX
    logged_checkpoints: Sequence[Anchored] = ()

    @property
    def outside(self) -> list[Anchored]:
        """Every checkpoint that was kept outside of the database, the smallest first."""
        return sorted([*self.anchored, *self.logged_checkpoints], key=lambda each: each.size)


def verify(session: TrailSession, given: Given, progress: Progress = lambda _: None) -> Report:
    """Hold one practice's trail against its seals; the first fault is the first bad event."""
    report = Report()
    stored = trail.checkpoints(session)
    places, highest = trail.places(session)
    roots = Roots({each.size for each in stored} | {each.size for each in given.outside})
    tree_ends = _walk(session, highest + 1, roots, report, progress)
    if places != highest + 1 and tree_ends:
        report.add(f"{highest + 1 - places} seals are gone")
    _check_checkpoints(session.practice, stored, given, roots, report)
    _check_anchors(session.practice, highest + 1, given, roots, report)
    _check_unsealed(session, given.lag_max, report)
    _check_logged(session, given.logged, report)
    _check_guards(session, report)
    return report


@dataclass(slots=True)
class Roots:
    """The roots of the tree at the sizes of interest, as the leaves that are there give them."""

    sizes: set[int]
    found: dict[int, bytes] = field(default_factory=dict)
    tree: Range = field(default_factory=Range)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Go on with these leaves, and stop at each size of interest on the way."""
        start = self.tree.size
        end = start + len(leaves)
        stops = sorted(size for size in self.sizes if start < size <= end)
        for stop in [*stops, end]:
            self.tree.extend(leaves[self.tree.size - start : stop - start])
            if stop in self.sizes:
                self.found[stop] = self.tree.root()


def _walk(
    session: TrailSession, size: int, roots: Roots, report: Report, progress: Progress
) -> bool:
    """Read every event in the order of its seal; False when a place is empty, where it ends."""
    for low in range(0, size, BLOCK):
        high = min(size, low + BLOCK)
        block = trail.block(session, low, high)
        texts = block.bodies.split(b"\n")
        whole = block.places == block.events == len(texts) == high - low and block.low == low
        taken = whole and take_block(texts, block.leaves, roots)
        if not taken and not _take_one_by_one(session, low, high, roots, report):
            return False
        report.events += high - low
        progress(high - low)
    return True


def take_block(texts: list[bytes], leaves: bytes, roots: Roots) -> bool:
    """Add a block whose every text has the hash that was sealed; otherwise adds nothing."""
    sha256 = hashlib.sha256
    found = [sha256(b"\x00" + text).digest() for text in texts]
    if b"".join(found) != leaves:
        return False
    roots.extend(found)
    return True


def _take_one_by_one(
    session: TrailSession, low: int, high: int, roots: Roots, report: Report
) -> bool:
    """Name each bad event of a block; its sealed hash stands in for it. False at an empty place."""
    expected = low
    for leaf in trail.leaves(session, low, high):
        if leaf.position != expected:
            break
        if leaf.body is None:
            report.add("the event is gone", leaf.position, leaf.event)
        elif hashlib.sha256(b"\x00" + leaf.body.encode()).digest() != leaf.leaf:
            report.add("the event was changed after it was sealed", leaf.position, leaf.event)
        roots.extend([leaf.leaf])
        expected += 1
    if expected != high:
        report.add("the seal of this place is gone", expected)
    return expected == high


def _check_checkpoints(
    practice: PracticeId, stored: Sequence[Sealed], given: Given, roots: Roots, report: Report
) -> None:
    """Each signed root is the key's, and is that of the events that are there."""
    good = 0
    for each in stored:
        checkpoint = _read(practice, each.note, given.public_keys)
        if checkpoint is None or checkpoint.size != each.size:
            report.add(f"the checkpoint over {each.size} events is not signed with this key")
        elif roots.found.get(each.size) != checkpoint.root:
            _rewritten(good, each.size, "the checkpoint", report)
            return
        else:
            good = each.size
            report.checkpoints += 1
    if roots.tree.size != good:
        report.add("these events have seals that no checkpoint covers", good)


def _rewritten(good: int, bad: int, by: str, report: Report) -> None:
    which = f"event {good}" if bad - good == 1 else f"one of the events {good} to {bad - 1}"
    report.add(f"{which} is not the one that {by} was signed over", good)


def _check_anchors(
    practice: PracticeId, size: int, given: Given, roots: Roots, report: Report
) -> None:
    """What was kept elsewhere is still true: nothing was cut off, nothing was written anew."""
    if given.must_be_anchored and size and not given.anchored:
        report.add("there is no anchor of this trail: none was ever kept, or all were taken away")
    good = 0
    for each in given.outside:
        checkpoint = _read(practice, each.note, given.public_keys)
        if checkpoint is None:
            report.add(f"the anchor of {each.at} ({each.where}) is not signed with this key")
        elif checkpoint.size > size:
            report.add(
                f"the trail was cut back: the anchor of {each.at} is over {checkpoint.size} events,"
                f" and there are {size}",
                size,
            )
            return
        elif roots.found.get(checkpoint.size) != checkpoint.root:
            _rewritten(good, checkpoint.size, f"the anchor of {each.at}", report)
            return
        else:
            good = checkpoint.size
            report.anchors += 1


def gone(practice: PracticeId, given: Given) -> Report:
    """What the anchors know of a practice that the database does not name any more."""
    report, size = Report(), 0
    for each in given.outside:
        checkpoint = _read(practice, each.note, given.public_keys)
        if checkpoint is None:
            report.add(f"the anchor of {each.at} ({each.where}) is not signed with this key")
        else:
            size = max(size, checkpoint.size)
            report.anchors += 1
    report.add(f"the practice is gone from the database, and its anchor is over {size} events")
    return report


def _read(practice: PracticeId, note: str, public_keys: Sequence[bytes]) -> Checkpoint | None:
    """What a note says of this practice, if one of the keys has signed it."""
    key = signed_by(note, public_keys)
    checkpoint = None if key is None else read(note, key)
    return checkpoint if checkpoint is not None and checkpoint.practice == practice else None


def _check_unsealed(session: TrailSession, lag_max: timedelta | None, report: Report) -> None:
    waiting = trail.unsealed(session)
    report.unsealed = waiting.events
    if lag_max is None or waiting.oldest is None:
        return
    if waiting.now - waiting.oldest > lag_max:
        seconds = int((waiting.now - waiting.oldest).total_seconds())
        report.add(
            f"{waiting.events} events wait for their seal, the oldest for {seconds} s:"
            " the sealer does not run, or seals were taken away",
            event=waiting.first,
        )


def _check_logged(session: TrailSession, logged: Sequence[UUID], report: Report) -> None:
    """What the log names is on the trail: the only way to miss what was gone before its seal."""
    for batch in _batches(logged):
        missing = set(batch) - trail.present(session, batch)
        for event in batch:
            if event in missing:
                report.add("the log names this event, and the trail does not have it", event=event)


def _check_guards(session: TrailSession, report: Report) -> None:
    trigger, grants = trail.guards(session)
    if not trigger:
        report.add(
            "the trigger that stamps events is off or another one: whoever can write can forge"
        )
    if not grants:
        report.add("a role of ours may change or delete what is on the trail: migrate again")


def _batches(events: Sequence[UUID]) -> Iterator[list[UUID]]:
    for start in range(0, len(events), BLOCK):
        yield list(events[start : start + BLOCK])
