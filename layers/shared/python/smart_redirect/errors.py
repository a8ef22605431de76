"""The error tree.

SmartRedirectError
├── RequestRefused                 the request is not answered with a decision; web/errors.py maps it to a status
│   ├── TokenMissing               no token in header, Basic password or body
│   ├── TokenUnknown               the token belongs to no enterprise
│   ├── AddressRefused             the source address is not one of the host's
│   ├── TooManyRequests            the enterprise's rate, or failed attempts of one address
│   ├── BodyTooLarge               more bytes than the route takes
│   └── BodyMalformed              not what the route's contract says; the text names the field
├── Unavailable                    a dependency did not answer in time
│   ├── DatabaseUnavailable
│   └── QueueUnavailable
├── SettingInvalid                 a setting of the deployment cannot be used; the text names it
└── beside what raises them: MigrationError, EmbeddedPostgresError, NoSuchEnterpriseError, TokenError,
    FieldInvalid (domain/dialplan/fields.py)
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


class BodyTooLarge(RequestRefused):
    """The body has more bytes than the route takes."""


class BodyMalformed(RequestRefused):
    """The body is not what the route's contract says."""


class Unavailable(SmartRedirectError):
    """A dependency did not answer in time."""


class DatabaseUnavailable(Unavailable):
    """The database did not answer within the time that was left."""


class QueueUnavailable(Unavailable):
    """The event queue or spool did not take a message."""


class SettingInvalid(SmartRedirectError):
    """A setting of the deployment cannot be used."""
