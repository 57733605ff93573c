"""Which key signs, and where anchors are, as the settings say."""

from collections.abc import Sequence
from pathlib import Path

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.ports import Anchor
from cleargate.trail.anchors import Anchored, FileAnchor, LogAnchor, read_anchors
from cleargate.trail.keys import SigningKey
from cleargate.trail.note import Signer

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


def anchored(place: str, practice: PracticeId) -> list[Anchored]:
    """What such a place keeps of a practice."""
    if place.startswith(BUCKET):
        from cleargate.trail.aws import read_bucket

        return list(read_bucket(place.removeprefix(BUCKET).strip("/"), practice))
    return read_anchors(Path(place), practice)
