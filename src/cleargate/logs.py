"""What may leave in a log line: an event's name and fields from a typed allow-list, as JSON.

Every logger of the process ends here, ours and every library's. A word passes only if it is one of
ours: from a closed list below, or made known when the process starts (`know`). No pattern lets a
word pass, for a surname looks like a word. Exceptions are reduced to types and frames, and a
library's free text is dropped, because nobody knows what is in it.
"""

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TextIO, cast
from uuid import UUID

import structlog

from cleargate.nouns.errors import frames, kinds

EVENTS = frozenset(
    {
        "alert",
        "api_token_unknown",
        "audit",
        "checkpoint",
        "checkpoint_mailed",
        "chores_failed",
        "credential_not_noted",
        "credential_read_again",
        "drained",
        "heartbeat_failed",
        "housekeeping_failed",
        "library",
        "log_lines_lost",
        "page_failed",
        "phase_broken",
        "phase_failed",
        "phase_waits",
        "phases_taken_up_again",
        "request",
        "stray_output",
        "swept",
        "took_over",
        "uncaught",
        "waiting_for_database",
        "warning",
        "worker_overtaken",
        "worker_started",
        "worker_stopped",
    }
)
"""What can happen; a test finds every event of the source here."""

ALERTS = frozenset(
    {
        "attachment_kept_in_database",
        "attachment_missing",
        "cases_with_gate_and_phase",
        "cases_without_next_step",
        "connection_stopped",
        "credential_next_used",
        "credential_previous_used",
        "expired",
        "expires_soon",
        "keys_not_opened",
        "restart_with_the_new_key",
        "trail_not_anchored",
        "trail_not_mailed",
        "trail_not_sealed",
        "trail_not_told",
        "unavailable",
    }
)
"""The codes of alerts; the same test finds them."""

