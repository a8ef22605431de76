"""smart-redirect token: the call tokens of an enterprise; only their HMAC is stored, so a token is shown once."""

import argparse
import secrets

from smart_redirect.cli.deployment import Commands, Deployment, open_deployment
from smart_redirect.domain.token import clean_token, token_hash
from smart_redirect.errors import SmartRedirectError

_DELETE = """
    DELETE FROM call_tokens WHERE enterprise_id = $1 AND starts_with(encode(token_hash, 'hex'), $2) RETURNING true
"""


class TokenError(SmartRedirectError):
    """The token cannot be added or is not there."""


def add_commands(commands: Commands) -> None:
    """Add `token add`, `token list` and `token revoke`."""
    parser = commands.add_parser("token", help="add, list and revoke call tokens", description=__doc__)
    actions = parser.add_subparsers(title="actions", required=True, metavar="ACTION")
    add = actions.add_parser("add", help="let a host or all hosts of an enterprise ask with a token")
    add.add_argument("--token", help="take over this one, as hosts in the field have it (default: make one)")
    add.add_argument("--host", metavar="NAME", help="the token names this host (default: all hosts share it)")
    add.add_argument("--label", default="", help="what it is for, for `token list`")
    add.set_defaults(run=_add)
    listed = actions.add_parser("list", help="list an enterprise's tokens by the start of their HMAC")
    listed.set_defaults(run=_list)
    revoke = actions.add_parser("revoke", help="refuse a token from the next call on")
    revoke.add_argument("id", help="what `token list` shows, at least 8 characters")
    revoke.set_defaults(run=_revoke)
    for action in (add, listed, revoke):
        action.add_argument("--enterprise", metavar="NUMBER", required=True)


async def _add(given: argparse.Namespace) -> int:
    token = clean_token(given.token) if given.token else secrets.token_urlsafe(24)
    if not token or not token.isascii() or not token.isprintable():
        raise TokenError("a token must be printable ASCII: it travels in an HTTP header")
    async with open_deployment() as deployment:
        await _store(deployment, given, token)
    print(token)
    return 0


async def _store(deployment: Deployment, given: argparse.Namespace, token: str) -> None:
    enterprise_id = await deployment.enterprise_id(given.enterprise)
    host_id = await _host_id(deployment, enterprise_id, given.host)
    hashed = token_hash(deployment.settings.key_bytes, token)
    stored = await deployment.connection.fetchval(
        "INSERT INTO call_tokens (token_hash, key_id, enterprise_id, host_id, label) VALUES ($1, $2, $3, $4, $5)"
        " ON CONFLICT DO NOTHING RETURNING true",
        hashed,
        deployment.settings.key_id,
        enterprise_id,
        host_id,
        given.label,
    )
    if not stored:
        raise TokenError("this token is in use already")


async def _host_id(deployment: Deployment, enterprise_id: int, name: str | None) -> int | None:
    if name is None:
        return None
    query = "SELECT id FROM pbx_hosts WHERE enterprise_id = $1 AND name = $2"
    found = await deployment.connection.fetchval(query, enterprise_id, name)
    if found is None:
        raise TokenError(f"the enterprise has no host {name}")
    return int(found)


async def _list(given: argparse.Namespace) -> int:
    query = """
        SELECT encode(t.token_hash, 'hex') AS id, t.label, t.created_at, h.name AS host
        FROM call_tokens t LEFT JOIN pbx_hosts h ON h.id = t.host_id WHERE t.enterprise_id = $1 ORDER BY t.created_at
    """
    async with open_deployment() as deployment:
        rows = await deployment.connection.fetch(query, await deployment.enterprise_id(given.enterprise))
    for row in rows:
        print(f"{row['id'][:16]}  {row['created_at']:%Y-%m-%d}  {row['host'] or 'all hosts'}  {row['label']}")
    return 0


async def _revoke(given: argparse.Namespace) -> int:
    if len(given.id) < 8 or not all(digit in "0123456789abcdef" for digit in given.id):
        raise TokenError("give at least 8 characters of the id that `token list` shows")
    async with open_deployment() as deployment:
        enterprise_id = await deployment.enterprise_id(given.enterprise)
        gone = await deployment.connection.fetch(_DELETE, enterprise_id, given.id)
    if not gone:
        raise TokenError(f"enterprise {given.enterprise} has no token {given.id}")
    print("revoked; the next call with it is refused")
    return 0
