"""The append-only journal: every effect is one line, flushed before the reply leaves."""

import fcntl
import json
from collections.abc import Iterator
from pathlib import Path

from cleargate.nouns.errors import Refused
from cleargate.sandbox.trees import Json, Tree


class Journal:
    """A file of JSON lines, held by one sandbox at a time."""

    def __init__(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("a+b")
        except OSError as error:
            raise Refused(f"The sandbox cannot write to {path.parent}: {error.strerror}.") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.close()
            raise Refused(f"Another sandbox is using {path.parent}.") from None

    def entries(self) -> Iterator[Tree]:
        """What was written before, oldest first; a line that a crash tore off is removed."""
        self._file.seek(0)
        good = 0
        for line in self._file.read().splitlines(keepends=True):
            if not line.endswith(b"\n"):
                self._file.truncate(good)
                break
            good += len(line)
            yield json.loads(line)

    def append(self, kind: str, **fields: Json) -> None:
        """Write one line; it survives a kill of this process when this returns."""
        line = json.dumps({"kind": kind, **fields}, separators=(",", ":"))
        self._file.write(line.encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()
