"""The file of the event spool: opened so that what is committed is on disk; a broken one is moved aside and kept."""

import contextlib
import logging
import os
import sqlite3
import time
from pathlib import Path

logger = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS events (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at REAL NOT NULL,
    message TEXT NOT NULL
)
"""
_BROKEN = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_SIDE_FILES = ("-wal", "-shm")


def open_spool_file(path: Path, broken: Exception | None = None) -> sqlite3.Connection:
    """Open the file, made if there is none; a broken one gets another name, and a new one is begun in its place.

    `broken` is what was said of it while it was used, if it was. Raises sqlite3.Error or OSError when the file cannot
    be opened now: a full disk, a folder that may not be written to.
    """
    if broken is not None and path.exists():
        _move_aside(path, broken)
    try:
        return _open(path)
    except sqlite3.DatabaseError as error:
        if not is_broken(error):
            raise
        _move_aside(path, error)
        return _open(path)


def is_broken(error: BaseException) -> bool:
    """Tell whether an error says that the file is no database any more, or never was."""
    return isinstance(error, sqlite3.DatabaseError) and getattr(error, "sqlite_errorcode", 0) & 0xFF in _BROKEN


def count(database: sqlite3.Connection) -> int:
    """Return how many events wait."""
    return int(database.execute("SELECT count(*) FROM events").fetchone()[0])


def _open(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Made before SQLite does, with the mode that its side files then take too: callers' numbers are inside.
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    database = sqlite3.connect(path, isolation_level=None, timeout=5.0)
    try:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("PRAGMA journal_size_limit = 16777216")
        database.execute(_SCHEMA)
        # Walks the whole table: a page that cannot be read shows now, and not when a caller's event is written.
        count(database)
    except BaseException:
        database.close()
        raise
    return database


def _move_aside(path: Path, error: Exception) -> None:
    """Rename the file with its side files, in such a way that SQLite's own tools still find them together."""
    kept = path.with_name(f"{path.name}.broken-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}")
    path.rename(kept)
    for side in _SIDE_FILES:
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + side).rename(kept.with_name(kept.name + side))
    logger.error("the event spool is broken (%s): it is kept as %s, and a new one is begun", error, kept)
