"""The floor of a cold start: Starlette, Mangum and asyncpg, one query, an answer that is always the same."""

import asyncio
import os
from typing import Any

import asyncpg
from mangum import Mangum
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

pool: Any = None


async def answer(request: Request) -> Response:
    global pool  # noqa: PLW0603  one pool a process is what such a handler has
    if pool is None:
        url = os.environ["DATABASE_URL"]
        pool = await asyncpg.create_pool(url, min_size=0, max_size=1, statement_cache_size=0)
    await request.body()
    await pool.fetchval("SELECT 1")
    return Response(b'{"Name":"","DialPlan":null}', media_type="application/json")


asyncio.set_event_loop(asyncio.new_event_loop())
handler = Mangum(Starlette(routes=[Route("/api/callevent/getcustomerdata", answer, methods=["POST"])]), lifespan="off")
