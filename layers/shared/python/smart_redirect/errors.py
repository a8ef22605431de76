"""The error tree.

SmartRedirectError
├── RequestRefused                 the request is not answered with a decision; web/errors.py maps it to a status
│   ├── TokenMissing               no token in header, Basic password or body
│   ├── TokenUnknown               the token belongs to no enterprise
│   ├── AddressRefused             the source address is not one of the host's
│   ├── TooManyRequests            the enterprise's rate, or failed attempts of one address
│   ├── MethodNotAllowed           another method than the route's
│   ├── BodyTooLarge               more bytes than the route takes
│   ├── BodyMalformed              not what the route's contract says; the text names the field
│   ├── NotFound                   the request names what is not there
│   └── Conflict                   the request does not fit what is there now; the text says why
├── Unavailable                    a dependency did not answer in time
│   ├── DatabaseUnavailable
│   ├── QueueUnavailable
│   ├── StoreUnavailable           where the texts of releases are kept
│   ├── SecretUnavailable
│   ├── FunctionUnavailable       another function of ours took no invocation, or failed
│   ├── NotOpened                 a function on Lambda still opens what its first call needs
│   └── CrmUnavailable             a CRM did not answer, or not in a way that can be used
│       ├── CrmRefused             it refuses our credentials or rights
│       ├── CrmLimited             it wants us to wait; `seconds` says how long
│       └── CrmMalformed           an answer that its documents do not allow
│           └── CrmTooLong         one of more bytes than we read; a shorter page may do
├── SettingInvalid                 a setting of the deployment cannot be used; the text names it
└── beside what raises them: MigrationError, EmbeddedPostgresError, NoSuchEnterpriseError, TokenError, LeaseLost,
    OutOfTime, FieldInvalid (domain/dialplan/fields.py), BuildFailed (local/build_process.py, an Unavailable)
"""


class SmartRedirectError(Exception):
    """Whatever Smart Redirect itself raises."""


class RequestRefused(SmartRedirectError):
    """The request gets no decision."""


class TokenMissing(RequestRefused):
    """No token in header, Basic password or body."""


class TokenUnknown(RequestRefused):
    """The token belongs to no enterprise."""


class AddressRefused(RequestRefused):
    """The source address is not one of the host's."""


class TooManyRequests(RequestRefused):
    """More requests than the enterprise may send, or too many failed attempts from one address."""


class MethodNotAllowed(RequestRefused):
    """Another method than the route's."""


class BodyTooLarge(RequestRefused):
    """The body has more bytes than the route takes."""


class BodyMalformed(RequestRefused):
    """The body is not what the route's contract says."""


class NotFound(RequestRefused):
    """The request names what is not there."""


class Conflict(RequestRefused):
    """The request does not fit what is there now."""


class Unavailable(SmartRedirectError):
    """A dependency did not answer in time."""


class DatabaseUnavailable(Unavailable):
    """The database did not answer within the time that was left."""


class QueueUnavailable(Unavailable):
    """The event queue or spool did not take a message."""


class StoreUnavailable(Unavailable):
    """The store of the releases did not take or give a text."""


class SecretUnavailable(Unavailable):
    """A secret could not be read."""


class FunctionUnavailable(Unavailable):
    """Another function of the deployment took no invocation, or failed in it."""


class NotOpened(Unavailable):
    """A function has not opened yet what it answers with."""


class CrmUnavailable(Unavailable):
    """A CRM did not answer, or not in a way that can be used. Never with a key, a token or a phone in the text."""


class CrmRefused(CrmUnavailable):
    """The CRM refuses our credentials or rights: a person has to put it right."""


class CrmLimited(CrmUnavailable):
    """The CRM wants us to wait."""

    def __init__(self, seconds: float, text: str = "") -> None:
        super().__init__(text or f"asks to wait {seconds:g} s")
        self.seconds = seconds


class CrmMalformed(CrmUnavailable):
    """An answer that the vendor's documents do not allow."""


class CrmTooLong(CrmMalformed):
    """An answer of more bytes than we read: a page of fewer rows may be short enough."""


class SettingInvalid(SmartRedirectError):
    """A setting of the deployment cannot be used."""
