"""Files that hold a secret: read only when nobody else on this machine can."""

import os
import stat
from pathlib import Path

from cleargate.nouns.errors import BadSettings

BYTES_MAX = 65_536
"""No secret is longer; whatever is, was meant otherwise."""


def read_private(path: Path, what: str) -> bytes:
    """The file's content. BadSettings, naming `what` it is, unless it is this user's alone.

    What is looked at is the open file, so that it cannot be exchanged in between.
    """
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            content = file.read(BYTES_MAX + 1)
    except OSError as error:
        raise BadSettings(f"{what} {path} cannot be read ({error.strerror})") from None
    if status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise BadSettings(
            f"{what} {path} must belong to the user that Cleargate runs as and have mode 0600:"
            f" chmod 600 {path}"
        )
    if len(content) > BYTES_MAX:
        raise BadSettings(f"{what} {path} is larger than {BYTES_MAX} bytes")
    return content
