"""What leaves in a log line: known fields of the right type, and nothing else."""

import errno
import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from cleargate import logs

CANARY = "Testperson"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    before = (list(logging.root.handlers), logging.root.level, sys.excepthook)
    shown = warnings.showwarning
    logs.configure(stream)
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.reset_defaults()
    logging.captureWarnings(False)
    warnings.showwarning = shown
    logging.root.handlers, logging.root.level, sys.excepthook = before


def test_known_fields_pass_and_unknown_ones_are_counted(lines: io.StringIO) -> None:
    structlog.get_logger().info("request", route="/{slug}/", status=200, patient=CANARY)
    line = json.loads(lines.getvalue())
    assert (line["event"], line["route"], line["status"]) == ("request", "/{slug}/", 200)
    assert line["dropped"] == 1
    assert CANARY not in lines.getvalue()


def test_free_text_does_not_pass_even_in_a_known_field(lines: io.StringIO) -> None:
    structlog.get_logger().info("request", code="Toni Testperson born 1990", step="ask1")
    assert CANARY not in lines.getvalue()
    assert json.loads(lines.getvalue())["step"] == "ask1"


def test_a_library_tells_where_and_never_what(lines: io.StringIO) -> None:
    logging.getLogger("some.library").warning("failed for %s", CANARY)
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception("could not handle %s", CANARY)
    assert CANARY not in lines.getvalue()
    last = json.loads(lines.getvalue().splitlines()[-1])
    assert last["error"] == "ValueError"
    assert "test_logs.py:" in last["frames"]


def test_an_uncaught_error_is_reduced_to_type_and_frames(lines: io.StringIO) -> None:
    try:
        raise KeyError(CANARY)
    except KeyError as error:
        sys.excepthook(type(error), error, error.__traceback__)
    line = json.loads(lines.getvalue())
    assert (line["event"], line["error"]) == ("uncaught", "KeyError")
    assert CANARY not in lines.getvalue()


class _FullDisk(io.StringIO):
    """Takes nothing while it is full."""

    full = False

    def write(self, text: str) -> int:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(text)

    def flush(self) -> None:
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")


def test_a_line_that_cannot_be_written_stops_nothing_and_is_counted(lines: io.StringIO) -> None:
    disk = _FullDisk()
    logs.configure(disk)
    structlog.configure(cache_logger_on_first_use=False)
    disk.full = True
    for _ in range(3):
        structlog.get_logger().info("worker_started", phase="sample.first")
    logging.getLogger("sample").warning("free text")
    disk.full = False
    structlog.get_logger().info("worker_stopped")
    found = [json.loads(line) for line in disk.getvalue().splitlines()]
    assert [each["event"] for each in found] == ["log_lines_lost", "worker_stopped"]
    assert found[0]["count"] == 4


def test_the_log_of_a_real_process_may_lie_on_a_full_disk() -> None:
    """`/dev/full` takes no byte. The process goes on to its end."""
    script = (
        "import os, structlog\n"
        "from cleargate import logs\n"
        "logs.configure()\n"
        "for _ in range(5000): structlog.get_logger().error('phase_failed', phase='sample')\n"
        "os._exit(7)\n"
    )
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run([sys.executable, "-c", script], stdout=full, check=False)
    assert ended.returncode == 7
