"""The deadline on an injected clock: a reader that takes for ever is answered at the deadline, to the millisecond."""

import asyncio

import pytest

from smart_redirect.domain.reply import NOTHING
from smart_redirect.errors import DatabaseUnavailable
from smart_redirect.web.getcustomerdata import GetCustomerData, Limits
from tests.fakes.virtual_time import run_virtually
from tests.usecases.desk import TOKEN, Desk, LoopDesk

SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/",
    "headers": [(b"token", TOKEN.encode())],
    "client": ("192.0.2.1", 1),
}
BODY = b'{"UniqueId":"1.0","Phone":"80291112233","TrunkId":"0001363","LoadDialPlan":"true"}'


class SlowDesk(LoopDesk):
    """A desk whose database answers after `delay` seconds, or at the deadline that it is out of time."""

    def __init__(self, delay: float) -> None:
        super().__init__()
        fast = self.database.ask

        async def ask(question: object, deadline: float) -> object:
            left = deadline - self.clock()
            await asyncio.sleep(min(delay, left))
            if delay > left:
                raise DatabaseUnavailable("late")
            return await fast(question, deadline)  # type: ignore[arg-type]

        self.database.ask = ask  # type: ignore[method-assign,assignment]


async def ask(desk: Desk, *pieces: tuple[float, bytes], budget: float = 0.3) -> tuple[int, bytes, float]:
    """Send the body piece by piece, each after so many seconds; return status, body and the time it took."""
    endpoint = GetCustomerData(desk.admit, desk.route, Limits(budget), desk.log)
    waiting = list(pieces)
    sent: list[dict[str, object]] = []

    async def receive() -> dict[str, object]:
        if not waiting:
            await asyncio.sleep(3600)
        pause, body = waiting.pop(0)
        await asyncio.sleep(pause)
        return {
            "type": "http.request",
            "body": body,
            "more_body": sum(len(each) for _, each in pieces) < len(BODY) or bool(waiting),
        }

    async def send(message: dict[str, object]) -> None:
        sent.append(message)

    began = desk.clock()
    await endpoint(dict(SCOPE), receive, send)  # type: ignore[arg-type]
    return int(str(sent[0]["status"])), bytes(sent[1]["body"]), desk.clock() - began  # type: ignore[arg-type]


@pytest.mark.parametrize("budget", [0.3, 0.22])
def test_a_reader_that_takes_for_ever_costs_the_budget_less_the_time_to_send(budget: float) -> None:
    async def call() -> tuple[int, bytes, float]:
        return await ask(SlowDesk(3600), (0, BODY), budget=budget)

    status, body, seconds = run_virtually(call())
    assert (status, body) == (200, '{"Name":"Приёмная","DialPlan":null}'.encode())
    assert seconds == pytest.approx(budget - 0.015, abs=1e-6)


def test_a_reader_that_is_just_in_time_is_waited_for() -> None:
    async def call() -> tuple[int, bytes, float]:
        return await ask(SlowDesk(0.28), (0, BODY))

    status, body, seconds = run_virtually(call())
    assert (status, b"mngr31_0001363_1" in body) == (200, True)
    assert seconds == pytest.approx(0.28, abs=1e-6)


def test_reading_the_body_is_part_of_the_budget() -> None:
    async def call() -> tuple[int, bytes, float]:
        return await ask(SlowDesk(0.2), (0.1, BODY[:40]), (0.1, BODY[40:]))

    _, body, seconds = run_virtually(call())
    assert b"mngr" not in body
    assert seconds == pytest.approx(0.285, abs=1e-6)


def test_a_body_that_never_ends_is_answered_at_the_deadline() -> None:
    async def call() -> tuple[int, bytes, float]:
        return await ask(SlowDesk(0), (0, BODY[:10]))

    assert run_virtually(call()) == (408, NOTHING, pytest.approx(0.285, abs=1e-6))
