"""The contract of the cloud PBXs: one form, one small object, and an empty one for nobody."""

from collections.abc import AsyncIterator, Callable

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from smart_redirect.adapters.crm.generic import make
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.memory_tokens import MemoryTokens
from smart_redirect.domain.crm import Found, Person
from smart_redirect.errors import CrmMalformed, CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm
from tests.adapters.crm.reading import no_wait
from tests.fakes.crm.own import CRM_TOKEN, CmdFake
from tests.fakes.crm.server import hang, html, serving

PHONE = "+375291112233"
OLGA = {"contact_name": "Ольга Петрова", "responsible": "150"}
PERSON = Person("phone:375291112233", "Ольга Петрова", (PHONE,), "150")
Open = Callable[..., Crm]


@pytest.fixture
def customer() -> CmdFake:
    return CmdFake(people={"375291112233": OLGA})


@pytest.fixture
async def opened(customer: CmdFake, outbound: Outbound) -> AsyncIterator[Open]:
    async with serving(customer) as port:
        url = f"https://crm.example.test:{port}/pbx.php"
        given: dict[str, object] = {"contract": "cmd", "live": True, "url": url, "crm_token": CRM_TOKEN}
        yield lambda **more: make(outbound, Access({**given, **more}, "BY", no_wait, MemoryTokens()))
    assert customer.refusals == []


async def test_a_caller_has_a_name_and_a_login_to_be_mapped(opened: Open) -> None:
    assert await opened().lookup(PHONE, 5.0) == Found((PERSON,))


async def test_a_responsible_may_be_the_extension_itself(opened: Open) -> None:
    assert await opened(responsible_is="extension").lookup(PHONE, 5.0) == Found((PERSON,), (("150", "150"),))


async def test_an_empty_object_is_nobody_and_phps_empty_array_too(customer: CmdFake, opened: Open) -> None:
    customer.misdeeds += [answering(each) for each in ({}, [], {"contact_name": "", "responsible": None})]
    for _ in range(3):
        assert await opened().lookup(PHONE, 5.0) == Found()


async def test_formats_are_tried_in_turn(customer: CmdFake, opened: Open) -> None:
    customer.people = {PHONE: OLGA}
    assert await opened(formats="{phone},{phone_plus}").lookup(PHONE, 5.0) == Found((PERSON,))
    assert customer.seen == ["POST /pbx.php"] * 2


async def test_each_look_up_has_an_id_of_its_own_and_its_formats_share_it(customer: CmdFake, opened: Open) -> None:
    customer.people = {PHONE: OLGA}
    for _ in range(2):
        await opened(formats="{phone},{phone_plus}").lookup(PHONE, 5.0)
    first, again, second, _ = customer.callids
    assert first == again != second


async def test_a_name_alone_and_a_responsible_alone_are_something(customer: CmdFake, opened: Open) -> None:
    customer.people = {"375291112233": {"contact_name": "Ольга"}, "375291112244": {"responsible": "anna"}}
    both = [(await opened().lookup(each, 5.0)).people[0] for each in (PHONE, "+375291112244")]
    assert [(each.name, each.responsible_id) for each in both] == [("Ольга", None), ("", "anna")]


async def test_a_token_that_is_void_is_refused(customer: CmdFake, opened: Open) -> None:
    customer.token = "another"
    with pytest.raises(CrmRefused) as caught:
        await opened().lookup(PHONE, 5.0)
    assert CRM_TOKEN not in repr(caught.value)


@pytest.mark.parametrize("document", [{"error": "x"}, ["x"], "x", 5])
async def test_another_answer_is_malformed(customer: CmdFake, opened: Open, document: object) -> None:
    customer.misdeeds.append(answering(document))
    with pytest.raises(CrmMalformed):
        await opened().lookup(PHONE, 5.0)


async def test_wrong_parameters_and_pages_are_malformed(customer: CmdFake, opened: Open) -> None:
    customer.misdeeds.append(html)
    for formats in ("{phone}", "x{phone}"):
        with pytest.raises(CrmMalformed):
            await opened(formats=formats).lookup(PHONE, 5.0)


async def test_it_has_no_more_than_its_time(customer: CmdFake, opened: Open) -> None:
    customer.misdeeds.append(hang)
    with pytest.raises(CrmUnavailable):
        await opened().lookup(PHONE, 0.1)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"url": "https://crm.example.test/pbx.php?phone={phone}"}, "url"),
        ({"crm_token": ""}, "crm_token"),
        ({"live": "yes"}, "live"),
        ({"responsible_is": "x"}, "responsible_is"),
    ],
)
async def test_settings_that_cannot_work_are_refused(opened: Open, settings: dict[str, object], text: str) -> None:
    with pytest.raises(CrmRefused, match=text):
        opened(**settings)


def answering(document: object) -> Callable[[Request], object]:
    async def answer(_: Request) -> JSONResponse:
        return JSONResponse(document)

    return answer
