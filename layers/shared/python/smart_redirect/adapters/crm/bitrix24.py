"""Bitrix24: contacts, companies and leads with their phones, and the users with their extensions.

Settings: `leads` (false leaves them out), `skip_absent` (a live look-up names no responsible whose workday is over),
`pages` (lists of 50 in one request of the walk, 1 to 50; fewer where rows are so long that 10 make more than 1 MB).
Credentials, with the scopes crm and user_brief, and telephony for skip_absent: either `webhook_url`
(https://portal/rest/1/code), or an application's `url` (https://portal), `client_id`, `client_secret`, `refresh_token`,
`access_token` (may be missing), `oauth_url` (only where the portal has an authorisation server of its own).
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from smart_redirect.adapters.crm.bitrix24_cursor import Place, Sweep, is_end, last_id, read_place, read_sweep
from smart_redirect.adapters.crm.bitrix24_errors import complain
from smart_redirect.adapters.crm.bitrix24_oauth import application
from smart_redirect.adapters.crm.bitrix24_people import (
    KINDS,
    USERS,
    Params,
    any_of,
    companies_of,
    listed,
    read_manager,
    read_person,
    selected,
    writings,
)
from smart_redirect.adapters.crm.bitrix24_rest import PAGE, Answers, Portal, command, pages
from smart_redirect.adapters.crm.bounds import MOST_MANAGERS, End
from smart_redirect.adapters.crm.json_values import Json
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.adapters.crm.phones import has_phone
from smart_redirect.adapters.crm.session import Session, base_url, credential
from smart_redirect.domain.crm import Found, Gone, Ids, Manager, Page, Person
from smart_redirect.domain.crm_mirror import kept_managers
from smart_redirect.domain.crm_name import read_formats
from smart_redirect.errors import CrmRefused, CrmUnavailable
from smart_redirect.usecases.ports_crm import Access, Crm

# An answer may have 1 MB. A row has about 0.55 kB, and 1.3 kB with names of 50 letters (6 bytes each, for they are
# escaped) and three phones; a user has up to 2 kB on portals that do not know `select` there, an id alone 15 bytes.
_PAGES, _USER_PAGES, _ID_PAGES = 10, 5, 40
_MOST_PAGES = 50
# Of a caller's contacts, so many get the name of their company with the same request.
_NAMED_COMPANIES = 3
_WEBHOOK = re.compile(r"(https://[^/?#@]+(?:/[^/?#@]+)*/rest/\d+/[A-Za-z0-9]+)(?:/(?:profile(?:\.json)?)?)?")
_ID = re.compile(r"(company|contact|lead):([0-9]{1,18})")
Rows = Mapping[str, Sequence[Json]]


def make(http: Outbound, access: Access) -> Crm:
    """Return the CRM of a connection."""
    given = {name: Json(access.settings.get(name)) for name in ("leads", "skip_absent", "pages")}
    kinds = KINDS if given["leads"].value in (None, "") or given["leads"].is_true else KINDS[:2]
    count = min(max(given["pages"].count or _PAGES, 1), _MOST_PAGES)
    return Bitrix24(_portal(http, access), _Extent(kinds, count, given["skip_absent"].is_true))


def _portal(http: Outbound, access: Access) -> Portal:
    if access.settings.get("client_id") and not access.settings.get("webhook_url"):
        session = Session(http, access, base_url(access.settings) + "/rest", complain=complain)
        return Portal(session, application(http, access))
    address = _WEBHOOK.fullmatch(credential(access.settings, "webhook_url"))
    if address is None:
        raise CrmRefused("the credential webhook_url must be a whole address such as https://portal/rest/1/code")
    return Portal(Session(http, access, address[1], complain=complain))


@dataclass(frozen=True, slots=True)
class _Extent:
    """What of a portal is mirrored, and how much of it at once."""

    kinds: Sequence[str]
    pages: int
    skips_absent: bool


class Bitrix24:
    """The Crm of one portal. External ids have the kind in them: 5 is a contact, a company and a lead."""

    people_at_once = 50

    def __init__(self, portal: Portal, extent: _Extent) -> None:
        self._portal = portal
        self._kinds = extent.kinds
        self._pages = extent.pages
        self._skips_absent = extent.skips_absent
        self._formats = read_formats(portal.session.access.settings)

    async def lookup(self, phone: str, seconds: float) -> Found:
        """Ask who has the phone, which is quick, and only then for their names and phones: two requests at most."""
        try:
            async with asyncio.timeout(seconds):
                return await self._lookup(phone, seconds)
        except TimeoutError:
            raise CrmUnavailable("no answer in time") from None

    async def _lookup(self, phone: str, seconds: float) -> Found:
        country = self._portal.session.access.country
        values = tuple(("values[]", each) for each in writings(phone, country))
        commands = {"same": command("crm.duplicate.findbycomm", (("type", "PHONE"), *values))}
        if self._skips_absent:
            commands["who"] = command("telephony.externalCall.searchCrmEntities", (("PHONE_NUMBER", phone),))
        answers = await self._portal.batch(commands, seconds=seconds)
        ids = {kind: [each.text for each in answers["same"][kind.upper()]] for kind in self._kinds}
        people = await self._owners(ids, seconds)
        assigned = [row["ASSIGNED_BY"] for row in answers["who"]]
        absent = {each["ID"].id for each in assigned if each["TIMEMAN_STATUS"].text == "CLOSED"}
        owners = (each for each in people if has_phone(each, phone, country))
        known = {each["ID"].text: each["USER_PHONE_INNER"].text for each in assigned if each["USER_PHONE_INNER"].text}
        return Found(
            tuple(replace(each, responsible_id=None) if each.responsible_id in absent else each for each in owners),
            tuple(known.items()),
        )

    async def _owners(self, ids: Mapping[str, Sequence[str]], seconds: float) -> list[Person]:
        """Read these, and the companies of the first contacts by reference.

        A reference that leads nowhere brings another company, or an error; titles are taken by id, so neither matters.
        """
        lists = {f"{kind}0": _by_id(kind, of) for kind, of in ids.items() if of}
        count = min(_NAMED_COMPANIES, len(ids["contact"]))
        ours = (f"$result[contact0][{number}][COMPANY_ID]" for number in range(count))
        companies = {f"of{number}": command("crm.company.get", (("ID", each),)) for number, each in enumerate(ours)}
        if not lists:
            return []
        answers = await self._portal.batch({**lists, **companies}, seconds=seconds, may_fail=companies)
        titles = {answers[name]["ID"].text: answers[name]["TITLE"].text for name in companies}
        found = {kind: answers.rows(f"{kind}0") for kind in ("contact", "company", "lead") if f"{kind}0" in lists}
        return self._read(found, titles)

    async def changes(self, cursor: str | None) -> Page:
        """Walk each kind by its ids; the increments are the same walk, through what was changed since the last began.

        In order of the ids nothing slips from one page to another while it is changed; it comes again with the next
        increments. A company that was changed has its contacts read again, for its name is theirs.
        """
        at = Place.of(self._kinds) if cursor is None else read_place(cursor, self._kinds)
        if at.companies:
            return await self._contacts_of(at)
        if not at.left:
            return at.page((), self._kinds)
        since = (("filter[>=DATE_MODIFY]", at.since),) if at.since else ()
        count, wanted = (1, tuple(at.left)) if at.is_fresh else (self._pages, tuple(at.left)[:1])
        answers = await self._walk({kind: listed(kind, *since) for kind in wanted}, at.left, count)
        rows = {kind: _chain(answers, kind, at.left[kind]) for kind in wanted}
        return at.passed(rows, answers.began).page(await self._people(rows), self._kinds)

    async def _contacts_of(self, at: Place) -> Page:
        some = at.companies[:PAGE]
        params = listed("contact", *any_of("COMPANY_ID", some))
        answers = await self._walk({"contact": params}, {"contact": at.contact}, self._pages)
        rows = _chain(answers, "contact", at.contact)
        people = await self._people({"contact": rows})
        if is_end(rows):
            return replace(at, companies=at.companies[PAGE:], contact=0).page(people, self._kinds)
        return replace(at, contact=last_id(rows)).page(people, self._kinds)

    async def ids(self, cursor: str | None) -> Ids:
        """Return the ids of one kind after another: Bitrix24 tells of deletions by webhooks only."""
        at = Sweep(self._kinds[0], 0) if cursor is None else read_sweep(cursor, self._kinds)
        params = (*selected(("ID",)), ("order[ID]", "ASC"))
        rows = _chain(await self._walk({at.kind: params}, {at.kind: at.after}, _ID_PAGES), at.kind, at.after)
        found = tuple(f"{at.kind}:{row['ID'].text}" for row in rows)
        following = at.passed(rows, self._kinds)
        return Ids(found, following.written if following else None)

    async def people(self, external_ids: tuple[str, ...]) -> tuple[Person | Gone, ...]:
        """Return these; whom the answer lacks is gone, and so is what is no id of a kind that is mirrored."""
        known: dict[str, Person] = {}
        step = self._pages * PAGE
        for start in range(0, len(external_ids), step):
            commands = self._by_kinds(external_ids[start : start + step])
            if not commands:
                continue
            answers = await self._portal.batch(commands)
            rows: dict[str, list[Json]] = {}
            for name in commands:
                rows.setdefault(name.partition(" ")[0], []).extend(answers.rows(name))
            known |= {each.external_id: each for each in await self._people(rows)}
        return tuple(known.get(each, Gone(each)) for each in external_ids)

    def _by_kinds(self, external_ids: Sequence[str]) -> dict[str, str]:
        """Return commands that read these: 50 of one kind each, because a list has no more on its page."""
        numbers: dict[str, list[str]] = {}
        for found in filter(None, map(_ID.fullmatch, external_ids)):
            if found[1] in self._kinds:
                numbers.setdefault(found[1], []).append(found[2])
        return {
            f"{kind} {start}": _by_id(kind, of[start : start + PAGE])
            for kind, of in numbers.items()
            for start in range(0, len(of), PAGE)
        }

    async def managers(self) -> tuple[Manager, ...]:
        """Return all users, those who were dismissed too."""
        found, after, more, end = list[Manager](), 0, True, End(MOST_MANAGERS)
        while more:
            commands = pages("user", "user.get", USERS, after, _USER_PAGES)
            answers = await self._portal.batch(commands, may_fail=tuple(commands)[1:])
            rows = _chain(answers, "user", after)
            end.count(len(rows))
            found += kept_managers(map(read_manager, rows))
            more, after = not is_end(rows), last_id(rows)
        return tuple(found)

    # --- rows

    async def _walk(self, lists: Mapping[str, Params], after: Mapping[str, int], count: int) -> Answers:
        chains = [pages(kind, f"crm.{kind}.list", params, after[kind], count) for kind, params in lists.items()]
        # What comes after the last page is asked for something senseless, and may well fail.
        tails = [name for chain in chains for name in tuple(chain)[1:]]
        return await self._portal.batch(
            {name: text for chain in chains for name, text in chain.items()}, may_fail=tails
        )

    async def _people(self, rows: Rows) -> list[Person]:
        """Return people, the contacts with the names of their companies: one more request if there are any."""
        titles = {row["ID"].text: row["TITLE"].text for row in rows.get("company", ())}
        wanted = [each for each in companies_of(rows.get("contact", ())) if each not in titles]
        chunks = [wanted[start : start + PAGE] for start in range(0, len(wanted), PAGE)]
        if chunks:
            params = (*selected(("ID", "TITLE")), ("order[ID]", "ASC"), ("start", "-1"))
            commands = {
                f"of{number}": command("crm.company.list", (*params, *any_of("ID", chunk)))
                for number, chunk in enumerate(chunks)
            }
            answers = await self._portal.batch(commands)
            titles |= {row["ID"].text: row["TITLE"].text for name in commands for row in answers.rows(name)}
        return self._read(rows, titles)

    def _read(self, rows: Rows, titles: Mapping[str, str]) -> list[Person]:
        return [
            read_person(kind, row, self._formats, titles) for kind, of in rows.items() for row in of if row["ID"].id
        ]


def _by_id(kind: str, ids: Sequence[str]) -> str:
    return command(f"crm.{kind}.list", (*listed(kind, *any_of("ID", ids)), ("start", "-1")))


def _chain(answers: Answers, name: str, after: int) -> list[Json]:
    return [row for page in answers.chained(name, after) for row in page]
