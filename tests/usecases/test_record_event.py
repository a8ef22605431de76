"""The call history on a real PostgreSQL: who answered, in every story that a PBX can tell, in any order."""

import asyncio
import itertools
import random

import asyncpg
import pytest

from smart_redirect.adapters.postgres.history import PostgresLedger
from smart_redirect.adapters.postgres.pool import open_pool
from smart_redirect.domain.phone import normalise
from smart_redirect.errors import AddressRefused, BodyMalformed, TokenUnknown
from smart_redirect.usecases.record_event import RecordEvent
from tests.fakes.pbx import PHONE, START, TOKEN, Pbx, add_token, dial, event, hangup, set_up, start, talk

LATER = f"{START + 1000}.40"
EARLIER = f"{START - 1000}.7"


@pytest.fixture
async def connection(database_url):
    connection = await asyncpg.connect(database_url)
    await set_up(connection)
    yield connection
    await connection.close()


@pytest.fixture
async def record(database_url, connection):
    pool = await open_pool(database_url, size=6)
    yield RecordEvent(PostgresLedger(pool), normalise)
    await pool.close()


@pytest.fixture
def pbx(record, connection) -> Pbx:
    return Pbx(record, connection)


# --- the stories of one call


async def test_one_colleague_answers(pbx):
    await pbx.report(start(), dial("150"), hangup(talk("150")))
    assert (await pbx.participants(), await pbx.ends()) == ({"150": "answered"}, ("150", "150"))


async def test_the_call_is_told_with_its_times_and_line(pbx):
    await pbx.report(start(), dial("150"), hangup(talk("150"), EndTime=str(START + 50)))
    call = await pbx.call()
    told = [call[name].timestamp() for name in ("started_at", "answered_at", "ended_at")]
    assert told == [START, START + 10, START + 50]
    assert (call["caller"], call["line_id"], call["status"]) == (PHONE, "0001363", "answered")


async def test_in_a_parallel_ring_the_one_who_talked_answered(pbx):
    await pbx.report(start(), dial("150,152,053"), hangup(talk("152")))
    assert await pbx.participants() == {"150": "no_answer", "152": "answered", "053": "no_answer"}
    assert await pbx.ends() == ("152", "152")


async def test_the_caller_hangs_up_while_it_rings(pbx):
    await pbx.report(start(), dial("150,152"), hangup(""))
    assert (await pbx.participants(), await pbx.ends()) == ({"150": "no_answer", "152": "no_answer"}, None)


async def test_the_caller_hears_a_greeting_only(pbx):
    await pbx.report(start(), hangup("", CallStatus="2"))
    assert ((await pbx.call())["status"], await pbx.ends()) == ("no_answer", None)


async def test_the_answer_comes_in_step_2(pbx):
    await pbx.report(
        start(), dial("150,151", Time=str(START)), dial("152", Time=str(START + 20)), hangup(talk("152", 30))
    )
    assert await pbx.participants() == {"150": "no_answer", "151": "no_answer", "152": "answered"}
    assert await pbx.ends() == ("152", "152")


async def test_the_answer_comes_in_the_fallback(pbx):
    steps = (dial("150", Context="mngr31_0001363_1"), dial("154", Context="a1b2c3d4", Time=str(START + 30)))
    await pbx.report(start(), *steps, hangup(talk("154", 40)))
    assert await pbx.ends() == ("154", "154")


async def test_a_mobile_through_a_local_leg_counts_for_its_owner(pbx):
    await pbx.report(start(), dial("150,80291234567"), hangup(talk("150")))
    assert await pbx.participants() == {"150": "answered", "80291234567": "no_answer"}
    assert await pbx.ends() == ("150", "150")


async def test_after_a_blind_transfer_the_first_and_the_last_talked(pbx):
    await pbx.report(start(), dial("150"), dial("152"), hangup(f"{talk('150')},{talk('152', 40)}"))
    assert await pbx.ends() == ("150", "152")


async def test_after_an_attended_transfer_back_the_first_is_the_last_too(pbx):
    await pbx.report(start(), dial("150"), hangup(",".join((talk("150"), talk("152", 40), talk("150", 70)))))
    assert (await pbx.ends(), len(await pbx.participants())) == (("150", "150"), 2)


async def test_a_host_of_today_names_the_one_who_answered(pbx):
    await pbx.report(start(), dial("SIP/150&SIP/152"), hangup(CallStatus="2", Extensions=["152"]))
    assert await pbx.ends() == ("152", "152")


async def test_a_list_that_was_rung_is_nobodys_answer(pbx):
    await pbx.report(start(), dial("150,152"), hangup(CallStatus="2", Extensions="150,152"))
    assert ((await pbx.call())["status"], await pbx.ends()) == ("answered", None)


