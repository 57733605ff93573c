"""The other ways out of a process: what nobody caught, warnings, stray prints, core files.

Whatever runs with patients' data calls both functions first. A command for a person at a screen
calls `reduce_errors` only, because there the output is what the person asked for.
"""

import inspect
import io
import os
import resource
import sys
import threading
import warnings
from typing import TYPE_CHECKING, TextIO

import structlog

from cleargate.nouns.errors import FRAMES_MAX

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_log = structlog.get_logger()


def reduce_errors() -> None:
    """Whatever nobody caught is told as types and frames, and a warning as its kind and place."""
    sys.excepthook = lambda _kind, error, _trace: uncaught(error)
    threading.excepthook = lambda thrown: uncaught(thrown.exc_value)
    sys.unraisablehook = lambda thrown: uncaught(thrown.exc_value)
    warnings.showwarning = _warned


def own(stream: TextIO) -> TextIO:
    """A stream of our own to where one leads now."""
    return os.fdopen(os.dup(stream.fileno()), "w", buffering=1)


def capture_output() -> None:
    """Let nothing leave but log lines: what is printed is dropped and counted, no core is left.

    What a library writes below Python goes nowhere either; what is to stay has a stream of its
    `own` before.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)
    os.close(nowhere)
    sys.stdout, sys.stderr = _foreign("stdout"), _foreign("stderr")
    # A core file would hold all that the process knew, the keys too.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def uncaught(error: BaseException | None) -> None:
    """Tell an error that came to nobody."""
    if not isinstance(error, SystemExit | None):
        _log.critical("uncaught", error=error)


def _warned(
    message: Warning | str,  # noqa: ARG001  # the text of a warning may quote what it is about
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    place = f"{filename.rpartition('/')[2]}:{lineno}"
    _log.warning("warning", error=category.__name__, frames=[place])


def _foreign(name: str) -> TextIO:
    """A stream whose text goes nowhere."""
    sink = io.BufferedWriter(_Nowhere(name))
    return io.TextIOWrapper(sink, encoding="utf-8", line_buffering=True)


class _Nowhere(io.RawIOBase):
    """Says that something was written, how much, and from where; never what."""

    def __init__(self, name: str) -> None:
        self._name = name

    def writable(self) -> bool:
        """It takes everything."""
        return True

    def write(self, content: "ReadableBuffer") -> int:
        """Count it, and let it go."""
        size = len(memoryview(content))
        _log.warning("stray_output", stream=self._name, count=size, frames=_callers())
        return size


def _callers() -> list[str]:
    """File and line of whoever is writing, the innermost last."""
    found: list[str] = []
    frame = inspect.currentframe()
    while frame is not None and len(found) < FRAMES_MAX:
        found.append(f"{frame.f_code.co_filename.rpartition('/')[2]}:{frame.f_lineno}")
        frame = frame.f_back
    return found[:1:-1]
