"""Where the files of a checkout are; Lambda has none of them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[5]
MIGRATIONS = ROOT / "infra" / "migrations"
DEMO = ROOT / "infra" / "demo"


def within_checkout(folder: str) -> Path:
    """Return a folder of the settings; a relative one lies in the checkout, wherever the command was started."""
    return ROOT / folder
