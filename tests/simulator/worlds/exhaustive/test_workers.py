"""The tests of searches with several processes, in a process of their own.

They fork hundreds of times. A fork of a process that has run all other tests takes a hundred times as long.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CASES = Path(__file__).with_name("workers_cases.py")


@pytest.mark.timeout(300)
def test_any_number_of_processes_finds_the_same() -> None:
    """All tests of that file pass; `python -m pytest` with its name runs them one by one."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout
