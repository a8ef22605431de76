"""What the contract test of the adapters needs of each fake: customers who come and go, and trouble in the vendor's way."""

from dataclasses import dataclass
from typing import Protocol

from tests.fakes.crm.server import FakeCrm, Misdeed


@dataclass(frozen=True)
class Customer:
    """A customer as the tests want him; phones as people type them."""

    last: str
    first: str
    phones: tuple[str, ...]
    manager: str | None = None
    company: str = ""


class Vendor(Protocol):
    """One vendor: its fake, and the connection's settings and secrets to reach it."""

    name: str
    """The module in adapters/crm."""
    fake: FakeCrm
    secrets: tuple[str, ...]
    """Texts that no error and no log may show."""
    feeds_deletions: bool
    """Whether `changes` tells of deletions; else `ids` has to."""
    sweeps: bool
    """Whether `ids` tells who is there."""
    tells_extensions: bool
    """Whether `managers` tells them."""
    merges: bool
    """Whether customers can be merged."""
    tells_merges: bool
    """Whether `changes` tells of it; else `ids` has to."""
    searches_text: bool
    """Whether a look-up compares phones as they are written."""
    limited: Misdeed
    """The answer over the limit, asking for 7 seconds where the vendor can ask."""
    limited_for: float
    """The seconds that it means."""

    def settings(self, port: int) -> dict[str, object]:
        """Return settings and credentials of the connection, for a host of example.test on this port."""

    def revoke(self) -> None:
        """Make the credentials void."""

    def add(self, customer: Customer) -> str:
        """Add a customer; return the id that the adapter gives him."""

    def edit(self, external_id: str, customer: Customer) -> None:
        """Replace all that a customer has."""

    def delete(self, external_id: str) -> None:
        """Delete a customer."""

    def merge(self, external_id: str, into: str) -> None:
        """Merge a customer into another, who gets his phones."""

    def add_manager(self, manager_id: str, last: str, first: str, extension: str | None) -> None:
        """Add a user of the CRM."""

    def retire(self, manager_id: str) -> None:
        """Have a user leave."""
