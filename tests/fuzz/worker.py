"""The fuzzer's inner process: case after case, each under a limit of CPU time and memory.

A case is told on standard output before it begins, so that whoever watches knows which one did not
end. SIGPROF is left to kill: no loop in C can hold it off.
"""

import argparse
import faulthandler
import importlib
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from random import Random

from tests.fuzz import invariants
from tests.fuzz.giants import BYTES, GIANTS
from tests.fuzz.mutations import bent
from tests.fuzz.seeds import Seed, seeds

MEMORY_BYTES = 1_500_000_000
FINDINGS_MAX = 10

Check = Callable[[bytes, Random], None]


class Fuzzer:
    """Plays cases; each follows from the run's seed and its own number, and from nothing else."""

    def __init__(self, seed: int, check: Check, cpu_s: float) -> None:
        self._seed = seed
        self._check = check
        self._cpu_s = cpu_s
        self._seeds: list[Seed] = seeds()
        self.findings: set[str] = set()

    def run(self, seconds: float, giants: int) -> None:
        """So many giants, then cases until the time is over."""
        ends = time.monotonic() + seconds
        for name, giant in Random(self._seed).sample(GIANTS, min(giants, len(GIANTS))):
            with self._case(0, f"{BYTES // 1_000_000} MB of {name}", ()):
                giant()
        for number in count(1):
            if time.monotonic() >= ends or len(self.findings) >= FINDINGS_MAX:
                break
            self.play(number)
        tell({"done": number - 1, "findings": len(self.findings)})

    def play(self, number: int) -> None:
        """One case."""
        rng = Random(f"{self._seed}:{number}")
        seed = rng.choice(self._seeds)
        content, names = bent(seed.content, rng)
        with self._case(number, seed.name, names):
            self._check(content, rng)
            if names == ("truncate",) and len(content) < seed.end:
                invariants.lost_its_end(content)

    @contextmanager
    def _case(self, number: int, name: str, names: tuple[str, ...]) -> Iterator[None]:
        """Limits around a case; what it finds is told once for each place."""
        tell({"case": number, "seed": name, "bent": names})
        signal.setitimer(signal.ITIMER_PROF, self._cpu_s)
        try:
            yield
        except Exception as failure:
            place = traceback.extract_tb(failure.__traceback__)[-1]
            key = f"{type(failure).__name__} {failure} {place.name}:{place.lineno}"[:200]
            if key not in self.findings:
                self.findings.add(key)
                tell({"finding": number, "story": traceback.format_exc()[-3000:]})
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)


def tell(what: dict[str, object]) -> None:
    """One line for whoever watches."""
    os.write(1, json.dumps(what).encode() + b"\n")


def main() -> int:
    """0 when nothing was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--giants", type=int, default=0)
    parser.add_argument("--case", type=int)
    parser.add_argument("--cpu", type=float, default=60.0)
    parser.add_argument("--check", default="tests.fuzz.invariants:check")
    told = parser.parse_args()
    if sys.platform == "linux":  # macOS keeps no such limit.
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    faulthandler.register(signal.SIGPROF, all_threads=False, chain=True)
    module, _, name = told.check.partition(":")
    fuzzer = Fuzzer(told.seed, getattr(importlib.import_module(module), name), told.cpu)
    if told.case is None:
        fuzzer.run(told.seconds, told.giants)
    else:
        fuzzer.play(told.case)
    return 1 if fuzzer.findings else 0


if __name__ == "__main__":
    raise SystemExit(main())
