"""The whole flow, sandbox included: cases a second, and which process the CPU time goes to.

Two runs of the demo's rehearsal with 200 requests, 20 patients at a time: without faults for the
speed, and with one answer in ten a 503 and one in twenty lost after its effect, for the ledgers.
"""

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress

from bench._processes import children, command, cpu_s, family_cpu_s
from cleargate.operations.demo import Demo, DemoOptions, running
from cleargate.operations.demo_home import embedded
from cleargate.operations.rehearsal.play import Play
from cleargate.operations.rehearsal.reckoning import Summary

REQUESTS = 200
CONCURRENCY = 20
MIX = "503=0.10,reset_after_commit=0.05"
TARGET_PER_S = 10.0
WORKER_READY_S = 30.0

_PARTS = {"cleargate work": "worker", "cleargate serve": "web", "cleargate.sandbox": "sandbox"}


def main() -> int:
    """Print both runs; 0 only if both ended as expected, and fast enough without faults."""
    print(f"{REQUESTS} requests, {CONCURRENCY} patients at a time")
    clean, seconds = _measured("none")
    fast = clean.cases_per_second >= TARGET_PER_S
    print(f"  target: at least {TARGET_PER_S:.0f} cases/s: {'held' if fast else 'MISSED'}")
    for part, used in sorted(seconds.items(), key=lambda item: -item[1]):
        share = used / sum(seconds.values())
        print(
            f"  CPU {part:9} {used:6.1f} s  {used / REQUESTS * 1000:5.0f} ms a case  {share:4.0%}"
        )
    hurt, _ = _measured(MIX)
    safe = hurt.requests == REQUESTS and not (hurt.failed or hurt.lost or hurt.duplicated)
    print(f"  target: {REQUESTS} settled, 0 lost, 0 twice: {'held' if safe else 'MISSED'}")
    return 0 if fast and safe and clean.good and hurt.good else 1


def _measured(faults: str) -> tuple[Summary, dict[str, float]]:
    """One rehearsal; CPU seconds by part, from the first request to the last settled case."""
    with TemporaryDirectory(prefix="cleargate-bench-") as folder:
        options = DemoOptions(Path(folder), seed=7, faults=faults, concurrency=CONCURRENCY)
        summary, spent = _rehearsed(options)
    settled = summary.requests - summary.failed
    print(f"faults {faults}: {summary.seconds:.1f} s, {summary.cases_per_second:.1f} cases/s")
    print(
        f"  {settled} settled, {summary.lost} lost, {summary.duplicated} twice,"
        f" {summary.unexpected} unexpected, {summary.booked} booked, {summary.retries} retries"
    )
    return summary, spent


def _rehearsed(options: DemoOptions) -> tuple[Summary, dict[str, float]]:
    with running(options) as demo, Progress(disable=True) as progress:
        play = Play(demo, options, REQUESTS)
        _wait_for_worker(options.data)
        parts = _Parts.of(demo)
        before = parts.cpu_s()
        summary = play.run(progress)
        return summary, {part: after - before[part] for part, after in parts.cpu_s().items()}


def _wait_for_worker(data: Path) -> None:
    """The demo does not wait for its worker; what is measured is not its start."""
    log = data / "logs" / "worker.log"
    give_up = time.monotonic() + WORKER_READY_S
    while "worker_started" not in log.read_text():
        if time.monotonic() > give_up:
            msg = "the demo's worker did not start"
            raise TimeoutError(msg)
        time.sleep(0.05)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The demo's processes by their part in it; the rehearsal itself is this process."""

    pids: Mapping[str, int]
    postgres: int

    @classmethod
    def of(cls, demo: Demo) -> "_Parts":
        ours = {pid: command(pid) for pid in children(os.getpid())}
        pids = {
            part: pid
            for words, part in _PARTS.items()
            for pid, line in ours.items()
            if words in line
        }
        postgres = embedded(demo.home.data).pid()
        if len(pids) != len(_PARTS) or postgres is None:
            msg = "the demo has other processes than this measurement knows"
            raise LookupError(msg)
        return cls(pids, postgres)

    def cpu_s(self) -> dict[str, float]:
        """CPU seconds of each part so far."""
        spent = {part: cpu_s(pid) for part, pid in self.pids.items()}
        return {**spent, "postgres": family_cpu_s(self.postgres), "patients": cpu_s(os.getpid())}
