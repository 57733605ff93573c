"""The FileStore of AWS: an S3 bucket. Imports boto3, so import it late.

It sees ciphertext under names that say nothing; region, endpoint and credentials come from AWS's
own environment variables and roles.
"""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cleargate.nouns.errors import BadSettings, FilesDown

T = TypeVar("T")

OBJECT_BYTES_MAX: Final = 8 * 1024 * 1024
"""More than any attachment has; what is longer was not put there by us."""

DELETED_AT_ONCE: Final = 1000
"""So many files S3 deletes in one call."""

LOOK_AGAIN_S: Final = 30.0
"""After a failed put the bucket is left alone for so long: a patient waits for each."""

_PATIENCE: Final = Config(
    connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
)


class S3Bucket:
    """Sealed files in one bucket."""

    def __init__(self, bucket: str) -> None:
        self._bucket = bucket
        self._rests_until = 0.0
        try:
            self._client: Any = boto3.client("s3", config=_PATIENCE)
        except BotoCoreError as error:
            msg = f"CLEARGATE_ATTACHMENTS_BUCKET cannot be used ({type(error).__name__})"
            raise BadSettings(msg) from None

    def put(self, name: str, sealed: bytes) -> None:
        """Keep a file under a new name."""
        if time.monotonic() < self._rests_until:
            raise FilesDown("the bucket of the attachments did not answer a moment ago")
        try:
            self._call(lambda: self._client.put_object(Bucket=self._bucket, Key=name, Body=sealed))
        except FilesDown:
            self._rests_until = time.monotonic() + LOOK_AGAIN_S
            raise

    def get(self, name: str) -> bytes | None:
        """A file, or None when there is none of that name."""

        def read() -> bytes:
            answer = self._client.get_object(Bucket=self._bucket, Key=name)
            return bytes(answer["Body"].read(OBJECT_BYTES_MAX))

        return self._call(read)

    def delete(self, names: Sequence[str]) -> None:
        """Delete files; one that is not there is well. Raises FilesDown when one may still be."""
        for start in range(0, len(names), DELETED_AT_ONCE):
            self._call(partial(self._delete, names[start : start + DELETED_AT_ONCE]))

    def _delete(self, names: Sequence[str]) -> None:
        objects = [{"Key": name} for name in names]
        answer = self._client.delete_objects(
            Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
        )
        if refused := answer.get("Errors"):
            raise ClientError({"Error": refused[0]}, "DeleteObjects")

    def _call(self, call: Callable[[], T]) -> T | None:
        """One call; what fails becomes FilesDown with AWS's code, and no name of a file."""
        try:
            return call()
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))[:60]
            if code == "NoSuchKey":
                return None
            raise FilesDown(f"the bucket of the attachments does not answer ({code})") from None
        except BotoCoreError as error:
            kind = type(error).__name__
            raise FilesDown(f"the bucket of the attachments does not answer ({kind})") from None
