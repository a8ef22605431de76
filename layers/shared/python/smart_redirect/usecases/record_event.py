"""Recording the events of one call: the call, who took part, and the caller's history, in one transaction."""

from collections.abc import Callable, Mapping, Sequence

from smart_redirect.domain.caller_history import CallTalk, ends_of, ends_outside, needs_other_calls
from smart_redirect.domain.enterprise import bare, is_own, numbers_of
from smart_redirect.domain.event import ReceivedEvent
from smart_redirect.domain.event_fields import CallType, StoredEvent, epoch_of, is_sensible, read_event
from smart_redirect.domain.facts import Talk
from smart_redirect.domain.history import Call, fold
from smart_redirect.errors import AddressRefused, BodyMalformed, TokenUnknown
from smart_redirect.usecases.ports import Normalise
from smart_redirect.usecases.ports_events import CallKey, CallRow, Ledger, OpenCall, Origin, OwnExtension

# Whether a token, given as its hash, counts from a source address at all.
Believes = Callable[[bytes, str], bool]
# A call has a handful; more is a fault that would make its row grow without end.
_MOST_EVENTS = 200


class RecordEvent:
    """Idempotent: a repetition changes nothing, and the order of arrival makes no difference."""

    def __init__(self, ledger: Ledger, normalise: Normalise, believes: Believes = lambda _hash, _address: True) -> None:
        self._ledger = ledger
        self._normalise = normalise
        self._believes = believes

    async def __call__(self, events: Sequence[ReceivedEvent]) -> None:
        """Record events that agree in token, address and UniqueId.

        RequestRefused (token, address, too many events) if that can never work, DatabaseUnavailable if it may later.
        """
        origin = await self._origin(events[0])
        async with self._ledger.open(_key_of(origin, events)) as open_call:
            known = _added(open_call.events, events)
            if known != open_call.events:
                await self._record(origin, open_call, known)

    async def _origin(self, event: ReceivedEvent) -> Origin:
        origin = await self._ledger.origin(event.token_hash, event.address)
        if origin is None or not self._believes(event.token_hash, event.address):
            raise TokenUnknown
        if origin.refused:
            raise AddressRefused
        return origin

    async def _record(self, origin: Origin, open_call: OpenCall, known: tuple[StoredEvent, ...]) -> None:
        call = fold((read_event(event, origin.zone) for event in known), open_call.started_at)
        caller = self._caller(origin, call)
        found = await open_call.find_extensions(_numbers_in(call, caller))
        lines = numbers_of(origin.lines.values(), origin.country)
        if caller is not None and is_own(call.phone, caller, lines, found.get):
            caller = None
        extensions = _as_first_seen(open_call, call, found)
        talks = tuple(
            Talk(answer.extension, whose.internal_id, whose.user_id, answer.at)
            for answer in call.answers
            for whose in [extensions[answer.extension]]
        )
        await open_call.save(CallRow(call, caller, talks, extensions, known))
        await _correct_histories(open_call, caller, _counted(origin, call, talks))

    def _caller(self, origin: Origin, call: Call) -> str | None:
        line = origin.lines.get(call.line_id)
        return self._normalise(call.phone, origin.country, line.area_code if line else "")


def _key_of(origin: Origin, events: Sequence[ReceivedEvent]) -> CallKey:
    """Name the call; a start that lies ahead of its first event, or too far back, needs a look at the stored row."""
    received_at = min(event.received_at for event in events)
    unique_id = events[0].unique_id
    epoch = epoch_of(unique_id)
    if epoch is None or not is_sensible(epoch, received_at):
        return CallKey(origin, unique_id, received_at, doubtful=True)
    return CallKey(origin, unique_id, epoch, doubtful=epoch > received_at)


def _added(stored: tuple[StoredEvent, ...], events: Sequence[ReceivedEvent]) -> tuple[StoredEvent, ...]:
    """Add what is new; of a repetition the earlier receipt is kept."""
    known = {event.digest: event for event in stored}
    for event in events:
        new = StoredEvent(event.kind, event.body, event.received_at)
        kept = known.get(new.digest)
        if kept is None or new.received_at < kept.received_at:
            known[new.digest] = new
    if len(known) > _MOST_EVENTS:
        raise BodyMalformed(f"more than {_MOST_EVENTS} events of one call")
    return tuple(known.values())


def _numbers_in(call: Call, caller: str | None) -> list[str]:
    named = [participant.extension for participant in call.participants]
    return [*named, *([bare(call.phone), bare(caller)] if caller else [])]


def _as_first_seen(open_call: OpenCall, call: Call, found: Mapping[str, OwnExtension]) -> dict[str, OwnExtension]:
    """Say whose each extension was: what the call's row already says stays, whoever has the extension today."""
    named = [participant.extension for participant in call.participants]
    return {name: open_call.extensions.get(name) or found.get(name) or OwnExtension() for name in named}


def _counted(origin: Origin, call: Call, talks: tuple[Talk, ...]) -> tuple[Talk, ...]:
    """Return the talks that feed the caller's history."""
    inbound = call.call_type is CallType.INBOUND
    outbound = call.call_type is CallType.OUTBOUND and origin.count_outgoing
    return tuple(talk for talk in talks if talk.internal_id is not None) if inbound or outbound else ()


async def _correct_histories(open_call: OpenCall, caller: str | None, counted: tuple[Talk, ...]) -> None:
    """Bring in this call's talks, and take out what it said before, under another number perhaps.

    The numbers are locked in their order, so that two calls never wait for each other.
    """
    talks = {caller: counted} if caller is not None and counted else {}
    if open_call.caller is not None and open_call.had_talks:
        talks.setdefault(open_call.caller, ())
    for phone in sorted(talks):
        await _correct_history(open_call, phone, talks[phone])


async def _correct_history(open_call: OpenCall, phone: str, talks: tuple[Talk, ...]) -> None:
    key = open_call.key
    ours = tuple(CallTalk(key, talk, place) for place, talk in enumerate(talks))
    stored = await open_call.history_of(phone)
    others = await open_call.other_talks(phone) if needs_other_calls(stored, key, ours) else ()
    history = ends_of((*ours, *others, *ends_outside(stored, key)))
    if history != stored:
        await open_call.save_history(phone, history)
