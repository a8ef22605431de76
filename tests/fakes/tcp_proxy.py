"""A TCP proxy that breaks the network on command, between a client and a real server on this machine."""

import asyncio
import contextlib
import socket
import struct
from enum import StrEnum
from typing import Self

_CHUNK = 65_536
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Weather(StrEnum):
    """What the proxy does with new connections and with bytes on open ones."""

    FAIR = "fair"
    STALLED = "stalled"
    HALF_ANSWERS = "half_answers"
    REFUSING = "refusing"


class TcpProxy:
    """Passes bytes to `target` until told otherwise; counts connections and the bytes of each direction."""

    def __init__(self, target: tuple[str, int]) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._pairs: set[tuple[asyncio.StreamWriter, asyncio.StreamWriter]] = set()
        self._fair = asyncio.Event()
        self._fair.set()
        self.weather = Weather.FAIR
        self._tells = True
        self.delay = 0.0
        self.accepted = 0
        self.requests = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        # Closed transports free their sockets in later turns of the loop.
        await asyncio.sleep(0.01)

    @property
    def port(self) -> int:
        """Where clients connect."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def set(self, weather: Weather) -> None:
        """Change what happens from now on, on open connections too."""
        self.weather = weather
        self._tells = True
        self._fair.set() if weather is Weather.FAIR else self._fair.clear()

    def cut(self, *, reset: bool = True) -> None:
        """Close every open connection, with RST or with FIN."""
        for client, server in list(self._pairs):
            if reset and not client.is_closing():
                client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            client.close()
            server.close()

    def drop_server_side(self) -> None:
        """Close the server's side of every connection and tell the client nothing: half-open connections."""
        self._tells = False
        for _, server in list(self._pairs):
            server.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.accepted += 1
        if self.weather is Weather.REFUSING:
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
            writer.close()
            return
        # A task that ends cancelled makes the streams of Python 3.11 log an error.
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await self._fair.wait()
            up_reader, up_writer = await asyncio.open_connection(*self._target)
            await self._pass_on((reader, writer), (up_reader, up_writer))
        writer.close()

    async def _pass_on(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        server: tuple[asyncio.StreamReader, asyncio.StreamWriter],
    ) -> None:
        pair = (client[1], server[1])
        self._pairs.add(pair)
        try:
            await asyncio.gather(self._pump(client[0], server[1], up=True), self._pump(server[0], client[1], up=False))
        finally:
            self._pairs.discard(pair)
            for writer in pair:
                writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, up: bool) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(_CHUNK):
                self.requests += up
                if self.delay:
                    await asyncio.sleep(self.delay)
                if self.weather is Weather.HALF_ANSWERS and not up:
                    writer.write(data[: len(data) // 2])
                    data = data[len(data) // 2 :]
                await self._fair.wait()
                writer.write(data)
                await writer.drain()
        if not self._tells:
            await asyncio.Event().wait()
        writer.close()
