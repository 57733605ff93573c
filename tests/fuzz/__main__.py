"""The fuzzer: bends answers for a minute, and finds no exception, no hang and no broken promise.

    python -m tests.fuzz                            a minute with a fresh seed, which is printed
    python -m tests.fuzz --seed 7 --case 1234       one case again

CLEARGATE_FUZZ_SEED and CLEARGATE_FUZZ_SECONDS say the same from outside. A case is the same again
where the public samples are the same, or are missing as they were.
"""

import argparse
import json
import os
import secrets
import selectors
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

ROOT = Path(__file__).parents[2]
SILENCE_S = 300.0
"""So long nothing is heard of a case that neither ends nor computes: then it is taken away."""
LONG_S = 300.0
"""A run of this length plays all giants, a shorter one two of them."""
GIANTS_SHORT, GIANTS_LONG = 2, 100


def main(arguments: Sequence[str] | None = None) -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    environment = os.environ.get
    fresh = environment("CLEARGATE_FUZZ_SEED") or secrets.randbelow(1_000_000_000)
    parser.add_argument("--seed", type=int, default=int(fresh))
    seconds = float(environment("CLEARGATE_FUZZ_SECONDS") or 60)
    parser.add_argument("--seconds", type=float, default=seconds)
    parser.add_argument("--case", type=int)
    told, more = parser.parse_known_args(arguments)
    command = [sys.executable, "-m", "tests.fuzz.worker", "--seed", str(told.seed)]
    if told.case is None:
        print(f"fuzz: seed {told.seed}, {told.seconds:.0f} s", flush=True)
        giants = GIANTS_LONG if told.seconds >= LONG_S else GIANTS_SHORT
        command += ["--seconds", str(told.seconds), "--giants", str(giants)]
    else:
        command += ["--case", str(told.case)]
    return _watch([*command, *more], told.seed)


def _watch(command: list[str], seed: int) -> int:
    """Print what the worker finds, or the case that took it away."""
    last: dict[str, object] = {}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        for line in _lines(worker.stdout):
            said = json.loads(line)
            if "case" in said:
                last = said
            elif "finding" in said:
                print(_again(seed, last), said["story"], sep="\n", flush=True)
            else:
                print(f"fuzz: {said['done']} cases, {said['findings']} findings", flush=True)
        try:
            ended = worker.wait(timeout=30)
        except subprocess.TimeoutExpired:
            worker.kill()
            ended = worker.wait()
    if ended not in (0, 1):
        print(f"{_again(seed, last)}\nIt did not end: too much time, or memory ({ended}).")
    return 1 if ended else 0


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    """The worker's lines until it ends, or is silent for too long."""
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(stream, selectors.EVENT_READ)
        while selector.select(SILENCE_S):
            chunk = os.read(stream.fileno(), 65536)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            yield from lines


def _again(seed: int, case: dict[str, object]) -> str:
    """How to see it again."""
    number = case.get("case", 0)
    what = f"fuzz: found in {case.get('seed')}, bent by {case.get('bent')}; again:"
    return f"{what} python -m tests.fuzz --seed {seed} --case {number}"


if __name__ == "__main__":
    raise SystemExit(main())
