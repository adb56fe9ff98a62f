"""The trace of a run whose program was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.checks.trace_check import check_trace
from simulator.trace.events import BlocksApplied, MessageSent
from simulator.trace.format import Cut, History
from simulator.trace.reader import read_trace
from simulator.worlds.processes.trace_keeper import KILLED

STORY = """# Killed in the middle.
wait leader
post ann First x
post ann Second y
sleep 2s
post ann Third z
sleep 60s
"""


@pytest.mark.parametrize("name", ["run.trace", "run.trace.gz"])
def test_a_killed_run_leaves_its_trace(name: str, tmp_path: Path) -> None:
    """All but the last second is there: both early posts, their answers and their blocks; and it judges well."""
    (tmp_path / "run.paxsim").write_text(STORY, encoding="utf-8")
    out = tmp_path / name
    words = [sys.executable, "-m", "simulator", "run", str(tmp_path / "run.paxsim"), "--trace", str(out)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("> sleep 60s"):
                break
        os.kill(process.pid, signal.SIGKILL)
        last_words = process.stderr.read()  # It ends when the process that writes the trace does.

    lines = list(read_trace(out).lines())
    assert KILLED in last_words
    assert isinstance(lines[-1], Cut)
    assert lines[-1].why == KILLED
    answers = [line.entry for line in lines if isinstance(line, History) and line.entry.type == "ok"]
    assert len(answers) >= 2
    assert any(isinstance(line, BlocksApplied) for line in lines)
    assert sum(isinstance(line, MessageSent) for line in lines) > 50
    assert not check_trace(out).violations
    assert check_files([str(out)])[0]["verdict"] == "ok"


def test_a_run_that_ends_writes_its_trace_itself(tmp_path: Path) -> None:
    """Then the trace has no cut, and nobody else writes it."""
    (tmp_path / "run.paxsim").write_text("# Short.\nwait leader\npost ann First x\n", encoding="utf-8")
    out = tmp_path / "run.trace"
    words = [sys.executable, "-m", "simulator", "run", str(tmp_path / "run.paxsim"), "--trace", str(out)]

    done = subprocess.run(words, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert KILLED not in done.stderr
    assert not any(isinstance(line, Cut) for line in read_trace(out).lines())