# --- order and repetition


async def test_a_hangup_before_its_dial_changes_nothing(pbx):
    await pbx.report(hangup(talk("152")), dial("150,152"), start())
    assert await pbx.participants() == {"150": "no_answer", "152": "answered"}
    assert await pbx.ends() == ("152", "152")


async def test_a_hangup_twice_is_one(pbx):
    await pbx.report(start(), dial("150"), hangup(talk("150")))
    before = await pbx.everything()
    await pbx.report(hangup(talk("150"), at=START + 9000))
    assert (await pbx.everything(), await pbx.count_events()) == (before, 3)


async def test_every_order_of_the_same_events_tells_the_same(pbx, connection):
    told = [start(), dial("150"), dial("152", Time=str(START + 20)), hangup(f"{talk('150')},{talk('152', 30)}")]
    results = []
    for order in itertools.permutations(told):
        await connection.execute("TRUNCATE calls, call_participants, caller_history")
        await pbx.report(*order, *order)
        results.append(await pbx.everything())
    assert all(result == results[0] for result in results)


async def test_two_hangups_that_know_different_talks_are_both_heard(pbx):
    await pbx.report(hangup(talk("152", 40)), hangup(talk("150", 10)))
    assert await pbx.ends() == ("150", "152")


# --- several calls of one caller


async def test_first_and_last_are_those_of_the_first_and_the_last_call(pbx):
    await pbx.report(hangup(talk("150")), hangup(talk("152", begun=START + 1000), call=LATER))
    assert await pbx.ends() == ("150", "152")


async def test_a_call_that_is_reported_late_keeps_its_place(pbx):
    await pbx.report(hangup(talk("150")), hangup(talk("152", begun=START + 1000), call=LATER))
    await pbx.report(hangup(talk("154", begun=START - 1000), call=EARLIER, at=START + 5000))
    assert await pbx.ends() == ("154", "152")


async def test_a_correction_takes_a_call_out_of_the_history(pbx):
    await pbx.report(hangup(talk("150", begun=START - 1000), call=EARLIER), hangup(CallStatus="2", Extensions="152"))
    assert await pbx.ends() == ("150", "152")
    await pbx.report(hangup(""))
    assert await pbx.ends() == ("150", "150")


async def test_a_correction_takes_the_only_call_out(pbx):
    await pbx.report(hangup(CallStatus="2", Extensions="152"), hangup(""))
    assert await pbx.ends() is None


async def test_a_correction_leaves_what_is_known_from_calls_that_are_gone(pbx, connection):
    await pbx.report(hangup(talk("150", begun=START - 1000), call=EARLIER))
    await connection.execute("TRUNCATE calls, call_participants")
    await pbx.report(hangup(CallStatus="2", Extensions="152"), hangup(""))
    assert await pbx.ends() == ("150", "150")


async def test_a_start_that_comes_last_moves_the_call_to_its_caller(pbx):
    await pbx.report(hangup(talk("150"), Phone="80297777777"), start())
    assert (await pbx.ends(), await pbx.ends("+375297777777")) == (("150", "150"), None)


async def test_any_order_at_once_on_many_connections_tells_what_happened(pbx, record, connection):
    told = [each for number in range(12) for each in story(number)]
    await pbx.report(*told)
    expected = await pbx.everything()
    await connection.execute("TRUNCATE calls, call_participants, caller_history")
    shuffled = told * 2
    random.Random(7).shuffle(shuffled)
    await asyncio.gather(*(record([each]) for each in shuffled))
    assert await pbx.everything() == expected


def story(number: int):
    """One of twelve calls of three callers, some corrected by a second hangup."""
    begun = START + 100 * number
    common = {"call": f"{begun}.{number}", "Phone": f"8029111223{number % 3}", "at": float(begun + 60)}
    said = hangup(CallStatus="2", Extensions="152", **common)
    talked = hangup("" if number % 4 == 0 else talk("150", 10 + number, begun), **common)
    return [start(**common), dial("150,152", **common), said, talked]


async def test_one_call_reported_at_once_on_many_connections_is_one_call(pbx, record):
    told = [start(), dial("150"), dial("152"), hangup(talk("152"))] * 5
    await asyncio.gather(*(record([each]) for each in told))
    assert (await pbx.ends(), len(await pbx.participants())) == (("152", "152"), 2)


async def test_events_of_one_call_on_many_connections_lose_nothing(pbx, record):
    await pbx.report(start())
    await asyncio.gather(*(record([dial(str(number))]) for number in range(200, 260)))
    assert (len(await pbx.participants()), await pbx.count_events()) == (60, 61)