WORDS: Mapping[str, set[str]] = {
    "event": set(EVENTS),
    "code": set(ALERTS),
    "level": {"debug", "info", "warning", "error", "critical"},
    "method": {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"},
    "route": {"unknown"},
    "stream": {"stdout", "stderr"},
    "connection": set(),
    "executor": set(),
    "phase": set(),
    "practice": set(),
}
"""Fields that hold one word, and the words that each may hold."""

NUMBERS: Mapping[str, int] = {
    "count": 1_000_000,
    "duration_ms": 3_600_000,
    "idle": 1,
    "phases": 1_000_000,
    "pid": 4_194_304,
    "port": 65_535,
    "days": 30,
    "status": 599,
    "workers": 10_000,
}
"""Fields that hold a number, and the largest: a birth date or a telephone number is larger."""

IDS = frozenset({"attachment", "audit", "case", "gate", "practice_id"})
"""Fields that hold one of our random ids, as a UUID and not as a text."""

SEALS: Mapping[str, int] = {"size": 12, "root": 44, "signature": 92}
"""What a checkpoint of the trail holds: eight bytes of size, hash and signature, all in base64;
and how long each is."""

_BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")

_OTHERS = frozenset({"error", "frames", "causes", "logger"})
FIELDS = frozenset({*WORDS, *NUMBERS, *IDS, *SEALS, *_OTHERS})
"""Every field that a line can have, besides its time and the count of what was dropped."""

_FRAME = re.compile(r"(?:[\w-]{1,60}\.(?:py|html)|<(?:string|stdin|template)>):\d{1,6}", re.ASCII)


def know(field: str, words: Iterable[str]) -> None:
    """Let a field hold these words too: names of the settings, or of what is registered."""
    WORDS[field].update(words)


def line(event: Mapping[str, object]) -> str:
    """An event as it leaves."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return json.dumps({"time": now, **allowed(event)})


def allowed(event: Mapping[str, object]) -> dict[str, str | int]:
    """What is left of an event: known fields of the right type; the rest is counted, not shown."""
    kept: dict[str, str | int] = {}
    dropped = 0
    for name, value in event.items():
        if name == "error" and isinstance(value, BaseException):
            kept |= _told(value)
        elif (passed := _passed(name, value)) is None:
            dropped += 1
        else:
            kept[name] = passed
    if dropped:
        kept["dropped"] = dropped
    return kept


def _passed(name: str, value: object) -> str | int | None:
    """A field's value if it may leave, otherwise None."""
    if isinstance(value, str):
        return _word(name, value)
    if name in NUMBERS and isinstance(value, int | float) and 0 <= value <= NUMBERS[name]:
        return int(value)
    if name in IDS and isinstance(value, UUID):
        return str(value)
    if name == "frames" and isinstance(value, list):
        return " ".join(each for each in value if _FRAME.fullmatch(str(each)))
    return None


def _word(name: str, value: str) -> str | None:
    if name == "logger":
        return _package(value)
    if name in SEALS:
        return value if len(value) == SEALS[name] and _BASE64.fullmatch(value) else None
    words = _errors() if name == "error" else WORDS.get(name, ())
    return str(value) if value in words else None


def _told(error: BaseException) -> dict[str, str]:
    """An exception as types and frames: its own, and the types of what caused it."""
    told = {"error": type(error).__name__}
    if where := _passed("frames", frames(error.__traceback__)):
        told["frames"] = str(where)
    if causes := kinds(error)[1:]:
        told["causes"] = " ".join(causes)
    return told


def _errors() -> set[str]:
    """The names of all exceptions that this process knows."""
    found: set[str] = set()
    waiting: list[type[BaseException]] = [BaseException]
    while waiting:
        kind = waiting.pop()
        if kind.__name__ not in found:
            found.add(kind.__name__)
            waiting += kind.__subclasses__()
    return found


def _package(logger: str) -> str:
    """The package that a logger is named after; anybody can name one after anything."""
    package = logger.partition(".")[0]
    return package if package in sys.modules else "other"


def _render(_logger: object, method: str, event: Mapping[str, Any]) -> str:
    return line({**event, "level": method})


def _record(
    name: str,
    level: int,
    file: str,
    number: int,
    _message: object,
    _arguments: object,
    exc_info: tuple[type[BaseException], BaseException, Any] | None = None,
    *_: object,
    **__: object,
) -> logging.LogRecord:
    """A library's log record, born without its text: its message is already the line that leaves.

    So nothing is left to tell for a handler that a library brings, and that handler is taken away.
    """
    for logger in _line_of(name):
        for handler in tuple(logger.handlers):
            logger.removeHandler(handler)
        logger.propagate = True
    event: dict[str, object] = {
        "event": "library",
        "logger": name,
        "level": logging.getLevelName(level).lower(),
        "frames": [f"{file.rpartition('/')[2]}:{number}"],
    }
    if exc_info and exc_info[1] is not None:
        event["error"] = exc_info[1]
    return logging.LogRecord(name, level, file, number, line(event), (), None)


def _line_of(name: str) -> Iterator[logging.Logger]:
    """A logger and those above it, but for the root."""
    logger: logging.Logger | None = logging.getLogger(name)
    while logger is not None and logger.parent is not None:
        yield logger
        logger = logger.parent


class _Patient:
    """A stream on which a line may be lost, and nothing else: a full disk must not stop the work.

    What could not be written stays in the stream's own buffer, and goes out when there is room
    again; what did not fit in there is counted in the next line that is written.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lost = 0

    def write(self, text: str) -> None:
        """Write a line, or count it."""
        try:
            if self._lost:
                lost = {"event": "log_lines_lost", "level": "warning", "count": self._lost}
                self._stream.write(line(lost) + "\n")
                self._lost = 0
            self._stream.write(text)
        except OSError:
            self._lost += 1

    def flush(self) -> None:
        """Let the lines go, if they can."""
        with suppress(OSError):
            self._stream.flush()


def configure(stream: TextIO = sys.stdout) -> None:
    """Send every logger of this process through the allow-list, those made later too."""
    patient = cast(TextIO, _Patient(stream))
    structlog.configure(
        processors=[_render],
        logger_factory=structlog.WriteLoggerFactory(file=patient),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(patient)
    handler.setLevel(logging.WARNING)
    logging.root.handlers = [handler]
    logging.setLogRecordFactory(_record)
    logging.lastResort = None
    # Otherwise a failing handler prints the record, and with it what was to be logged.
    logging.raiseExceptions = False
