"""A bundle: some events of the trail with the proof that they are those that were sealed.

One line of JSON (the signed checkpoint, the place of the first event, the proof around them), then
the events' exact texts, a line each. A bundle of one event is a receipt: the proof shows hashes of
other events and nothing else of them. `verify_bundle.py` checks it without Cleargate.
"""

import base64
import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID

from cleargate.nouns.errors import Refused
from cleargate.store import trail
from cleargate.store.trail import BLOCK, Sealed, TrailSession
from cleargate.trail.note import BadNote, read
from cleargate.trail.tree import proof, root_from_proof


def bundle(
    session: TrailSession, first: int, end: int, public_key: bytes
) -> tuple[str, Iterator[bytes]]:
    """The header and the events of the places `first` to `end - 1`, proved before they leave.

    Raises Refused when they are not what was sealed: then `cleargate audit verify` says more.
    """
    newest = _newest(session, public_key)
    size = newest.size

    def others(low: int, high: int) -> Iterable[bytes]:
        return trail.hashes(session, low, high)

    around = list(proof(first, end, size, others))
    own = list(trail.hashes(session, first, end))
    checkpoint = read(newest.note, public_key)
    if len(own) != end - first or root_from_proof(size, first, own, iter(around)) != (
        checkpoint.root
    ):
        raise Refused("the trail is not whole; `cleargate audit verify` says where")
    header = {
        "checkpoint": newest.note,
        "first": first,
        "proof": [base64.b64encode(each).decode() for each in around],
    }
    return json.dumps(header), texts(session, first, end)


def _newest(session: TrailSession, public_key: bytes) -> Sealed:
    newest = trail.newest(session)
    if newest is None:
        raise Refused("nothing of this practice is sealed yet; does `cleargate audit seal` run?")
    try:
        read(newest.note, public_key)
    except BadNote:
        raise Refused("the newest checkpoint is not signed with this key") from None
    return newest


def texts(session: TrailSession, first: int, end: int) -> Iterator[bytes]:
    """The exact texts of some places. Raises Refused when one is gone."""
    for low in range(first, end, BLOCK):
        high = min(end, low + BLOCK)
        block = trail.block(session, low, high)
        lines = block.bodies.split(b"\n")
        if len(lines) != high - low:
            raise Refused("an event is gone; `cleargate audit verify` says which")
        yield from lines


def span(session: TrailSession, since: datetime | None, until: datetime | None) -> tuple[int, int]:
    """The places of the events that were sealed from one moment up to another.

    A place belongs to the first checkpoint over it, so a span ends at checkpoints.
    """
    first, end = 0, 0
    for each in trail.checkpoints(session):
        if since is not None and each.at < since:
            first = each.size
        if until is None or each.at < until:
            end = each.size
    if end <= first:
        raise Refused("nothing was sealed in this time")
    return first, end


def receipt(session: TrailSession, event: UUID, public_key: bytes) -> tuple[str, Iterator[bytes]]:
    """A bundle of one event. Refused when it is not on this practice's trail, or not sealed yet."""
    position = trail.position(session, event)
    if position is None:
        raise Refused("this event is not on the trail, or its seal is yet to come")
    return bundle(session, position, position + 1, public_key)
