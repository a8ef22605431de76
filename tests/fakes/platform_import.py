"""Imports from the copy of a platform's database in platform.sql, and looks at what came of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from smart_redirect.adapters.platform.source import PlatformDatabase
from smart_redirect.adapters.postgres.import_settings import PostgresTarget
from smart_redirect.domain.platform.move import Order
from smart_redirect.domain.platform.report import Remark
from smart_redirect.usecases.import_platform import ImportPlatform, Outcome

SCHEMA = (Path(__file__).parent / "platform.sql").read_text(encoding="utf-8")
KEY = b"0123456789abcdef0123456789abcdef"
NOW = 1795417802.6 + 3600
_TABLES = (
    *(
        "enterprises",
        "call_tokens",
        "users",
        "user_internal_phones",
        "follow_me_steps",
        "dial_schemas",
        "lines",
        "shops",
    ),
    *("shop_lines", "crm_connections", "user_extensions", "departments", "department_members", "contacts", "calls"),
    *("call_participants", "caller_history", "settings_versions"),
)


class Silent:
    """A Watch that looks away."""

    def progress(self, table: str, done: int, total: int) -> None:
        pass

    def remark(self, remark: Remark) -> None:
        pass


@dataclass
class Desk:
    """The two databases of an import."""

    platform: Any
    ours: Any

    async def run(self, batch: int = 2, **given: object) -> Outcome:
        order = Order(**{"number": "0367", "key": KEY, "key_id": 1, "now": NOW, **given})
        target = PostgresTarget(self.ours, dry_run=order.dry_run)
        async with PlatformDatabase.reading(self.platform, batch) as platform:
            return await ImportPlatform(platform, target, order, Silent())()

    async def there(self, statement: str) -> None:
        await self.platform.execute(statement)

    async def here(self, query: str) -> list[tuple]:
        return [tuple(row) for row in await self.ours.fetch(query)]

    async def everything(self) -> dict[str, list[str]]:
        """Every row of ours and every sequence, to be compared."""
        found = {
            table: [row[0] for row in await self.ours.fetch(f"SELECT to_jsonb(t)::text FROM {table} t ORDER BY 1")]
            for table in _TABLES
        }
        rows = await self.ours.fetch("SELECT sequencename, last_value FROM pg_sequences ORDER BY 1")
        return found | {"sequences": [json.dumps(tuple(row)) for row in rows]}


def remarks(outcome: Outcome, table: str) -> list[tuple[str, str, str]]:
    return [(each.fate.value, each.id, each.reason) for each in outcome.report.remarks if each.table == table]


async def connect(url: str) -> asyncpg.Connection:
    return await asyncpg.connect(url)
