"""`make bench`: runs the sections named on the command line, or all of them, and prints Markdown."""

import argparse
import sys

from tests.load import (
    call_path,
    crm_page,
    dialplan,
    dialplan_reload,
    history_size,
    import_calls,
    machine,
    mirror,
    releases,
    stages,
    warm_hits,
)
from tests.load.size import Size

SECTIONS = {
    "call_path": call_path.run,
    "stages": stages.run,
    "history_size": history_size.run,
    "dialplan": dialplan.run,
    "dialplan_reload": dialplan_reload.run,
    "releases": releases.run,
    "import_calls": import_calls.run,
    "mirror": mirror.run,
    "crm_page": crm_page.run,
    "warm_hits": warm_hits.run,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.load", description=__doc__)
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    sizes = parser.add_mutually_exclusive_group()
    help_of = {Size.QUICK: "fewer and shorter runs, smaller tables", Size.TINY: "only to see that a section runs"}
    for size, text in help_of.items():
        sizes.add_argument(f"--{size}", dest="size", action="store_const", const=size, default=Size.WHOLE, help=text)
    given = parser.parse_args()
    unknown = set(given.sections) - set(SECTIONS)
    if unknown:
        parser.error(f"no such section: {', '.join(sorted(unknown))}")
    print(machine.describe())
    for name in given.sections or SECTIONS:
        print(f"\n## {name}\n", flush=True)
        SECTIONS[name](given.size)
    return 0


if __name__ == "__main__":
    sys.exit(main())
