"""What a real Asterisk 16 pays for a generated pool: seconds for a reload and resident memory, classic and compact."""

import re
import tempfile
import time
from pathlib import Path

from smart_redirect.domain.dialplan.build import build
from smart_redirect.domain.dialplan.dialects import Dialect, Shape
from smart_redirect.domain.dialplan.render import release_name, render
from tests.asterisk.chroot import ASTERISK_16, why_not
from tests.asterisk.host import Dialect as HostDialect
from tests.asterisk.host import Host
from tests.load.dialplan import SIZES, model_of
from tests.load.size import Size

RELOADS = 4


def run(size: Size = Size.WHOLE) -> None:
    """Print a row for each size and shape; says why where there is no Asterisk to run."""
    if reason := why_not():
        print(f"Skipped: this {reason}.")
        return
    print("| contexts | shape | MB | RSS after boot MB | reloads s | RSS after them MB |")
    print("|---|---|---|---|---|---|")
    for contexts in size.of((10_000, 100_000), (1_000, 10_000), (1_000,)):
        for shape in Shape:
            print(_row(contexts, shape), flush=True)


def _row(contexts: int, shape: Shape) -> str:
    made = build(model_of(*SIZES[contexts]))
    text = render(made, Dialect.ASTERISK_16, shape)
    with tempfile.TemporaryDirectory() as folder:
        kind = HostDialect("asterisk16", "asterisk16")
        host = Host(ASTERISK_16, kind, sipp=Path(folder), extra={"extensions.conf": text}).start()
        try:
            booted = _rss_mb(host)
            reloads = [_reload_s(host, text) for _ in range(RELOADS)]
            after = _rss_mb(host)
        finally:
            host.stop()
    times = ", ".join(f"{each:.2f}" for each in reloads)
    return f"| {len(made.pool):,} | {shape} | {len(text) / 1e6:.1f} | {booted:.0f} | {times} | {after:.0f} |"


def _reload_s(host: Host, text: str) -> float:
    """The command returns when the dialplan is in place; the last context shows that it is."""
    began = time.monotonic()
    host.cli("dialplan reload", timeout=120)
    took = time.monotonic() - began
    name = f"sr-release-{release_name(text)}"
    if name not in host.cli(f"dialplan show {name}"):
        raise RuntimeError(f"{name} is not loaded")
    return took


def _rss_mb(host: Host) -> float:
    status = Path(f"/proc/{host.pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    if found is None:
        raise RuntimeError("Asterisk is not running")
    return int(found[1]) / 1024