async def test_calls_of_one_new_caller_on_many_connections_find_their_order(pbx, record, connection):
    for _ in range(5):
        begun = {START + number: "150" if number == 1 else "152" if number == 30 else "154" for number in range(1, 31)}
        calls = [hangup(talk(who, 9, at), call=f"{at}.1") for at, who in begun.items()]
        await asyncio.gather(*(record([each]) for each in random.Random(1).sample(calls, 30)))
        assert await pbx.ends() == ("150", "152")
        await connection.execute("TRUNCATE calls, call_participants, caller_history")


# --- whose calls count


@pytest.mark.parametrize(
    "phone", ["", "anonymous", "Иван", "150", "00150", "7777", "0001363", "3881848", "+375296001363", "80296001363"]
)
async def test_a_caller_without_identity_has_no_history(pbx, connection, phone):
    await pbx.report(hangup(talk("150"), Phone=phone))
    assert await connection.fetchval("SELECT count(*) FROM caller_history") == 0
    assert (await pbx.call())["caller"] is None


async def test_a_city_number_is_completed_by_the_lines_code(pbx):
    await pbx.report(hangup(talk("150"), Phone="2223344"))
    assert await pbx.ends("+375172223344") == ("150", "150")


@pytest.mark.parametrize(
    ("call_type", "counts_outgoing", "counted"), [("1", False, False), ("1", True, True), ("2", True, False)]
)
async def test_which_ways_of_calling_count(pbx, connection, call_type, counts_outgoing, counted):
    await connection.execute("UPDATE enterprises SET count_outgoing = $1", counts_outgoing)
    await pbx.report(hangup(talk("150"), CallType=call_type))
    assert (await pbx.ends() is not None) is counted


async def test_a_stranger_who_talked_is_recorded_but_not_counted(pbx, connection):
    await pbx.report(hangup(f"{talk('80291234567')},{talk('152', 20)}"))
    assert (await pbx.participants(), await pbx.ends()) == (
        {"80291234567": "answered", "152": "answered"},
        ("152", "152"),
    )
    assert (
        await connection.fetchval("SELECT internal_id FROM call_participants WHERE extension = '80291234567'") is None
    )


@pytest.mark.parametrize(
    ("written", "internal_id"), [("053", 37), ("53", 37), ("0053", 37), ("150", 31), ("0150", 31), ("190", None)]
)
async def test_an_extension_is_found_exactly_or_without_zeros(pbx, connection, written, internal_id):
    await pbx.report(hangup(talk(written)))
    assert await connection.fetchval("SELECT internal_id FROM call_participants") == internal_id


async def test_an_ambiguous_extension_is_nobodys(pbx, connection):
    await connection.execute("INSERT INTO user_internal_phones (enterprise_id, number) VALUES (1, '0150')")
    await pbx.report(hangup(f"{talk('00150')},{talk('0150', 20)}"))
    assert await pbx.ends() == ("0150", "0150")


async def test_an_extension_that_changed_hands_stays_whose_it_was(pbx, connection):
    await pbx.report(dial("150"), hangup(talk("150")))
    await connection.execute("UPDATE user_internal_phones SET user_id = 27 WHERE enterprise_id = 1 AND number = '150'")
    await pbx.report(dial("150", Time="1"), start(), hangup(f"{talk('150')},{talk('152', 40)}"))
    assert await connection.fetchval("SELECT user_id FROM call_participants WHERE extension = '150'") == 25
    assert await connection.fetchval("SELECT first_user_id FROM caller_history") == 25


async def test_another_enterprise_sees_nothing_of_it(pbx, connection):
    await pbx.report(hangup(talk("150"), token="token-0400"), hangup(talk("190"), token="token-0400", call=LATER))
    rows = await connection.fetch("SELECT enterprise_id, first_extension FROM caller_history")
    assert [tuple(row) for row in rows] == [(2, "190")]


@pytest.mark.parametrize("written", ["8029 600-13-63", "80296001363", "375296001363", "+375296001363", "296001363"])
async def test_a_call_from_one_of_our_own_lines_has_no_history_however_its_number_is_written(pbx, connection, written):
    await connection.execute("UPDATE lines SET phone_number = $1 WHERE line_id = '0001363'", written)
    for number, phone in enumerate(("+375296001363", "80296001363")):
        call = f"{START}.{number}"
        await pbx.report(start(call=call, Phone=phone), hangup(talk("150"), call=call, Phone=phone))
    assert await connection.fetchval("SELECT count(*) FROM caller_history") == 0


# --- which host


