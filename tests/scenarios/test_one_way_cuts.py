"""A way to the leader that exists is found, though links are cut one way (rule 7)."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from simulator.scenario.session.run_scenarios import run_files
from simulator.settings import Settings

FIVE_LEADS = """\
set nodes 5
faillink 1 2
faillink 1 3
faillink 1 4
faillink 2 3
faillink 2 4
faillink 3 4
expect leader 5 within 20s
heal
sleep 1s
expect leader 5
"""
"""Nobody else reaches a majority; once all is whole, nobody unseats it."""

DEAD_END = f"""\
# Node 1 reaches node 2 alone. Node 2 hears the leader and is not heard by it; the way from 2 through 3 is whole.
{FIVE_LEADS}faillink 1 3
faillink 1 4
faillink 1 5
faillink 2 5 --one-way
sleep 3s
@2 post ann mine hello
expect last ok within 2s
@1 post ann X hello
expect last ok within 2s
@1 view --linearizable
expect last ok within 2s
expect check ok
"""

ANOTHER_WAY_BACK = f"""\
# Node 1 hears the leader and reaches it through node 2 alone, and node 2 does not reach node 1.
{FIVE_LEADS}faillink 1 3
faillink 1 4
faillink 1 5 --one-way
faillink 2 1 --one-way
sleep 3s
@1 post ann X hello
expect last ok within 2s
@1 view --linearizable
expect last ok within 2s
expect check ok
"""

RING = f"""\
# Node 1 reaches node 2 alone, which reaches the leader alone. Node 1 hears node 3 alone, and node 2 hears node 1 alone.
{FIVE_LEADS}faillink 2 1 --one-way
faillink 1 3 --one-way
faillink 1 4
faillink 1 5
faillink 2 3
faillink 2 4
faillink 5 2 --one-way
sleep 3s
@1 post ann X hello
expect last ok within 2s
@1 view --linearizable
expect last ok within 2s
@2 post ann Y hello
expect last ok within 2s
@2 view --linearizable
expect last ok within 2s
expect leader 5
expect chains equal within 2s
expect check ok
"""

HEARD_BY_ONE_AND_HEARS_ANOTHER = f"""\
# Node 1 reaches only the leader, and hears only node 2, which does not lead.
{FIVE_LEADS}faillink 1 2 --one-way
faillink 1 3
faillink 1 4
faillink 5 1 --one-way
sleep 3s
@1 post ann X hello
expect last ok within 2s
@1 view --linearizable
expect last ok within 2s
expect leader 5
expect chains equal within 2s
expect check ok
"""
CASES = {
    "dead-end": DEAD_END,
    "another-way-back": ANOTHER_WAY_BACK,
    "ring": RING,
    "heard-by-one-and-hears-another": HEARD_BY_ONE_AND_HEARS_ANOTHER,
}
SHAPES = pytest.mark.parametrize("text", CASES.values(), ids=CASES.keys())


def run(text: str, world: str, folder: Path) -> str:
    """Run a scenario; returns what failed, or an empty text."""
    path = folder / "cuts.paxsim"
    path.write_text(text, encoding="utf-8")
    out, err = io.StringIO(), io.StringIO()
    status = run_files([str(path)], settings=Settings(data="", seed=1), stdout=out, stderr=err, world=world)
    return "" if status == 0 else out.getvalue() + err.getvalue()


@SHAPES
def test_requests_are_answered_within_a_few_election_timeouts(text: str, tmp_path: Path) -> None:
    """A write and a linearizable read of the node that is cut off."""
    assert run(text, "virtual", tmp_path) == ""


@pytest.mark.slow
@SHAPES
def test_five_real_processes_find_the_way_too(text: str, tmp_path: Path) -> None:
    """The same on real links."""
    assert run(text, "processes", tmp_path) == ""
