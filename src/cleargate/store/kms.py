"""The KeyService of AWS: a key in KMS that never leaves it. Imports boto3, so import it late.

Region, endpoint and credentials come from AWS's own environment variables and roles.
"""

from collections.abc import Callable
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoRegionError

from cleargate.nouns.errors import BadSettings, KeyServiceDown, KeyServiceRefuses

_PATIENCE: Final = Config(
    connect_timeout=3, read_timeout=3, retries={"mode": "standard", "total_max_attempts": 2}
)

_REFUSALS: Final = frozenset(
    {
        "AccessDeniedException",
        "DisabledException",
        "IncorrectKeyException",
        "InvalidCiphertextException",
        "InvalidGrantTokenException",
        "InvalidKeyUsageException",
        "KMSInvalidStateException",
        "NotFoundException",
        "ValidationException",
    }
)
"""What KMS answers when it will say the same again. Credentials that have ended, throttling and
errors of its own are not among them: those pass. Source: KMS API reference, Encrypt and Decrypt."""


class KmsKey:
    """Wraps data keys with one KMS key, named by id, ARN or alias; the context is bound to them."""

    def __init__(self, key: str) -> None:
        self._key = key
        try:
            self._client: Any = boto3.client("kms", config=_PATIENCE)
        except NoRegionError:
            raise BadSettings("CLEARGATE_KMS_KEY needs a region: set AWS_DEFAULT_REGION") from None
        except BotoCoreError as error:
            msg = f"CLEARGATE_KMS_KEY cannot be used ({type(error).__name__})"
            raise BadSettings(msg) from None

    @property
    def name(self) -> str:
        """The key as the settings name it."""
        return f"KMS key {self._key}"

    def wrap(self, data_key: bytes, context: str) -> bytes:
        """Encrypt a data key, bound to its context."""
        answer = self._call(
            self._client.encrypt, Plaintext=data_key, EncryptionContext=_bound_to(context)
        )
        return bytes(answer["CiphertextBlob"])

    def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Decrypt a data key; KeyServiceRefuses when this key or context did not wrap it."""
        answer = self._call(
            self._client.decrypt, CiphertextBlob=wrapped, EncryptionContext=_bound_to(context)
        )
        return bytes(answer["Plaintext"])

    def _call(self, call: Callable[..., dict[str, Any]], **values: Any) -> dict[str, Any]:  # noqa: ANN401
        """One call; what fails becomes one of our errors, with AWS's code and no value."""
        try:
            return call(KeyId=self._key, **values)
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", "unknown"))[:60]
            if code in _REFUSALS:
                msg = f"{self.name} refuses ({code}); check CLEARGATE_KMS_KEY and its key policy"
                raise KeyServiceRefuses(msg) from None
            raise KeyServiceDown(f"{self.name} does not answer ({code}); {_NEXT}") from None
        except BotoCoreError as error:
            kind = type(error).__name__
            raise KeyServiceDown(f"{self.name} does not answer ({kind}); {_NEXT}") from None


_NEXT: Final = "nothing new is kept meanwhile, and it is asked again by itself"


def _bound_to(context: str) -> dict[str, str]:
    """KMS's encryption context: authenticated, and shown in CloudTrail; ids only."""
    return {"cleargate": context}
