"""Which key service an installation has: a key in KMS, or a key file; never both, never none."""

from pathlib import Path

from cleargate.nouns.errors import BadSettings
from cleargate.ports import KeyService
from cleargate.store.keyfile import LocalKeyFile


def key_service(key_file: Path | None, kms_key: str) -> KeyService:
    """The one that is named. Raises BadSettings where it is not exactly one."""
    if (key_file is None) == (not kms_key):
        raise BadSettings("set either CLEARGATE_KEY_FILE or CLEARGATE_KMS_KEY, and not both.")
    if key_file is not None:
        return LocalKeyFile(key_file)
    from cleargate.store.kms import KmsKey

    return KmsKey(kms_key)
