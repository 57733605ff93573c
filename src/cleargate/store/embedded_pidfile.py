"""What `postmaster.pid` says, and whether it is true.

Postgres writes the file when it starts and removes it when it stops in good order. After a kill
it stays behind, and its pid may by then belong to a zombie or to a stranger.
Source: src/include/utils/pidfile.h of Postgres 18.
"""

import os
import subprocess
import sys
from pathlib import Path


class PidFile:
    """The lock file of one cluster."""

    def __init__(self, pgdata: Path) -> None:
        self._pgdata = pgdata
        self._file = pgdata / "postmaster.pid"

    def noted_socket_dir(self) -> Path | None:
        """The directory of the socket that the server listened on, if it came that far."""
        line = self._line(5)
        return Path(line) if line else None

    def running_pid(self) -> int | None:
        """The noted pid if it is this cluster's live postmaster, otherwise None."""
        try:
            pid = int(self._line(1))
        except ValueError:  # No file, or one cut short by a crash.
            return None
        return pid if self.is_postmaster(pid) else None

    def is_postmaster(self, pid: int) -> bool:
        """Whether a live process is this cluster's postmaster; a zombie has no command line."""
        try:
            words = _command_line(pid)
        except (FileNotFoundError, ProcessLookupError):
            return False
        return words[0].endswith(b"/postgres") and os.fsencode(self._pgdata) in words

    def discard(self) -> None:
        """Remove a file that a dead server left behind."""
        self._file.unlink(missing_ok=True)

    def _line(self, number: int) -> str:
        try:
            lines = self._file.read_text().split("\n")
        except FileNotFoundError:
            return ""
        return lines[number - 1] if len(lines) >= number else ""


def _command_line(pid: int) -> list[bytes]:
    """Program and arguments of a process; at least one, which is empty for a zombie."""
    if sys.platform == "linux":
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    command = ["/bin/ps", "-p", str(pid), "-o", "command="]
    listed = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
    return listed.stdout.strip().split(b" -c ")[0].split(b" -D ")
