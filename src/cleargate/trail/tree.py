"""The tree of hashes over a practice's events. Source: RFC 6962, 2.1 (also RFC 9162, 2.1)."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(body: bytes) -> bytes:
    """The hash of an event's exact text."""
    return hashlib.sha256(b"\x00" + body).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Range:
    """A tree that only grows: its size, and the root of each complete subtree, the largest first.

    That is all that is needed to add leaves and to say the root; 64 hashes at most.
    """

    def __init__(self, size: int = 0, peaks: bytes = b"") -> None:
        self.size = size
        self._peaks = [peaks[at : at + HASH_BYTES] for at in range(0, len(peaks), HASH_BYTES)]
        if len(self._peaks) != size.bit_count():
            raise ValueError("so many subtrees do not make a tree of this size")

    @property
    def peaks(self) -> bytes:
        """The subtrees' roots, one after the other, to go on from here."""
        return b"".join(self._peaks)

    def append(self, leaf: bytes) -> None:
        """Add the hash of one more event."""
        self._add(leaf, 1)

    def extend(self, leaves: Sequence[bytes]) -> None:
        """Add the hashes of more events, a complete subtree at a time."""
        at = 0
        while at < len(leaves):
            room = self.size & -self.size or len(leaves)
            width = 1 << min(room, len(leaves) - at).bit_length() - 1
            self._add(_complete(leaves[at : at + width]), width)
            at += width

    def _add(self, root: bytes, width: int) -> None:
        """Add a complete subtree of so many leaves, which may not be wider than the last one."""
        full = self.size // width
        while full & 1:
            root = node_hash(self._peaks.pop(), root)
            full >>= 1
        self._peaks.append(root)
        self.size += width

    def root(self) -> bytes:
        """The hash over everything."""
        if not self._peaks:
            return EMPTY_ROOT
        *rest, root = self._peaks
        for peak in reversed(rest):
            root = node_hash(peak, root)
        return root


def _complete(level: Sequence[bytes]) -> bytes:
    """The root over a power of two of leaves, level by level."""
    sha256 = hashlib.sha256
    while len(level) > 1:
        pairs = zip(level[::2], level[1::2], strict=True)
        level = [sha256(b"\x01" + left + right).digest() for left, right in pairs]
    return level[0]


def root_of(leaves: Iterable[bytes]) -> bytes:
    """The root over some leaves."""
    tree = Range()
    tree.extend(list(leaves))
    return tree.root()


Leaves = Callable[[int, int], Iterable[bytes]]
"""Gives the leaves from one position up to another."""


def proof(first: int, end: int, size: int, leaves: Leaves) -> Iterator[bytes]:
    """The roots of the subtrees around the events `first` to `end - 1`, from left to right.

    With those events' own hashes they give the root of the tree, and say nothing of other events.
    """
    return _around(0, size, first, end, leaves)


def _around(low: int, high: int, first: int, end: int, leaves: Leaves) -> Iterator[bytes]:
    if high <= first or end <= low:
        yield root_of(leaves(low, high))
    elif not (first <= low and high <= end):
        middle = low + split(high - low)
        yield from _around(low, middle, first, end, leaves)
        yield from _around(middle, high, first, end, leaves)


def root_from_proof(
    size: int, first: int, known: Sequence[bytes], others: Iterator[bytes]
) -> bytes:
    """The root that some events' hashes and the proof around them lead to.

    Raises StopIteration when the proof is too short.
    """

    def root(low: int, high: int) -> bytes:
        if high <= first or first + len(known) <= low:
            return next(others)
        if high - low == 1:
            return known[low - first]
        middle = low + split(high - low)
        return node_hash(root(low, middle), root(middle, high))

    return root(0, size)


def split(size: int) -> int:
    """The largest power of two below a size: how many leaves are on the left. Size is 2 or more."""
    return 1 << (size - 1).bit_length() - 1
