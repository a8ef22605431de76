"""The pages agree with the code."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from smart_redirect.settings import Settings, variable

ROOT = Path(__file__).parents[1]
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_operations_lists_every_setting_with_its_default() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", page, re.MULTILINE))
    assert rows == {variable(field.name): str(field.default) for field in fields(Settings)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_metric_that_the_page_names_is_exported() -> None:
    page = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "layers").rglob("local/*.py"))
    named = {name.removesuffix("_total") for name in re.findall(r"`(smart_redirect_[a-z_]+)", page)}
    assert {name for name in named if f'"{name}"' not in source} == set()
