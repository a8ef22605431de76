"""Every section of the bench still runs: what is measured once a release would go unnoticed when it breaks."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.load.__main__ import SECTIONS

ELSEWHERE = {"dialplan_reload": "makes and boots a real Asterisk as root, which takes a minute"}
"""Sections that are not tried here, and why."""


@pytest.mark.parametrize("section", sorted(set(SECTIONS) - set(ELSEWHERE)))
def test_a_section_runs_and_prints_figures(section: str, memory_dir: Path) -> None:
    command = [sys.executable, "-m", "tests.load", "--tiny", section]
    environment = {**os.environ, "TMPDIR": str(memory_dir)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    title, _, figures = done.stdout.partition(f"## {section}\n")
    assert title
    assert any(each.isdigit() for each in figures)
