"""What the figures were measured on."""

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
