"""What leaves in a log line: known fields of the right type, and nothing else."""

import io
import json
import logging
import sys
import warnings
from collections.abc import Iterator

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
