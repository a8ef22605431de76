"""The only table from exceptions to HTTP statuses."""

from smart_redirect.errors import (
    AddressRefused,
    BodyMalformed,
    BodyTooLarge,
    Conflict,
    MethodNotAllowed,
    NotFound,
    TokenMissing,
    TokenUnknown,
    TooManyRequests,
    Unavailable,
)

STATUS: dict[type[Exception], int] = {
    BodyMalformed: 400,
    TokenMissing: 401,
    TokenUnknown: 401,
    AddressRefused: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    TimeoutError: 408,
    Conflict: 409,
    BodyTooLarge: 413,
    TooManyRequests: 429,
    Unavailable: 503,
}


def status_of(error: Exception) -> int:
    """Return the status of an error: its own, or that of the nearest ancestor in the table, or 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)
