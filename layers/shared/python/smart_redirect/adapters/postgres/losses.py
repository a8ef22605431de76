"""The errors by which a connection to PostgreSQL is lost: not the fault of a query, and worth another try."""

import asyncpg

type_of_loss = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)


def lost() -> BaseException:
    """Return the loss that asyncpg tells by an AttributeError: of a connection between a statement and its run."""
    error: BaseException = asyncpg.ConnectionDoesNotExistError("lost while it was used")
    return error
