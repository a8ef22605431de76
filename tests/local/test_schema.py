"""infra/schema.sql is what the migrations lead to."""

from pathlib import Path

import pytest

from smart_redirect.local.binaries import candidates, major_version
from smart_redirect.local.schema import normalised, schema_of

INFRA = Path(__file__).parents[2] / "infra"
# Every major version of pg_dump words a schema in its own way.
MAJOR = 18


@pytest.mark.skipif(major_version(next(candidates())) != MAJOR, reason=f"schema.sql is in the words of {MAJOR}")
def test_the_committed_schema_is_what_the_migrations_lead_to():
    told = "run: python -m smart_redirect.local.schema"
    assert (INFRA / "schema.sql").read_text() == schema_of(INFRA / "migrations"), told


def test_what_differs_from_run_to_run_is_left_out():
    dump = (
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict aB3\n\n-- Dumped from database version 18.6\n\nSET a = 1;\n"
    )
    assert normalised(dump).splitlines()[1:] == ["", "SET a = 1;"]


def test_comments_inside_functions_stay():
    assert "-- why\n" in normalised("CREATE FUNCTION f() AS $$\n-- why\n$$;\n")
