"""Room on the disk: for what this machine writes. A database elsewhere has its own watch."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from cleargate.house import House
from cleargate.operations.doctor.finding import Finding, look, ok, wrong

_GIGABYTE = 1_000_000_000
LOW, TOO_LOW = 2 * _GIGABYTE, _GIGABYTE // 5


def disk(house: House) -> Iterator[Finding]:
    """The folders that Cleargate writes to, and the one for temporary files."""
    folders = {house.installation.practices, Path(tempfile.gettempdir())}
    free = {str(folder): shutil.disk_usage(folder).free for folder in folders}
    yield judged(free)


def judged(free: dict[str, int]) -> Finding:
    """What the free bytes of some folders mean; the fullest speaks for all."""
    folder, left = min(free.items(), key=lambda each: each[1])
    said = f"{left / _GIGABYTE:.1f} GB are free where {folder} is."
    if left < TOO_LOW:
        return wrong(f"Only {said}", "Make room now: without it requests are refused.")
    if left < LOW:
        return look(f"Only {said}", "Make room soon.")
    return ok(said)
