"""The local server: database, call path, events and schedules in one process, until it is told to stop."""

import argparse
import asyncio
import contextlib
import gc
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace

import asyncpg
import httpx
import uvicorn
import uvloop

from smart_redirect.bootstrap.checked_settings import read_settings
from smart_redirect.errors import SettingInvalid, SmartRedirectError
from smart_redirect.local.application import CALL_PATH
from smart_redirect.local.database import database, not_now, prepare_database, reason_of
from smart_redirect.local.demo import DEMO_QUESTION, DEMO_TOKEN
from smart_redirect.local.http import CallPathProtocol
from smart_redirect.local.key import read_or_make_key
from smart_redirect.local.paths import within_checkout
from smart_redirect.local.wiring import open_application
from smart_redirect.settings import Settings

logger = logging.getLogger(__name__)


def main() -> int:
    """Run until SIGINT or SIGTERM; 1 when something that the server needs cannot be had."""
    argparse.ArgumentParser(
        prog="local_server.py",
        description="Serve every function of Smart Redirect from one process on one machine.",
        epilog="Settings are environment variables: docs/operations.md lists them.",
    ).parse_args()
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    for number in (signal.SIGINT, signal.SIGTERM):
        # uvicorn stops gracefully and then raises the signal again: by then there is nothing left to do.
        signal.signal(number, lambda *_: None)
    try:
        with _running_settings() as settings, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(serve(settings))
    except SmartRedirectError as error:
        print(f"smart-redirect: {error}", file=sys.stderr)
        return 1
    return 0


@contextlib.contextmanager
def _running_settings() -> Iterator[Settings]:
    """Yield the settings with a running database and the deployment's key."""
    settings = read_settings()
    keyed = replace(settings, key=settings.key or read_or_make_key(within_checkout(settings.data_dir)))
    with database(keyed) as url:
        yield replace(keyed, database_url=url)


async def serve(settings: Settings) -> None:
    """Serve until told to stop; with an embedded database only after it is migrated."""
    try:
        await asyncio.wait_for(prepare_database(settings), 60)
    except asyncpg.ClientConfigurationError as error:
        # No time will mend it.
        raise SettingInvalid(f"DATABASE_URL: {error}") from error
    except not_now as error:
        reason = reason_of(error)
        logger.warning(
            "the database cannot be used yet (%s); calls get nothing until it can. Is DATABASE_URL right?", reason
        )
    async with open_application(settings) as application:
        # What is loaded by now stays: the collector need not look at it again and again while callers wait.
        gc.freeze()
        server = _Server(_config(application, settings))
        await server.serve()


def _config(application: object, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        application,  # type: ignore[arg-type]
        host=settings.host,
        port=settings.port,
        http=CallPathProtocol,
        lifespan="off",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=5,
        log_level="warning",
    )


class _Server(uvicorn.Server):
    """Says how to ask, once it can be asked, with the answer that it gives."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Bind, then print the line to paste."""
        await super().startup(sockets)
        if self.started:
            print(await greeting(self.config.host, self.config.port), flush=True)


async def greeting(host: str, port: int) -> str:
    """Return what `make run` prints: a request that works as pasted, and what it was answered just now.

    A server that cannot ask itself serves all the same: what went wrong is printed in the answer's place.
    """
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        async with httpx.AsyncClient(base_url=address, trust_env=False) as client:
            reply = await client.post(CALL_PATH, headers={"Token": DEMO_TOKEN}, content=DEMO_QUESTION)
        answer = f"answers ({reply.status_code}): {reply.text}"
    except Exception as error:
        answer = f"could not be tried from here: {reason_of(error)}"
    return (
        f"Smart Redirect serves {address} (Ctrl-C stops it). A call of a known customer:\n\n"
        f"curl -gs {address}{CALL_PATH} -H 'Token: {DEMO_TOKEN}' -d '{DEMO_QUESTION}'\n\n"
        f"{answer}\n"
    )
