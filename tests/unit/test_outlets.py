"""What leaves a process besides its log lines: nothing. Each test is a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

CANARY = "Testperson"

_PROCESS = """
import gc, logging, os, resource, subprocess, sys, threading, warnings
from cleargate import logs, outlets

logs.configure(outlets.own(sys.stdout))
outlets.reduce_errors()
outlets.capture_output()
canary = bytes.fromhex(sys.argv[1]).decode()

"""


def run(code: str, *options: str) -> tuple[subprocess.CompletedProcess[str], list[dict[str, Any]]]:
    """Run code in a guarded process; its lines are the whole of its output."""
    done = subprocess.run(
        [sys.executable, *options, "-c", _PROCESS + code, CANARY.encode().hex()],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert CANARY not in done.stdout + done.stderr
    assert done.stderr == ""
    return done, [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    "code",
    [
        "print(canary)",
        "print('a', canary, file=sys.stderr)",
        "sys.stdout.write(canary + chr(10))",
        "sys.stdout.buffer.write(canary.encode()); sys.stdout.flush()",
        "import pprint; pprint.pprint({canary: canary})",
        "import traceback; traceback.print_stack(); print(canary)",
    ],
)
def test_what_is_printed_is_dropped_and_counted(code: str) -> None:
    _, lines = run(code)
    assert {line["event"] for line in lines} == {"stray_output"}
    assert lines[-1]["count"] > 0
    assert lines[-1]["stream"] in ("stdout", "stderr")
    assert "<string>:" in lines[-1]["frames"]


@pytest.mark.parametrize(
    "code",
    [
        "os.write(2, canary.encode())",
        "print(canary, file=sys.__stderr__)",
        "subprocess.run(['/bin/echo', canary], check=True)",
        "import faulthandler; faulthandler.enable(file=sys.__stderr__); os.abort()",
    ],
)
def test_what_goes_past_python_goes_nowhere(code: str) -> None:
    _, lines = run(code)
    assert lines == []


def test_an_uncaught_error_is_reduced_to_type_and_frames() -> None:
    done, [line] = run("raise KeyError(canary)")
    assert (line["event"], line["error"]) == ("uncaught", "KeyError")
    assert done.returncode == 1


def test_an_uncaught_error_of_a_thread_is_reduced() -> None:
    code = """
def fails(patient):
    raise ValueError(patient)
thread = threading.Thread(target=fails, args=(canary,), name=canary)
thread.start()
thread.join()
"""
    _, [line] = run(code)
    assert (line["event"], line["error"]) == ("uncaught", "ValueError")


def test_an_error_that_nobody_can_catch_is_reduced() -> None:
    code = """
class Patient:
    def __del__(self):
        raise ValueError(canary)
del Patient
"""
    _, lines = run(code.replace("del Patient", "Patient()\ngc.collect()"))
    assert [(line["event"], line["error"]) for line in lines] == [("uncaught", "ValueError")]


def test_a_warning_is_its_kind_and_place() -> None:
    _, [line] = run("warnings.warn(canary)")
    assert (line["event"], line["error"]) == ("warning", "UserWarning")
    assert line["frames"] == "<string>:10"


def test_a_thread_that_ends_by_itself_is_no_error() -> None:
    _, lines = run("thread = threading.Thread(target=sys.exit); thread.start(); thread.join()")
    assert lines == []


def test_a_crash_leaves_no_core_file(tmp_path: Path) -> None:
    _, lines = run(f"os.chdir({str(tmp_path)!r}); os.abort()")
    assert lines == []
    assert list(tmp_path.iterdir()) == []
    _, lines = run("assert resource.getrlimit(resource.RLIMIT_CORE)[0] == 0")
    assert lines == []
