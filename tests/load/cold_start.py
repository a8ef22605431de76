"""`make bench-cold`: from the start of the process to the first full reply, against a floor, in turns.

Both run the built bundle's bytecode under Lambda's runtime client in the emulator, with the same real database.
"""

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from smart_redirect.local.server_settings import SAFE_SETTINGS
from tests.aws.__main__ import demo_database
from tests.aws.bundle import FOR_THIS_MACHINE, MINOR, Bundle, Function
from tests.aws.conftest import KEY
from tests.aws.emulator import INTERPRETER, Emulator
from tests.load import machine

HERE = Path(__file__).parent / "cold"
EVENT = json.loads(Path("tests/events/getcustomerdata_rest.json").read_text(encoding="utf-8"))
Start = Callable[[], Emulator]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load.cold_start", description=__doc__)
    parser.add_argument("--runs", type=int, default=20)
    runs = parser.parse_args().runs
    print(f"{machine.describe()}, on Lambda's side Python {MINOR}\n")
    with demo_database(SAFE_SETTINGS) as url, _functions() as (ours, floor, parts):
        variables = {"DATABASE_URL": url, "SMART_REDIRECT_KEY": KEY, "SMART_REDIRECT_BUDGET_MS": "700"}
        _compare(lambda: Emulator(ours, variables), lambda: Emulator(floor, variables), runs)
        _print_parts(parts, variables, runs)
    return 0


def _compare(ours: Start, floor: Start, runs: int) -> None:
    """Print both, and the median of the ratios of neighbouring runs."""
    pairs = [(_cold(ours), _cold(floor)) for _ in range(runs + 1)][1:]
    mine, other = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    print("| | median ms | least ms |\n|---|---|---|")
    for name, values in (("call path", mine), ("floor", other)):
        print(f"| {name} | {statistics.median(values):.0f} | {min(values):.0f} |")
    ratio = statistics.median(mine) / statistics.median(other)
    each = statistics.median(one / two for one, two in pairs)
    print(f"\nratio of medians {ratio:.2f}, median of ratios {each:.2f}, of the least {min(mine) / min(other):.2f}\n")


def _cold(start: Start) -> float:
    """Return the milliseconds from the start of the process to the whole reply."""
    emulator = start()
    began = time.monotonic()
    with emulator:
        answered = emulator.invoke(EVENT)
        took = (time.monotonic() - began) * 1000
    if answered.get("statusCode") != 200:
        sys.exit(f"not an answer: {answered}\n")
    return took


def _print_parts(function: Function, variables: dict[str, str], runs: int) -> None:
    measured: list[dict[str, float]] = []
    for _ in range(runs):
        with Emulator(function, {**variables, "STARTED_NS": str(time.monotonic_ns())}) as emulator:
            measured.append(emulator.invoke(EVENT))
    print("| part | median ms | least ms |\n|---|---|---|")
    for part in measured[0]:
        values = [each[part] for each in measured]
        print(f"| {part} | {statistics.median(values):.1f} | {min(values):.1f} |")


@contextmanager
def _functions() -> Iterator[tuple[Function, Function, Function]]:
    """Yield the call path, the floor and the call path in parts, all with bytecode."""
    ours, other = (Bundle(FOR_THIS_MACHINE).function(f"{name}Function") for name in ("GetCustomerData", "CallEvent"))
    folder = Path(tempfile.mkdtemp(prefix="cold-"))
    try:
        for path in (*HERE.glob("*.py"), ours.code / "getcustomerdata"):
            (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / path.name)
        subprocess.run([INTERPRETER, "-m", "compileall", "-q", str(folder)], check=True)
        floor = replace(other, handler="floor.handler", code=folder, variables={})
        yield ours, floor, replace(ours, handler="parts.handler", code=folder)
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
