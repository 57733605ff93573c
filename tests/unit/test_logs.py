"""What leaves in a log line: known fields with known words, and nothing else."""

import ast
import asyncio
import errno
import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import structlog

import cleargate
from cleargate import logs

CANARY = "Testperson"
SOURCE = Path(cleargate.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "critical", "exception"}


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is written while the test runs; afterwards the process logs as before."""
    stream = io.StringIO()
    before = (list(logging.root.handlers), logging.lastResort, logging.raiseExceptions)
    factory = logging.getLogRecordFactory()
    logs.configure(stream)
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.reset_defaults()
    logging.setLogRecordFactory(factory)
    logging.root.handlers, logging.lastResort, logging.raiseExceptions = before


def last(lines: io.StringIO) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lines.getvalue().splitlines()[-1])
    assert CANARY not in lines.getvalue()
    return found


def test_known_fields_pass_and_unknown_ones_are_counted(lines: io.StringIO) -> None:
    structlog.get_logger().info("request", route="unknown", status=200, patient=CANARY)
    line = last(lines)
    assert (line["event"], line["route"], line["status"]) == ("request", "unknown", 200)
    assert (line["level"], line["dropped"]) == ("info", 1)


@pytest.mark.parametrize("field", sorted(logs.FIELDS))
@pytest.mark.parametrize(
    "value",
    [CANARY, "o-brien", "W123456789", "1987-06-05", "19870605", 19870605, 2025550187, 5.5e9],
)
def test_no_field_takes_a_word_or_a_number_that_is_not_ours(field: str, value: object) -> None:
    """A surname looks like a word, a birth date like a count."""
    told = logs.allowed({field: value})
    assert str(value) not in json.dumps(told)
    assert told == (
        {"logger": "other"} if field == "logger" and "dropped" not in told else {"dropped": 1}
    )


def test_a_word_passes_once_it_is_made_known(lines: io.StringIO) -> None:
    name = f"practice-{uuid4().hex}"
    structlog.get_logger().info("swept", practice=name)
    assert "practice" not in last(lines)
    logs.know("practice", [name])
    structlog.get_logger().info("swept", practice=name)
    assert last(lines)["practice"] == name


def test_an_id_passes_as_a_uuid_only(lines: io.StringIO) -> None:
    case = uuid4()
    structlog.get_logger().info("phase_failed", case=case)
    assert last(lines)["case"] == str(case)
    assert logs.allowed({"case": str(case)}) == {"dropped": 1}


def test_an_event_of_no_known_name_is_dropped_with_what_was_put_into_it(
    lines: io.StringIO,
) -> None:
    structlog.get_logger().warning(f"could not find {CANARY}")
    structlog.get_logger().warning("could not find %s", CANARY)
    assert last(lines)["dropped"] == 1


def test_an_exception_is_its_type_its_frames_and_what_was_behind_it(lines: io.StringIO) -> None:
    try:
        try:
            raise KeyError(CANARY)
        except KeyError as inner:
            raise ExceptionGroup(CANARY, [ValueError(CANARY), OSError(CANARY)]) from inner
    except ExceptionGroup as error:
        error.add_note(CANARY)
        structlog.get_logger().error("phase_failed", error=error)
    line = last(lines)
    assert line["error"] == "ExceptionGroup"
    assert set(line["causes"].split()) == {"KeyError", "ValueError", "OSError"}
    assert line["frames"].startswith("test_logs.py:")


def test_exc_info_and_stack_info_are_dropped(lines: io.StringIO) -> None:
    try:
        raise ValueError(CANARY)
    except ValueError:
        structlog.get_logger().exception("phase_failed", stack_info=True)
    assert last(lines)["event"] == "phase_failed"


def test_a_library_tells_where_and_never_what(lines: io.StringIO) -> None:
    logging.getLogger("json.sample").warning("failed for %s", CANARY, extra={"patient": CANARY})
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger(CANARY).exception("could not handle %s", CANARY, stack_info=True)
    first = json.loads(lines.getvalue().splitlines()[0])
    assert (first["event"], first["logger"], first["level"]) == ("library", "json", "warning")
    line = last(lines)
    assert (line["logger"], line["error"]) == ("other", "ValueError")
    assert "test_logs.py:" in line["frames"]


@pytest.mark.parametrize("name", ["dbos", "uvicorn.access", "sqlalchemy.engine", "botocore"])
def test_a_library_that_brings_its_own_handler_tells_no_more(lines: io.StringIO, name: str) -> None:
    """Made before or after ours, propagating or not: the record itself has no text."""
    own = io.StringIO()
    logger = logging.getLogger(name)
    before = (list(logger.handlers), logger.propagate)
    logger.addHandler(logging.StreamHandler(own))
    logger.propagate = False
    try:
        logger.error("cannot store %s", CANARY)
        logging.getLogger(f"{name}.deeper").error("cannot store %s", CANARY)
    finally:
        logger.handlers, logger.propagate = before
    assert own.getvalue() == ""
    assert len(lines.getvalue().splitlines()) == 2
    assert last(lines)["event"] == "library"


def test_a_handler_outside_the_tree_gets_a_record_without_text(lines: io.StringIO) -> None:
    own = io.StringIO()
    logger = logging.Logger("apart")
    logger.addHandler(logging.StreamHandler(own))
    logger.error("cannot store %s", CANARY)
    assert CANARY not in own.getvalue()
    assert json.loads(own.getvalue())["event"] == "library"


def test_a_handler_that_fails_prints_nothing(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            self.handleError(record)

    logging.root.addHandler(Broken())
    logging.getLogger("json").error("%d", CANARY)
    assert capsys.readouterr() == ("", "")


def test_what_an_event_loop_complains_of_is_reduced(lines: io.StringIO) -> None:
    def fails() -> None:
        raise LookupError(CANARY)

    async def run() -> None:
        asyncio.get_running_loop().call_soon(fails)
        await asyncio.sleep(0)

    asyncio.run(run())
    line = last(lines)
    assert (line["logger"], line["error"]) == ("asyncio", "LookupError")


def _log_calls() -> Iterator[tuple[str, ast.Call]]:
    """Every log call of ours, with its place."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                name = ast.unparse(node.func.value)
                if node.func.attr in LEVELS and name.endswith(("_log", "logger", "get_logger()")):
                    yield f"{path.relative_to(SOURCE)}:{node.lineno}", node


