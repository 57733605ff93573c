"""Which key signs, and where anchors are, as the settings say."""

from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.ports import Anchor
from cleargate.trail.anchors import (
    Anchored,
    FileAnchor,
    LogAnchor,
    anchored_practices,
    read_anchors,
)
from cleargate.trail.keys import SigningKey
from cleargate.trail.note import Signer
from cleargate.trail.saved import read_notes

BUCKET = "s3://"
KMS = "kms:"


def signer(reference: str) -> Signer:
    """The key of `CLEARGATE_TRAIL_KEY`: a PEM file, or `kms:<id>`."""
    if not reference:
        raise BadSettings(
            "set CLEARGATE_TRAIL_KEY to the key that signs checkpoints;"
            " `cleargate audit new-key PATH` makes one"
        )
    if reference.startswith(KMS):
        from cleargate.trail.aws import KmsSigner

        return KmsSigner(reference.removeprefix(KMS))
    return SigningKey(Path(reference))


def anchors(place: str) -> Sequence[Anchor]:
    """Where new checkpoints are kept: always the log, and the place of `CLEARGATE_ANCHORS`."""
    if not place:
        return (LogAnchor(),)
    if place.startswith(BUCKET):
        from cleargate.trail.aws import BucketAnchor

        return (LogAnchor(), BucketAnchor(place.removeprefix(BUCKET).strip("/")))
    return (LogAnchor(), FileAnchor(Path(place)))


@dataclass(frozen=True, slots=True)
class Kept:
    """What a place for anchors keeps: of which practices, and how that of one is read."""

    practices: AbstractSet[PracticeId] = frozenset()
    of: Callable[[PracticeId], list[Anchored]] = lambda _: []


def kept(place: str) -> Kept:
    """What is in a directory, in `s3://bucket`, or in a file that somebody saved. No place keeps
    nothing.
    """
    if not place:
        return Kept()
    if place.startswith(BUCKET):
        from cleargate.trail.aws import bucket_practices, read_bucket

        bucket = place.removeprefix(BUCKET).strip("/")
        return Kept(bucket_practices(bucket), lambda practice: list(read_bucket(bucket, practice)))
    path = Path(place)
    if path.is_file():
        notes = read_notes(path)
        return Kept(notes.keys(), lambda practice: notes.get(practice, []))
    return Kept(anchored_practices(path), partial(read_anchors, path))
