"""What may leave in a log line: an event's name and fields from a typed allow-list, as JSON.

Every logger of the process ends here, ours and every library's. Exceptions are reduced to their
types and frames; a library's free text is dropped, because nobody knows what is in it.
"""

import json
import logging
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, TextIO, cast

import structlog
from structlog.typing import EventDict

from cleargate.nouns.errors import frames

_WORDS = frozenset(
    {
        "phase",
        "error",
        "executor",
        "code",
        "connection",
        "step",
        "outcome",
        "method",
        "route",
        "practice",
        "logger",
        "level",
        "release",
        "type",
        "root",
        "signature",
    }
)
"""Fields that hold words of ours: names, codes and kinds, at most 96 plain characters."""

_NUMBERS = frozenset({"count", "phases", "workers", "status", "duration_ms", "port", "pid"})
_IDS = frozenset({"case", "gate", "request_id", "audit"})

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:/{}+-=")
_LENGTH_MAX = 96


def allowed(event: Mapping[str, Any]) -> dict[str, str | int]:
    """What is left of an event: known fields of the right type; the rest is counted, not shown."""
    kept: dict[str, str | int] = {}
    dropped = 0
    for name, value in event.items():
        if name in _NUMBERS and isinstance(value, int | float):
            kept[name] = int(value)
        elif name in _WORDS | _IDS | {"event", "time"} and _is_plain(value):
            kept[name] = str(value)
        elif name == "frames" and isinstance(value, list):
            kept[name] = " ".join(each for each in value if _is_plain(each))
        else:
            dropped += 1
    if dropped:
        kept["dropped"] = dropped
    return kept


def _is_plain(value: object) -> bool:
    text = str(value)
    return 0 < len(text) <= _LENGTH_MAX and _PLAIN.issuperset(text)


def _render(_logger: object, _method: str, event: Mapping[str, Any]) -> str:
    return json.dumps(allowed(event))


def _stamp(_logger: object, method: str, event: EventDict) -> EventDict:
    event["time"] = datetime.now(UTC).isoformat(timespec="milliseconds")
    event["level"] = method
    return event


class _Patient:
    """A stream on which a line may be lost, and nothing else: a full disk must not stop the work.

    What could not be written stays in the stream's own buffer, and goes out when there is room
    again; what did not fit in there is counted in the next line that is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0

    def write(self, line: str) -> None:
        """Write a line, or count it."""
        try:
            if self._lost:
                self._stream.write(
                    json.dumps({"event": "log_lines_lost", "count": self._lost}) + "\n"
                )
                self._lost = 0
            self._stream.write(line)
        except OSError:
            self._lost += 1

    def flush(self) -> None:
        """Let the lines go, if they can."""
        with suppress(OSError):
            self._stream.flush()


class _Library(logging.Handler):
    """A library's log record becomes: which library, which level, where; never its text."""

    def __init__(self, stream: _Patient) -> None:
        super().__init__(logging.WARNING)
        self._stream = stream

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record's line."""
        event: dict[str, Any] = {
            "event": "library",
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "logger": record.name,
            "level": record.levelname.lower(),
        }
        if record.exc_info and record.exc_info[0]:
            event["error"] = record.exc_info[0].__name__
            event["frames"] = frames(record.exc_info[2])
        self._stream.write(json.dumps(allowed(event)) + "\n")
        self._stream.flush()


def _uncaught(
    kind: type[BaseException], _value: BaseException, trace: TracebackType | None
) -> None:
    structlog.get_logger().critical("uncaught", error=kind.__name__, frames=frames(trace))


def configure(stream: TextIO = sys.stdout) -> None:
    """Send every logger, warning and uncaught exception of this process through the allow-list."""
    patient = _Patient(stream)
    structlog.configure(
        processors=[_stamp, _render],
        logger_factory=structlog.WriteLoggerFactory(file=cast(TextIO, patient)),
        cache_logger_on_first_use=True,
    )
    logging.root.handlers = [_Library(patient)]
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
