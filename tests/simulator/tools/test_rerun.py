"""A recorded run on real nodes again: traces of both worlds, and traces in which a node did something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from simulator.cli.main import main
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.tools.rerun.rerun import rerun

Captured = pytest.CaptureFixture[str]


def virtual_trace(path: Path, seed: int, rule: str | None = None) -> Path:
    """The trace of a hostile seed."""
    run_trial(
        draw_schedule(seed, break_rule=rule),
        until="nothing",
        trace=lambda lines: path.write_text("\n".join(lines) + "\n", encoding="utf-8"),
    )
    return path


def changed(path: Path, change: Callable[[dict[str, object]], bool]) -> int:
    """Change the first line of a trace that `change` takes; returns its number."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], 2):
        event = json.loads(line)
        if change(event):
            lines[number - 1] = json.dumps(event, separators=(",", ":"))
            path.write_text("\n".join(lines) + "\n", encoding="utf-8")
            return number
    raise AssertionError("no line was changed")


@pytest.mark.parametrize("seed", range(4))
def test_a_virtual_run_is_the_same_again(seed: int, tmp_path: Path) -> None:
    """Crashes, pauses, slow disks and clocks: each batch gives the same messages, records, blocks and answers."""
    found = rerun(virtual_trace(tmp_path / "trace.jsonl", seed))

    assert found.different == ""
    assert found.turns > 500


def test_a_node_with_a_broken_rule_differs_from_one_without(tmp_path: Path) -> None:
    """The header names the rule that was left out; without it the first deed of the broken rule shows."""
    path = virtual_trace(tmp_path / "trace.jsonl", 0, "promise-not-kept")
    assert rerun(path).different == ""

    path.write_text(
        path.read_text(encoding="utf-8").replace(',"break_rule":"promise-not-kept"', "", 1), encoding="utf-8"
    )

    assert "fed the same" in rerun(path).different


def test_a_message_that_was_never_sent_so_is_named(tmp_path: Path, capsys: Captured) -> None:
    """One number in one message is another: the check fails and names the line."""
    path = virtual_trace(tmp_path / "trace.jsonl", 1)

    def forge(event: dict[str, object]) -> bool:
        if event["event"] != "recorded":
            return False
        event["records"] = [*event["records"], ["promise", [99, 1]]]  # type: ignore[misc]
        return True

    line = changed(path, forge)
    assert main(["check", str(path), "--json"]) == 1

    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] == "violation"
    assert f"replay: line {line} of the trace: node" in document["why"]
    assert document["replay"]["verdict"] == "different"


def test_a_trace_of_an_older_version_is_read_and_not_replayed(tmp_path: Path, capsys: Captured) -> None:
    """It lacks what the nodes handled in each batch."""
    path = virtual_trace(tmp_path / "trace.jsonl", 2)
    path.write_text(path.read_text(encoding="utf-8").replace('"trace":4', '"trace":3', 1), encoding="utf-8")

    status = main(["check", str(path)])

    assert status == 0
    assert "cannot be replayed: made by an older version" in capsys.readouterr().out


REAL = """
wait leader within 10s
post alice one x
comment bob one y
crash leader
@follower post alice two x
restart all
pause follower
post alice three x
view --linearizable
resume all
wait converged within 20s
"""


def test_a_real_run_with_a_dead_leader_is_the_same_again(tmp_path: Path) -> None:
    """Five processes, one killed and restarted, one stopped for a while: the nodes in memory do the same."""
    scenario, path = tmp_path / "story.paxsim", tmp_path / "trace.jsonl"
    scenario.write_text(REAL, encoding="utf-8")
    result = run_scenario(
        load_scenario(str(scenario)), Settings(data=str(tmp_path / "data")), world="processes", trace=str(path)
    )

    found = rerun(path)

    assert result.passed, result
    assert found.different == ""
    assert found.turns > 50  # How many there are depends on how fast the machine is.
    assert found.left_out == {}
