"""`make lambda-local`: one event to one function of the built bundle, under Lambda's runtime client in the emulator.

Without DATABASE_URL it runs on a database of its own with the demo enterprise, which is gone afterwards.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path

from smart_redirect.local.embedded import EmbeddedPostgres, free_port
from smart_redirect.local.server_settings import TEST_SETTINGS
from tests.aws.bundle import FOR_THIS_MACHINE, Bundle
from tests.aws.conftest import KEY, load
from tests.aws.emulator import Emulator
from tests.conftest import migrate_dsn, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.aws", description=__doc__)
    parser.add_argument("function", nargs="?", default="GetCustomerDataFunction")
    parser.add_argument("event", nargs="?", default="tests/events/getcustomerdata_rest.json", type=Path)
    given = parser.parse_args()
    event = json.loads(given.event.read_text(encoding="utf-8"))
    given_url = os.environ.get("DATABASE_URL")
    with nullcontext(given_url) if given_url else demo_database(TEST_SETTINGS) as url:
        own = {name: value for name, value in os.environ.items() if name.startswith(("SMART_REDIRECT_", "AWS_"))}
        variables = {"SMART_REDIRECT_KEY": KEY, "DATABASE_URL": url, **own}
        with Emulator(Bundle(FOR_THIS_MACHINE).function(given.function), variables) as emulator:
            answered = emulator.invoke(event)
            print(emulator.output(), file=sys.stderr)
    print(json.dumps(answered, ensure_ascii=False, indent=1))
    return 0


@contextmanager
def demo_database(settings: Mapping[str, str]) -> Iterator[str]:
    """Yield the address of a database with the demo enterprise, on a server of its own."""
    folder = Path(tempfile.mkdtemp(prefix="lambda-local-"))
    folder.chmod(0o711)
    try:
        with EmbeddedPostgres(folder / "postgres", port=free_port(), settings=settings) as server:
            run(migrate_dsn(server.dsn))
            run(load(server.dsn))
            yield server.tcp_dsn_of("postgres")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
