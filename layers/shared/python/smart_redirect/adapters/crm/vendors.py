"""Which module speaks to which vendor's CRM, all on one outbound client."""

import importlib
from collections.abc import Sequence

from smart_redirect.adapters.crm.addresses import read_networks
from smart_redirect.adapters.crm.outbound import Outbound
from smart_redirect.errors import CrmRefused
from smart_redirect.usecases.ports_crm import Access, Crm

# A vendor is imported when the first of its connections needs it. Each module has `make(http, access) -> Crm`.
VENDORS = ("retailcrm", "bitrix24", "amocrm", "moysklad", "uon", "generic")


class Vendors:
    """Makes the CRM of a connection; they share one client, and nothing else."""

    def __init__(self, private_networks: Sequence[str] = (), ca_file: str = "") -> None:
        self._http = Outbound(read_networks(private_networks), ca_file)

    def __call__(self, vendor: str, access: Access) -> Crm:
        """Return the CRM; CrmRefused when there is no such vendor, or when settings or credentials lack something."""
        if vendor not in VENDORS:
            raise CrmRefused(f"there is no adapter for {vendor}; there are {', '.join(VENDORS)}")
        crm: Crm = importlib.import_module(f"smart_redirect.adapters.crm.{vendor}").make(self._http, access)
        return crm

    def prepare(self) -> None:
        """Import every vendor's module."""
        for vendor in VENDORS:
            importlib.import_module(f"smart_redirect.adapters.crm.{vendor}")

    async def close(self) -> None:
        """Close the client's connections."""
        await self._http.close()
