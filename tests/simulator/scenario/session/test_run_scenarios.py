"""`paxsim run`: files in, verdicts out."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import InputError
from simulator.scenario.session import run_scenarios
from simulator.scenario.session.run_scenarios import run_files
from simulator.settings import Settings
from tests.simulator.scenario.fake import FakeCluster

GOOD = "# Everything goes well.\nset seed 4\npost alice Hello x\nexpect last ok\n"
BAD = "post alice Hello x\nexpect last refused\ncrash 2\ncrash 2\n"


@pytest.fixture(autouse=True)
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[FakeCluster]:
    """Every cluster that was opened; none of them has a node."""
    opened: list[FakeCluster] = []

    def open_fake(_world: str, settings: Settings) -> FakeCluster:
        opened.append(FakeCluster(settings))
        return opened[-1]

    monkeypatch.setattr(run_scenarios, "open_cluster", open_fake)
    return opened


@pytest.fixture
def write(tmp_path: Path) -> Any:
    """Writes a scenario file and gives its name."""

    def write_file(name: str, text: str) -> str:
        (tmp_path / name).write_text(text, encoding="utf-8")
        return str(tmp_path / name)

    return write_file


def run_quietly(*names: str, **options: Any) -> tuple[int, str, str]:
    """Run files; returns status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    status = run_files(names, settings=Settings(data=""), stdout=out, stderr=err, **options)
    return status, out.getvalue(), err.getvalue()


def test_a_scenario_that_holds_passes(write: Any, clusters: list[FakeCluster]) -> None:
    """Its own settings are used, its story is told on stderr, its verdict on stdout."""
    status, out, err = run_quietly(write("good.paxsim", GOOD))

    assert status == 0
    assert out.startswith("PASSED ")
    assert "(virtual, seed 4): 1 ok, 0 refused" in out
    assert "> post alice Hello x\nNEW POST Hello from alice\n" in err
    assert clusters[0].settings.seed == 4
    assert clusters[0].closed
    assert not Path(clusters[0].settings.data).exists()  # It was a temporary directory.


def test_a_failed_line_fails_the_run_and_the_others_go_on(write: Any) -> None:
    """An expectation that does not hold, a node crashed twice: each with its line."""
    status, out, _ = run_quietly(write("bad.paxsim", BAD))

    assert status == 1
    assert out.split("\n")[1:3] == [
        "  line 2: expect last refused: it was ok: NEW POST Hello from alice",
        "  line 4: crash 2: node 2 is down already.",
    ]


def test_json_is_the_documented_document(write: Any) -> None:
    """One for one file, a list for several; nothing else on stdout."""
    good, bad = write("good.paxsim", GOOD), write("bad.paxsim", BAD)

    one = json.loads(run_quietly(good, json=True)[1])
    two = json.loads(run_quietly(good, bad, json=True)[1])

    assert list(one) == [
        "scenario", "world", "seed", "passed", "failures", "operations", "elections", "nodes", "checks", "trace",
    ]  # fmt: skip
    assert one["operations"] == {"ok": 1, "refused": 0, "timeout": 0, "no_majority": 0}
    assert list(one["nodes"][0]) == ["node", "alive", "height", "hash"]
    assert [document["passed"] for document in two] == [True, False]
    assert list(two[1]["failures"][0]) == ["line", "command", "why"]


def test_several_files_are_a_table(write: Any) -> None:
    """A row each; one that fails fails all."""
    status, out, _ = run_quietly(write("good.paxsim", GOOD), write("bad.paxsim", BAD))

    rows = [line.split() for line in out.splitlines()]
    assert status == 1
    assert [row[1] for row in rows] == ["verdict", "PASSED", "FAILED"]


def test_nothing_runs_when_a_file_is_wrong(write: Any, clusters: list[FakeCluster]) -> None:
    """All faults of all files are told at once."""
    with pytest.raises(InputError) as caught:
        run_quietly(write("good.paxsim", GOOD), write("wrong.paxsim", "psot x\ncrash 9\n"), "no-such-scenario")

    assert len(str(caught.value).split("\n")) == 3
    assert not clusters


def test_what_the_command_line_asks_for_is_heard_more_than_the_file(write: Any, clusters: list[FakeCluster]) -> None:
    """`--seed 9` explores another fate of a scenario that sets a seed."""
    run_files([write("good.paxsim", GOOD)], settings=Settings(seed=9), quiet=True, stdout=io.StringIO())

    assert clusters[0].settings.seed == 9


def test_a_broken_rule_is_named_by_the_file_or_the_command_line(write: Any, clusters: list[FakeCluster]) -> None:
    """`# break: NAME` in a comment; `--break` comes first."""
    name = write("broken.paxsim", "# A lesson.\n# break: send-once\n# forbidden by: rule 10\nstatus\n")

    run_quietly(name)
    run_quietly(name, break_rule="no-dedupe")

    assert [cluster.settings.break_rule for cluster in clusters] == ["send-once", "no-dedupe"]


def test_the_remarks_of_a_scenario_are_told_with_its_lines(write: Any) -> None:
    """Where they stand in the file; headers are no remarks."""
    text = "# What it is about.\n# break: no-dedupe\n\n# Somebody writes.\npost alice Hello x\n"
    text += "# It is there.\nexpect last ok\n"

    _, _, err = run_quietly(write("told.paxsim", text))

    assert "# What it is about.\n# Somebody writes.\n> post alice Hello x\nNEW POST" in err
    assert "# It is there.\n> expect last ok\nok: expect last ok" in err


def test_a_file_without_a_command_is_refused(write: Any) -> None:
    """Nothing would be tried, so nothing can have passed."""
    with pytest.raises(InputError, match="holds no command"):
        run_quietly(write("empty.paxsim", "# only a remark\n"))
