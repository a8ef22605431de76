"""Serves every function of Smart Redirect from one process on one machine: `make run`."""

import sys

from smart_redirect.local.server import main

if __name__ == "__main__":
    sys.exit(main())
