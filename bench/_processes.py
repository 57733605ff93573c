"""What the kernel knows of a process: CPU seconds, memory, threads. Source: proc(5)."""

import os
from pathlib import Path

_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """User and system CPU seconds of a process, its threads, and the children it has buried."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(each) for each in fields[11:15]) / _TICKS_PER_S


def family_cpu_s(pid: int) -> float:
    """The same for a process and every child that lives."""
    return cpu_s(pid) + sum(_cpu_s_if_there(child) for child in children(pid))


def _cpu_s_if_there(pid: int) -> float:
    try:
        return cpu_s(pid)
    except (FileNotFoundError, ProcessLookupError):
        return 0.0  # It ended meanwhile, and its parent has its seconds now.


def children(pid: int) -> list[int]:
    """The processes whose parent is `pid`."""
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        for child in (task / "children").read_text().split()
    ]


def command(pid: int) -> str:
    """The command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()


def rss_mb(pid: int) -> float:
    """Resident memory in MB (2**20 bytes)."""
    return _status(pid, "VmRSS") / 1024


def threads(pid: int) -> int:
    """How many threads a process has."""
    return _status(pid, "Threads")


def _status(pid: int, field: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return int(value.split()[0])
    msg = f"/proc/{pid}/status has no {field}"
    raise LookupError(msg)
