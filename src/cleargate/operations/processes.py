"""The demo's processes: started, waited for until they are ready, and ended, by us alone."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cleargate.nouns.errors import Refused

READY_S = 60.0
END_S = 15.0

Ready = dict[str, Any]
"""What a ready file says."""


class Processes:
    """Child processes with one log file each; `end` ends them in reverse order."""

    def __init__(self, logs: Path) -> None:
        self._logs = logs
        self._children: list[tuple[str, subprocess.Popen[bytes]]] = []
        logs.mkdir(parents=True, exist_ok=True)

    def start(
        self, name: str, arguments: Sequence[str], environment: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start `python -m <arguments>` with these variables besides ours."""
        with (self._logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(  # noqa: S603  # our own modules, no shell
                [sys.executable, "-m", *arguments],
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._children.append((name, child))
        return child

    def wait_ready(self, name: str, ready_file: Path) -> Ready:
        """What the child's ready file says, once it is there. Refused when the child ended."""
        child = dict(self._children)[name]
        give_up = time.monotonic() + READY_S
        while not ready_file.exists():
            if child.poll() is not None or time.monotonic() > give_up:
                raise Refused(f"{name} did not start: {self._last_words(name)}")
            time.sleep(0.02)
        ready: Ready = json.loads(ready_file.read_text())
        return ready

    def check(self) -> None:
        """Refused when a child has ended."""
        for name, child in self._children:
            if child.poll() is not None:
                raise Refused(f"{name} ended unexpectedly: {self._last_words(name)}")

    def _last_words(self, name: str) -> str:
        """The last line that a child left, and where the others are."""
        log = self._logs / f"{name}.log"
        lines = log.read_text(errors="replace").splitlines()
        return f"{lines[-1] if lines else 'it said nothing'} (see {log})"

    def end(self) -> None:
        """Ask every child to end, the last started first; then insist."""
        for _, child in reversed(self._children):
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        give_up = time.monotonic() + END_S
        for _, child in reversed(self._children):
            try:
                child.wait(max(0.1, give_up - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def usable_port(wanted: int) -> int:
    """The wanted port if it is free on loopback, otherwise a free one."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise Refused("no free port on 127.0.0.1")