async def test_two_hosts_may_use_the_same_unique_id(pbx, connection):
    await connection.execute("INSERT INTO pbx_hosts (enterprise_id, name) VALUES (1, 'brest')")
    for host, token in ((1, "minsk"), (2, "brest")):
        await add_token(connection, token, 1, host)
    await pbx.report(hangup(talk("150"), token="minsk"), hangup(talk("152", 20), token="brest"))
    assert [(await pbx.call(host=host))["talks"][:6] for host in (1, 2)] == ['[["150', '[["152']
    assert await pbx.ends() == ("150", "152")


LISTS = "UPDATE pbx_hosts SET allowed_addresses = '{10.1.0.0/16,10.3.0.0/16}'"
BREST = (
    "INSERT INTO pbx_hosts (enterprise_id, name, allowed_addresses) VALUES (1, 'brest', '{10.2.0.0/16,10.3.0.0/16}')"
)


@pytest.mark.parametrize(
    ("address", "host"),
    [("10.1.0.5", 1), ("::ffff:10.1.0.5", 1), ("10.2.0.5", 2), ("10.3.0.5", 0), ("10.9.0.5", 0), ("", 0)],
)
async def test_the_address_tells_the_host_when_the_token_does_not(pbx, connection, address, host):
    for statement in (LISTS, BREST, "INSERT INTO pbx_hosts (enterprise_id, name) VALUES (1, 'anywhere')"):
        await connection.execute(statement)
    await pbx.report(start(address=address))
    assert (await pbx.call(host=host))["host_id"] == host


@pytest.mark.parametrize(("token", "address"), [(TOKEN, "10.9.0.5"), (TOKEN, ""), ("brest", "10.1.0.5")])
async def test_an_address_that_no_host_has_is_refused(pbx, connection, token, address):
    for statement in (LISTS, BREST):
        await connection.execute(statement)
    await add_token(connection, "brest", 1, 2)
    with pytest.raises(AddressRefused):
        await pbx.report(start(token=token, address=address))


async def test_a_token_may_count_from_some_addresses_only(connection, database_url):
    pool = await open_pool(database_url)
    record = RecordEvent(PostgresLedger(pool), normalise, believes=lambda _, address: address == "127.0.0.1")
    await record([start(address="127.0.0.1")])
    with pytest.raises(TokenUnknown):
        await record([start(address="10.0.0.1")])
    await pool.close()


async def test_an_enterprise_without_hosts_has_host_0(pbx):
    await pbx.report(start(token="token-0400"))
    assert (await pbx.call(host=0))["enterprise_id"] == 2


# --- odd events


async def test_an_unknown_token_is_told(pbx):
    with pytest.raises(TokenUnknown):
        await pbx.report(start(token="stranger"))


@pytest.mark.parametrize("unique_id", ["no-epoch", "1.5", "9999999999.1", f"{START + 90000}.3", "999999999999.9"])
async def test_a_nonsense_epoch_is_replaced_once_and_for_all(pbx, unique_id):
    late = [start(call=unique_id, at=START + 500.5), hangup(talk("150"), call=unique_id, at=START + 80000)]
    await pbx.report(dial("150", call=unique_id), *late)
    assert (await pbx.call(unique_id))["started_at"].timestamp() == START + 60
    assert await pbx.ends() == ("150", "150")


async def test_a_nonsense_epoch_is_replaced_once_on_many_connections(pbx, record):
    told = [dial("150", call="odd", at=START + after, Time=str(START + after)) for after in range(8)]
    await asyncio.gather(*(record([each]) for each in told))
    assert await pbx.count_events("odd") == 8


async def test_a_host_clock_that_was_ahead_leaves_one_call(pbx):
    ahead = f"{START + 3600}.1"
    await pbx.report(start(call=ahead), hangup("", call=ahead, at=START + 7200))
    assert (await pbx.call(ahead))["started_at"].timestamp() == START + 3600


async def test_a_nonsense_answer_time_is_that_of_the_arrival(pbx, connection):
    await pbx.report(hangup("150@17"), hangup("150@17", at=START + 4000))
    at = await connection.fetchval("SELECT first_answered_at FROM caller_history")
    assert at.timestamp() == START + 60


async def test_a_flood_of_events_of_one_call_has_an_end(pbx, record):
    with pytest.raises(BodyMalformed):
        await record([dial("150", Time=str(number)) for number in range(201)])


async def test_the_events_are_kept_as_they_were_reported(pbx, connection):
    await pbx.report(event("start", Token="token-0367", Extra="ё"))
    kept = await connection.fetchval("SELECT events ->> 0 FROM calls")
    assert ("token-0367" in kept, "Extra" in kept, '"received_at"' in kept) == (False, True, True)
