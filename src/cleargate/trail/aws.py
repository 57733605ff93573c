"""The trail's outside in AWS: a signing key in KMS, anchors in a bucket with Object Lock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from cleargate.nouns.errors import BadSettings
from cleargate.nouns.ids import PracticeId
from cleargate.trail.anchors import Anchored, practice_named

_PATIENCE: Final = Config(
    connect_timeout=3, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
)
"""While KMS is asked, no practice's trail is sealed; what fails is tried again by itself."""

KEPT_FOR = timedelta(days=2192)
"""Six years. Source: 45 CFR 164.316(b)(2)(i)."""


class KmsSigner:
    """An Ed25519 key (ECC_NIST_EDWARDS25519) that never leaves KMS."""

    def __init__(self, key: str) -> None:
        self._key = key
        try:
            self._kms = boto3.client("kms", config=_PATIENCE)
            der = self._kms.get_public_key(KeyId=key)["PublicKey"]
        except (BotoCoreError, ClientError) as error:
            msg = f"the signing key in KMS cannot be used ({type(error).__name__})"
            raise BadSettings(msg) from None
        self.public_key = _raw(der)

    def sign(self, message: bytes) -> bytes:
        """The signature, 64 bytes."""
        signed = self._kms.sign(
            KeyId=self._key,
            Message=message,
            MessageType="RAW",
            SigningAlgorithm="ED25519_SHA_512",
        )
        return bytes(signed["Signature"])


def _raw(der: bytes) -> bytes:
    """The 32 bytes of an Ed25519 key. BadSettings when it is of another kind."""
    try:
        public = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        public = None
    if not isinstance(public, Ed25519PublicKey):
        raise BadSettings("the signing key in KMS must be of the kind ECC_NIST_EDWARDS25519")
    return public.public_bytes_raw()


class BucketAnchor:
    """One object a checkpoint, which nobody can delete or replace for six years."""

    name = "bucket"
    every = timedelta(minutes=1)

    def __init__(self, bucket: str) -> None:
        try:
            self._s3 = boto3.client("s3", config=_PATIENCE)
        except BotoCoreError as error:
            raise _unreadable(bucket, error) from None
        self._bucket = bucket

    def keep(self, practice: PracticeId, note: str) -> None:
        """Put the checkpoint beside the earlier ones."""
        size = int(note.split("\n")[1])
        self._s3.put_object(
            Bucket=self._bucket,
            Key=f"{practice}/{size:012d}",
            Body=note.encode(),
            ChecksumAlgorithm="SHA256",
            ObjectLockMode="COMPLIANCE",
            ObjectLockRetainUntilDate=datetime.now(UTC) + KEPT_FOR,
        )


def read_bucket(bucket: str, practice: PracticeId) -> Iterator[Anchored]:
    """What the bucket keeps of a practice: every version, also what a later one or a mark of
    deletion hides. Raises BadSettings when it cannot be read.
    """
    try:
        s3 = boto3.client("s3", config=_PATIENCE)
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=bucket, Prefix=f"{practice}/"
        )
        for page in pages:
            for each in page.get("Versions", []):
                name = {"Key": each["Key"], "VersionId": each["VersionId"]}
                note = s3.get_object(Bucket=bucket, **name)["Body"].read().decode()
                at = each["LastModified"].isoformat(timespec="seconds")
                yield Anchored(note, at, each["Key"], int(note.split("\n")[1]))
    except (BotoCoreError, ClientError, ValueError, IndexError) as error:
        raise _unreadable(bucket, error) from None


def bucket_practices(bucket: str) -> set[PracticeId]:
    """The practices of which the bucket keeps something, hidden or not. BadSettings as above."""
    found = set()
    try:
        pages = (
            boto3.client("s3", config=_PATIENCE)
            .get_paginator("list_object_versions")
            .paginate(Bucket=bucket, Delimiter="/")
        )
        for page in pages:
            for each in page.get("CommonPrefixes", []):
                found.add(practice_named(each["Prefix"].removesuffix("/")))
    except (BotoCoreError, ClientError) as error:
        raise _unreadable(bucket, error) from None
    return {practice for practice in found if practice is not None}


def _unreadable(bucket: str, error: Exception) -> BadSettings:
    return BadSettings(f"the anchors in s3://{bucket} cannot be read ({type(error).__name__})")
