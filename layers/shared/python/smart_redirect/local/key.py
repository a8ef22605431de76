"""The deployment's key on one machine: made at the first start, kept beside the data, readable by its owner only."""

import os
import secrets
from pathlib import Path


def read_or_make_key(folder: Path) -> str:
    """Return the key in `folder`/key; 64 hexadecimal digits."""
    path = folder / "key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()
