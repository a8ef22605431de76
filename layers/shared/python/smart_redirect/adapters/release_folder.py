"""Texts of releases in a folder: for one machine that wants them outside of its database."""

import asyncio
import contextlib
import os
import re
import secrets
from pathlib import Path

from smart_redirect.errors import StoreUnavailable

_HASH = re.compile(r"[0-9a-f]{64}")


class FolderContents:
    """The ReleaseStore in a folder, one file a text; a file is there whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, sha256: str, packed: bytes) -> None:
        """Keep a text; StoreUnavailable names what the disk says."""
        await asyncio.to_thread(self._put, sha256, packed)

    async def get(self, sha256: str) -> bytes | None:
        """Return a text, None if it is not there."""
        return await asyncio.to_thread(self._get, sha256)

    def _path(self, sha256: str) -> Path:
        if not _HASH.fullmatch(sha256):
            raise ValueError("not a SHA-256 in hex")
        return self._folder / f"{sha256}.conf.gz"

    def _put(self, sha256: str, packed: bytes) -> None:
        path = self._path(sha256)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            if path.exists():
                return
            self._folder.mkdir(parents=True, exist_ok=True)
            with draft.open("wb") as file:
                file.write(packed)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink()
            raise StoreUnavailable(f"the folder of the releases: {error.strerror}") from error

    def _get(self, sha256: str) -> bytes | None:
        try:
            return self._path(sha256).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreUnavailable(f"the folder of the releases: {error.strerror}") from error
