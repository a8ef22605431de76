"""docs/import.md names exactly the columns that an import reads, and exactly the command's options."""

import re
from pathlib import Path

import pytest

from smart_redirect.adapters.platform.tables import CALLS, CUSTOMERS, PARTICIPANTS, SETTINGS, Source
from smart_redirect.cli.main import main

PAGE = (Path(__file__).parents[1] / "docs" / "import.md").read_text(encoding="utf-8")
_ROW = re.compile(r"^\| `(\w+)` (\*\*required\*\* )?\|", re.MULTILINE)


def section(table: str) -> str:
    after = PAGE.split(f"\n### {table}\n")[1]
    return re.split(r"\n##|\nNot read|\n\| in `", after)[0]


@pytest.mark.parametrize("source", [*SETTINGS, CUSTOMERS, CALLS, PARTICIPANTS], ids=lambda source: source.table)
def test_the_page_has_a_row_for_each_column_that_is_read(source: Source) -> None:
    rows = _ROW.findall(section(source.table))
    assert {column for column, _ in rows} == set(source.columns)
    assert {column for column, required in rows if required} == set(source.required)
    assert len(rows) == len(source.columns)


def test_the_page_explains_every_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["import", "--help"])
    options = set(re.findall(r"--[a-z][a-z-]+", capsys.readouterr().out)) - {"--help"}
    assert options == set(re.findall(r"--[a-z][a-z-]+", PAGE.split("## Settings")[0]))
