"""The baselines: a bare Starlette route (a), and the same with one SELECT by primary key (b).

Run as a program: `python -m tests.load.baseline PORT DATABASE_URL`. Same server, loop and pool options as ours.
"""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from smart_redirect.adapters.postgres.pool import open_pool

ANSWER = b'{"Name":"Petrova Olga | Salon","DialPlan":"mngr31_0001363"}\n'
assert len(ANSWER) == 60


def routes(pool: "asyncpg.Pool[Any]") -> list[Route]:
    """Return both, on a pool with our options."""

    async def bare(request: Request) -> Response:
        await request.body()
        return Response(ANSWER, media_type="application/json")

    async def select(request: Request) -> Response:
        await request.body()
        row = await pool.fetchrow("SELECT number, name FROM enterprises WHERE id = $1", 1)
        assert row is not None
        return Response(ANSWER, media_type="application/json")

    return [Route("/bare", bare, methods=["POST"]), Route("/select", select, methods=["POST"])]


async def serve(port: int, url: str) -> None:
    pool = await open_pool(url)

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        pool.terminate()

    config = uvicorn.Config(
        Starlette(routes=routes(pool), lifespan=lifespan),
        port=port,
        http="httptools",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        log_level="warning",
    )
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    asyncio.Runner(loop_factory=uvloop.new_event_loop).run(serve(int(sys.argv[1]), sys.argv[2]))
