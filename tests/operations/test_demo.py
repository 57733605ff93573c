"""The demo as a new user starts it: by its command, on this machine, with nothing prepared."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

START_S = 60.0


@contextmanager
def demo(data: Path) -> Iterator[str]:
    """A running demo; what it printed. Ended by Ctrl-C, as a person would."""
    process = subprocess.Popen(
        [sys.executable, "-m", "cleargate", "demo", "--data", str(data), "--faults", "none"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )
    assert process.stdout is not None
    printed = ""
    give_up = time.monotonic() + START_S
    try:
        while "Ctrl-C" not in printed:
            line = process.stdout.readline()
            assert line, printed
            assert time.monotonic() < give_up
            printed += line
        yield printed
    finally:
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=40)
        assert process.returncode == 0, rest


def addresses(printed: str) -> list[str]:
    return re.findall(r"http://127\.0\.0\.1:\d+[/\w]*", printed)


def children_of(data: Path) -> list[str]:
    """Command lines of processes that still name the demo's folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(data) in words and "pytest" not in words:
            found.append(words)
    return found


@pytest.mark.parametrize("again", [False, True])
def test_a_rehearsal_ends_as_was_fixed_before_it_began(
    tmp_path_factory: pytest.TempPathFactory, again: bool
) -> None:
    """Also when there was one before it in the same place."""
    data = tmp_path_factory.getbasetemp() / "rehearsed"
    requests = 3 if again else 12
    summary = rehearsed(data, requests)
    assert summary["requests"] == len(summary["cases"]) == requests
    assert summary["lost"] == summary["duplicated"] == summary["unexpected"] == 0
    assert not children_of(data)


def rehearsed(data: Path, requests: int) -> dict[str, Any]:
    """What a rehearsal says of itself."""
    command = ["demo", "--data", str(data), "--requests", str(requests), "--seed", "7"]
    result = data.with_suffix(".json")
    done = subprocess.run(
        [sys.executable, "-m", "cleargate", *command, "--json", str(result)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
    summary: dict[str, Any] = json.loads(result.read_text())
    return summary


def test_a_second_start_finds_the_data_of_the_first(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with demo(data) as printed:
        first = addresses(printed)
        password = re.search(r"frontdesk / (\S+)", printed)
        assert password is not None
        assert {httpx2.get(url, follow_redirects=True).status_code for url in first} == {200}
    assert not children_of(data)
    with demo(data) as printed:
        assert addresses(printed) == first
        assert password[1] in printed


def test_two_demos_run_side_by_side(tmp_path: Path) -> None:
    with demo(tmp_path / "one") as one, demo(tmp_path / "two") as two:
        assert set(addresses(one)).isdisjoint(addresses(two))
        for url in (*addresses(one), *addresses(two)):
            assert httpx2.get(url, follow_redirects=True).status_code == 200


@pytest.mark.long
def test_a_port_in_use_gives_way(tmp_path: Path) -> None:
    data = tmp_path / "demo"
    with demo(data) as printed:
        port = int(addresses(printed)[0].split(":")[2].split("/")[0])
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with demo(data) as printed:
            assert f":{port}/" not in printed


@pytest.mark.long
@pytest.mark.parametrize("seed", range(20))
def test_heavy_faults_settle_every_case(tmp_path: Path, seed: int) -> None:
    command = ["demo", "--data", str(tmp_path), "--requests", "12", "--seed", str(seed)]
    done = subprocess.run(
        [sys.executable, "-m", "cleargate", *command, "--faults", "heavy"],
        capture_output=True,
        text=True,
        timeout=290,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
