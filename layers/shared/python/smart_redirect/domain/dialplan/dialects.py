"""How the Asterisks in service differ: Macro and chan_sip until 20, Gosub and PJSIP only from 21 on."""

from dataclasses import dataclass
from enum import StrEnum


class Dialect(StrEnum):
    """Which Asterisk a dialplan is written for."""

    ASTERISK_16 = "asterisk16"
    ASTERISK_22 = "asterisk22"


class Shape(StrEnum):
    """How a context of the pool is written: all its steps in itself, or two priorities that call a shared one."""

    CLASSIC = "classic"
    COMPACT = "compact"


@dataclass(frozen=True, slots=True)
class Syntax:
    """The words of one dialect."""

    phone: str
    on_answer: str
    uses_macro: bool

    def routine(self, name: str, *arguments: str) -> str:
        """Call a routine of extensions_custom.conf."""
        given = ",".join(arguments)
        if self.uses_macro:
            return f"Macro({name},{given})" if given else f"Macro({name})"
        return f"Gosub({name},s,1({given}))" if given else f"Gosub({name},s,1)"

    def context_of(self, routine: str) -> str:
        """Return the context in which a file must define this routine."""
        return f"macro-{routine}" if self.uses_macro else routine


SYNTAX = {
    Dialect.ASTERISK_16: Syntax(phone="SIP", on_answer="M(incall_answer)", uses_macro=True),
    Dialect.ASTERISK_22: Syntax(phone="PJSIP", on_answer="U(incall_answer)", uses_macro=False),
}