def _value(node: ast.expr) -> object:
    return node.value if isinstance(node, ast.Constant) else None


def test_every_event_and_alert_of_the_source_is_on_the_lists_and_no_other() -> None:
    """Whoever adds one reads the list, and with it what may be logged."""
    events, alerts = set(), set()
    for place, call in _log_calls():
        if place.startswith("sandbox/"):
            continue  # The outside world; it has no patients but its own.
        assert len(call.args) == 1, f"{place}: an event and named fields, nothing else"
        events.add(_value(call.args[0]))
        named = {each.arg: each.value for each in call.keywords}
        unknown = {str(each) for each in named} - logs.FIELDS
        assert unknown == set(), f"{place}: logs.py knows no such field"
        if "code" in named:
            alerts.add(_value(named["code"]))
    assert events | {"library"} == logs.EVENTS
    assert alerts == logs.ALERTS


def test_nothing_of_ours_logs_by_another_way() -> None:
    """`logging` is for libraries: their records lose their text."""
    found = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Import) and any(each.name == "logging" for each in node.names)
    }
    quiet = {"connectors/wires/http.py", "engine/durable.py"}
    assert found == {"logs.py", "sandbox/wire.py", *quiet}


def test_a_class_of_errors_passes_by_its_name(lines: io.StringIO) -> None:
    structlog.get_logger().warning("housekeeping_failed", error="OperationalError")
    assert last(lines)["error"] == "OperationalError"
    assert sys.exc_info() == (None, None, None)


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
