"""The process that builds dialplans: ids of enterprises come in, what became of their builds goes out."""

import logging
import pickle
import signal
import sys
from functools import partial
from typing import BinaryIO

from smart_redirect.bootstrap.dialplan import DialplanParts, open_dialplan
from smart_redirect.errors import SmartRedirectError
from smart_redirect.local.build_process import BuildFailed, packed, step_back
from smart_redirect.usecases.regenerate import Built
from smart_redirect.web.process import Process

logger = logging.getLogger(__name__)


def main() -> int:
    """Build until the standard input ends."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    # Ctrl-C and systemd's stop go to both processes: this one ends with the other.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    step_back()
    work_off(sys.stdin.buffer, sys.stdout.buffer)
    return 0


def work_off(wanted: BinaryIO, answers: BinaryIO) -> None:
    """Read the settings and then one id after the other, and answer each."""
    settings = pickle.load(wanted)  # noqa: S301  from the process that started this one
    process: Process[DialplanParts] = Process(partial(open_dialplan, settings))
    while True:
        try:
            enterprise_id = pickle.load(wanted)  # noqa: S301
        except EOFError:
            return
        answers.write(packed(_built(process, enterprise_id)))
        answers.flush()


def _built(process: Process[DialplanParts], enterprise_id: int) -> Built | Exception:
    try:
        return process.run(lambda parts: parts.regenerate(enterprise_id))
    except SmartRedirectError as error:
        return error
    except Exception as error:
        logger.exception("the dialplan of enterprise id %s could not be built", enterprise_id)
        return BuildFailed(f"{type(error).__name__}: the process that builds has logged it")


if __name__ == "__main__":
    sys.exit(main())
