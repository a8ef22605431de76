"""What the figures were measured on, and the processor time that processes took."""

import contextlib
import os
import platform
import re
from pathlib import Path


def describe() -> str:
    """Return one line: processor, cores, Python, load of the machine before the run."""
    info = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    model = re.search(r"^model name\s*:\s*(.+)$", info, re.MULTILINE)
    name = model[1] if model else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}, load before {os.getloadavg()[0]:.2f}"


def cpu_times(*pids: int) -> dict[int, float]:
    """Return the processor time in seconds that each process has used, all its threads together; Linux only.

    It moves far less than wall time when others use the machine, and tells which side is full.
    """
    return {pid: _nanoseconds(pid) / 1e9 for pid in pids}


def spent(before: dict[int, float], after: dict[int, float]) -> float:
    """Return the seconds that processes used between two looks; one that has ended meanwhile counts for nothing."""
    return sum(seconds - before.get(pid, 0.0) for pid, seconds in after.items() if seconds)


def _nanoseconds(pid: int) -> int:
    nanoseconds = 0
    for thread in Path("/proc", str(pid), "task").glob("*/schedstat"):
        # One that ends while it is looked at counts for nothing.
        with contextlib.suppress(ProcessLookupError, FileNotFoundError):
            nanoseconds += int(thread.read_text(encoding="ascii").split()[0])
    return nanoseconds
