"""Takes a webhook of a CRM: who it is from is proved first, and then it only says whom to read again."""

import hmac

from smart_redirect.domain.crm_hooks import hinted
from smart_redirect.domain.token import token_hash
from smart_redirect.errors import NotFound
from smart_redirect.usecases.ports_mirror import Hook, Hooks


class TakeHint:
    """Admits a webhook by the secret in its address, and marks whom it names."""

    def __init__(self, hooks: Hooks, key: bytes) -> None:
        self._hooks = hooks
        self._key = key

    async def admit(self, name: str, secret: str) -> Hook:
        """Return the connection; NotFound without saying whether the name or the secret is wrong."""
        hook = await self._hooks.hook(name)
        given = token_hash(self._key, secret)
        if hook is None or not hmac.compare_digest(hook.secret_hash, given):
            raise NotFound("there is no such webhook")
        return hook

    async def __call__(self, hook: Hook, body: bytes) -> None:
        """Mark whom the body names and have the connection synced soon; one that names nobody does that too."""
        await self._hooks.hint(hook.key, hinted(hook.vendor, body))
