"""The same seed gives the same run, byte for byte, in any process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.trace.recorder import TraceRecorder

HOUSE = Path(__file__).parents[4]
PROGRAM = """
from hashlib import sha256
from simulator.trace.format import header_for
from simulator.trace.recorder import TraceRecorder
from simulator.trace.writer import trace_lines
from simulator.tools.explore.trial import run_trial
from simulator.tools.explore.swarm import PROFILES, draw_schedule

for profile, seed in (("swarm", 7), ("chaos", 8), ("crashes", 9), ("rivals", 10)):
    plan = draw_schedule(seed, profile)
    recorder = TraceRecorder()
    outcome = run_trial(plan, observers=[recorder])
    digest = sha256()
    for line in trace_lines(header_for(plan.settings, "virtual"), recorder.events()):
        digest.update(line.encode())
    print(profile, seed, len(recorder), digest.hexdigest(), outcome.digest)
"""


def run_in_fresh_interpreter(hash_seed: str) -> str:
    """What the program prints when strings hash by this seed."""
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=HOUSE, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_trace_is_the_same_whatever_the_hash_seed() -> None:
    """Four hostile runs, each event of each, in two interpreters whose sets and dicts of strings are ordered apart."""
    one, other = run_in_fresh_interpreter("1"), run_in_fresh_interpreter("4242")

    assert one == other
    assert one.count("\n") == 4


def test_the_same_seed_twice_and_another_seed_once() -> None:
    """Digests tell runs apart."""
    first, again, other = (run_trial(draw_schedule(seed)).digest for seed in (3, 3, 4))

    assert first == again
    assert first != other


def test_watching_changes_nothing() -> None:
    """A run that is recorded is the run that is not."""
    schedule = draw_schedule(5, "chaos")

    assert run_trial(schedule).digest == run_trial(schedule, observers=[TraceRecorder()]).digest
