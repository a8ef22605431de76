"""Asks the system for the addresses of names, so that a name server that hangs holds up nobody but its own names."""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Callable, Sequence
from threading import Thread
from time import monotonic

# Names that are asked about at once: a CRM whose name server hangs takes one place, for as long as the system waits.
_AT_ONCE = 32
_KEPT_SECONDS = 30.0
_FAILED_SECONDS = 5.0
_MOST_KEPT = 1000
Ask = Callable[[str, int], Sequence[str]]


def ask_system(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a name, in the order of the system's preference; OSError when there are none. Blocks."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


class Resolver:
    """Resolves names in threads of its own, each name once at a time; what was found is kept for half a minute.

    The loop's own way has one small pool of threads for everybody, and a look-up that nobody waits for any more keeps
    its thread: some names that hang would keep all other CRMs, and the database, from being found.
    """

    def __init__(self, ask: Ask = ask_system, clock: Callable[[], float] = monotonic) -> None:
        self._ask = ask
        self._clock = clock
        self._places = asyncio.Semaphore(_AT_ONCE)
        self._flights: dict[tuple[str, int], asyncio.Task[Sequence[str]]] = {}
        self._kept: OrderedDict[tuple[str, int], tuple[float, Sequence[str]]] = OrderedDict()

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a name; OSError when there are none. Who gives up stops nobody else."""
        until, addresses = self._kept.get((host, port), (0.0, ()))
        if until > self._clock():
            if not addresses:
                raise OSError("the name was not known a moment ago")
            return addresses
        flight = self._flights.get((host, port))
        if flight is None:
            flight = self._flights[host, port] = asyncio.create_task(self._resolve(host, port))
            flight.add_done_callback(lambda done: self._landed((host, port), done))
        return await asyncio.shield(flight)

    def _landed(self, name: tuple[str, int], flight: asyncio.Task[Sequence[str]]) -> None:
        self._flights.pop(name, None)
        if flight.cancelled():
            return
        addresses = () if flight.exception() else flight.result()
        seconds = _KEPT_SECONDS if addresses else _FAILED_SECONDS
        self._kept[name] = self._clock() + seconds, addresses
        self._kept.move_to_end(name)
        if len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)

    async def _resolve(self, host: str, port: int) -> Sequence[str]:
        async with self._places:
            loop = asyncio.get_running_loop()
            found: asyncio.Future[Sequence[str]] = loop.create_future()
            # A daemon: the end of the process does not wait for a name server.
            Thread(target=_answer, args=(self._ask, host, port, loop, found), name="resolve", daemon=True).start()
            return await found


def _answer(
    ask: Ask, host: str, port: int, loop: asyncio.AbstractEventLoop, found: "asyncio.Future[Sequence[str]]"
) -> None:
    addresses: Sequence[str] = ()
    failure: Exception | None = None
    try:
        addresses = ask(host, port)
    except (OSError, UnicodeError) as error:
        failure = error if isinstance(error, OSError) else OSError("the name is none")

    def tell() -> None:
        if found.done():
            return
        if failure is None:
            found.set_result(addresses)
        else:
            found.set_exception(failure)

    try:
        loop.call_soon_threadsafe(tell)
    except RuntimeError:
        # The loop has ended meanwhile, and nobody waits.
        return
