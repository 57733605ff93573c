"""The memory that reading takes: one set at a time, so that ten times the file takes no more.

A child reads a generated file of 10 MB, another one of 100 MB, each to its last verdict; the peak
of its memory above what it took before it began is printed. Ends with 1 where the two are further
apart than the target. Run: `python bench/x12_memory.py`.
"""

import multiprocessing
import resource
import sys
import tempfile
from functools import partial
from pathlib import Path

from bench.x12_read import HEAD, ON, corpus
from cleargate.coverage.reading import read_parts
from cleargate.coverage.services import DEFAULT_SERVICES
from cleargate.x12.tokenizer import CHUNK_BYTES

SIZES_MB = (10, 100)
TARGET_MB = 10.0


def write(path: Path, size: int) -> int:
    """One interchange of at least that many bytes; gives the number of its sets."""
    number = written = 0
    with path.open("w", encoding="ascii") as file:
        file.write("~\n".join(HEAD) + "~\n")
        while written < size:
            number += 1
            body = corpus(number)
            body.append(f"SE*{len(body) + 1}*{number:04d}")
            written += file.write("~\n".join(body) + "~\n")
        file.write(f"GE*{number}*7~\nIEA*1*000000007~\n")
    return number


def growth(path: str, sets: int) -> float:
    """Read a file, in a process of its own; gives the megabytes by which its peak grew."""
    before = peak()
    with Path(path).open("rb") as file:
        chunks = iter(partial(file.read, CHUNK_BYTES), b"")
        parts = read_parts(chunks, DEFAULT_SERVICES, ON)
        assert sum(len(reading.coverages) for reading in parts) == sets
    return peak() - before


def peak() -> float:
    """The most memory that this process ever took, in megabytes."""
    unit = 1_000_000 if sys.platform == "darwin" else 1000
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def main() -> int:
    """Measure both sizes."""
    grown = []
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "answers.271"
        for size in SIZES_MB:
            sets = write(path, size * 1_000_000)
            with spawn.Pool(1) as pool:
                grown.append(pool.apply(growth, (str(path), sets)))
            print(f"{size:>4} MB, {sets} sets: grew by {grown[-1]:.1f} MB")
    apart = max(grown) - min(grown)
    print(f"{apart:.1f} MB apart; target {TARGET_MB:.0f} MB")
    return 0 if apart <= TARGET_MB else 1


if __name__ == "__main__":
    sys.exit(main())
