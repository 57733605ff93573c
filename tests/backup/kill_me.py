"""A backup in a process of its own, which a test may kill, or give no room."""

import resource
import signal
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from cleargate.nouns.errors import Refused
from cleargate.operations import backup, backup_folder
from cleargate.store import backup_frames
from cleargate.store.backup_dump import dump
from cleargate.store.backup_frames import FRAME_BYTES
from cleargate.store.embedded import EmbeddedPostgres
from cleargate.store.keyfile import LocalKeyFile


def main(how: str, key_file: str, url: str, file: Path) -> int:
    """Make a backup that is killed after its first frame, or finds the disk full."""
    keys = LocalKeyFile(Path(key_file))
    if how == "full":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))
        try:
            with backup_folder.claimed(file.parent):
                backup.make(keys, url, file, datetime.now(UTC))
        except Refused as refused:
            sys.stdout.write(f"{type(refused).__name__}: {refused}\n")
            return 2
        return 0

    if how == "scratch":
        EmbeddedPostgres(file).start()
        _wait_to_be_killed()

    def stream() -> Iterator[bytes]:
        yield bytes(FRAME_BYTES + 1)
        yield from dump(url, datetime.now(UTC))
        out.flush()
        _wait_to_be_killed()

    def fill(file: BinaryIO) -> None:
        nonlocal out
        out = file
        backup_frames.write(file, stream(), keys)

    out: BinaryIO
    with backup_folder.claimed(file.parent):
        backup_folder.keep(file.parent, file.name, fill)
    return 0


def _wait_to_be_killed() -> None:
    sys.stdout.write("in the middle\n")
    sys.stdout.flush()
    time.sleep(60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
