"""The call path with somebody to ask about callers whom the mirror lacks."""

import pytest

from smart_redirect.domain.enterprise import Enterprise, Mode
from smart_redirect.domain.facts import CallerFacts, Contact
from smart_redirect.usecases.ports import Missed
from tests.domain.routing_table import base
from tests.usecases.desk import CALLER, QUESTION, Desk, enterprise

OLGA = Contact(1, "Ольга", "17", "150")


class Filler:
    """Knows one caller."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, float]] = []
        self.epochs: list[int] = []
        self.connections: frozenset[int] = frozenset()
        self.knows = True
        self.exists = True

    def may_know(self, _: Enterprise) -> bool:
        return self.exists

    async def __call__(self, call: Missed, deadline: float) -> tuple[Contact, ...]:
        self.asked.append((call.caller, deadline))
        self.epochs.append(call.epoch)
        self.connections = call.connections
        is_known = self.knows and call.caller == CALLER and OLGA.connection_id in call.connections
        return (OLGA,) if is_known else ()


def desk_without_contacts(settings: Enterprise | None = None) -> tuple[Desk, Filler]:
    desk, filler = Desk(settings or enterprise()), Filler()
    desk.database.facts[1, CALLER] = CallerFacts()
    desk.route.live = filler
    return desk, filler


async def test_a_caller_whom_the_mirror_lacks_is_routed_by_the_look_up() -> None:
    desk, filler = desk_without_contacts()
    decision = await desk.ask()
    assert (decision.name.startswith("Ольга"), decision.context) == (True, "mngr31_0001363_1")
    assert filler.asked == [(CALLER, desk.now + 0.3)]


async def test_an_enterprise_without_a_crm_to_ask_costs_its_calls_no_look_up() -> None:
    desk, filler = desk_without_contacts()
    filler.exists = False
    decision = await desk.ask()
    assert (decision.context, filler.asked) == (None, [])


async def test_a_look_up_is_told_the_epoch_that_the_facts_came_with() -> None:
    desk, filler = desk_without_contacts()
    await desk.ask()
    desk.database.cache_epoch = 7
    await desk.ask()
    assert filler.epochs == [0, 7]


async def test_a_live_primary_is_asked_though_a_lower_one_knows_the_caller() -> None:
    settings = enterprise()
    primary, lower, *_ = settings.connections
    desk, filler = desk_without_contacts(settings)
    desk.database.facts[1, CALLER] = CallerFacts(contacts=(Contact(lower.id, "Другая", "18", "153"),))
    decision = await desk.ask()
    assert (filler.connections, OLGA.connection_id) == (frozenset({primary.id}), primary.id)
    assert (decision.name.startswith("Ольга"), decision.context) == (True, "mngr31_0001363_1")


async def test_a_caller_whom_the_mirror_knows_is_not_looked_up() -> None:
    desk, filler = desk_without_contacts()
    desk.database.facts[1, CALLER] = base().facts
    await desk.ask()
    assert filler.asked == []


@pytest.mark.parametrize(
    "changed",
    [{"mode": Mode.OFF}, {"switched_off": True}, {"lines": {}}, {"connections": ()}],
    ids=["mode off", "switched off", "line unknown", "no connection"],
)
async def test_nobody_is_asked_for_an_answer_that_needs_nothing(changed: dict[str, object]) -> None:
    desk, filler = desk_without_contacts(enterprise(**changed))
    await desk.ask()
    assert filler.asked == []


async def test_a_hidden_caller_is_not_looked_up() -> None:
    desk, filler = desk_without_contacts()
    await desk.ask(QUESTION._replace(phone="anonymous"))
    assert filler.asked == []


async def test_without_the_database_nobody_is_looked_up() -> None:
    desk, filler = desk_without_contacts()
    await desk.ask(QUESTION._replace(phone=""))
    desk.database.down = True
    await desk.ask()
    assert filler.asked == []


async def test_a_look_up_that_finds_nobody_changes_nothing() -> None:
    desk, filler = desk_without_contacts()
    found = await desk.ask(QUESTION._replace(phone="80445550000"))
    assert len(filler.asked) == 1
    desk.route.live = None
    assert await desk.ask(QUESTION._replace(phone="80445550000")) == found


async def test_a_responsible_who_was_looked_up_too_long_ago_is_looked_up_again() -> None:
    desk, filler = desk_without_contacts()
    name_alone = Contact(1, "Ольга", is_name_alone=True)
    desk.database.facts[1, CALLER] = CallerFacts(contacts=(name_alone,))
    assert (await desk.ask()).context == "mngr31_0001363_1"
    assert 1 in filler.connections


async def test_whoever_is_not_found_again_keeps_his_name() -> None:
    desk, filler = desk_without_contacts()
    name_alone = Contact(2, "Ольга", is_name_alone=True)
    desk.database.facts[1, CALLER] = CallerFacts(contacts=(name_alone,))
    filler.knows = False
    assert (await desk.ask()).name.startswith("Ольга")
    assert 2 in filler.connections
