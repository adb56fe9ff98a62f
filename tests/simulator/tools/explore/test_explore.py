"""Exploring seeds: which are run, what is remembered, what is made small, and what is told."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from simulator.cli.main import main
from simulator.cli.program import run_program
from simulator.errors import InputError
from simulator.faults.faults import Crash, Heal, Restart
from simulator.scenario.session.library import load_scenario
from simulator.settings import Settings
from simulator.tools.explore.batch import Batch, Failure, Search, run_batch
from simulator.tools.explore.command import Report, Wishes, run_search
from simulator.tools.explore.engine import explore, local_executor
from simulator.tools.explore.narrate import narrate_seed
from simulator.tools.explore.schedule import Schedule, ScheduledFault, Write
from simulator.tools.explore.seeds import Results, Seeds, Shard, parse_shard
from simulator.tools.explore.shrink import shrink
from simulator.trace.reader import read_trace

BROKEN = Search(break_rule="small-accept-quorum")


class Silent:
    """An observer that remembers how often it was told something."""

    def __init__(self) -> None:
        self.found = 0

    def begin(self, total: int, done: int) -> None:
        """See `Listener`."""
        self.total, self.done = total, done

    def came(self, report: Report) -> None:
        """See `Listener`."""
        self.found += 1

    def shrinking(self, failure: Failure) -> None:
        """See `Listener`."""
        self.found += 1


def taken(seeds: Seeds, most: int) -> list[int]:
    """Every seed that is handed out, in batches of at most `most`."""
    found: list[int] = []
    while (batch := seeds.take(most)) is not None:
        assert batch.count <= most
        found += batch.seeds()
    return found


@pytest.mark.parametrize("most", [1, 3, 100])
def test_shards_share_all_seeds_and_no_seed_twice(most: int) -> None:
    """Whatever the size of the batches, the parts together are the whole."""
    parts = [taken(Seeds(5, 20, Shard(number, 3), set()), most) for number in (1, 2, 3)]

    assert sorted(seed for part in parts for seed in part) == list(range(5, 25))


def test_seeds_that_were_done_before_are_passed_over() -> None:
    """A gap in what was done is found, wherever it lies."""
    seeds = Seeds(0, 10, Shard(), {0, 1, 4, 9})

    assert seeds.done_before == 4
    assert taken(seeds, 4) == [2, 3, 5, 6, 7, 8]


@pytest.mark.parametrize("text", ["", "1", "0/3", "4/3", "a/b", "1/0", "-1/2"])
def test_a_shard_that_is_none_is_refused(text: str) -> None:
    """K/N, with K from 1 to N."""
    with pytest.raises(InputError, match="is no shard"):
        parse_shard(text)


def test_the_sound_protocol_passes_and_a_broken_one_does_not() -> None:
    """The same seeds, with and without one rule."""
    assert run_batch(Batch(0, 3), Search()).failures == ()
    assert run_batch(Batch(0, 3), BROKEN).failures


def test_an_interrupted_search_goes_on_from_its_results(tmp_path: Path) -> None:
    """What was run stands in the file, a line a batch; a line that was cut off is run again."""
    name = str(tmp_path / "results.jsonl")
    first = run_search(Wishes(search=Search(), seeds=4, results=name), Silent())
    with Path(name).open("ab") as file:
        file.write(b'{"batch":[4,')

    listener = Silent()
    second = run_search(Wishes(search=Search(), seeds=7, results=name), listener)

    assert (first.seeds, second.seeds) == (4, 7)
    assert (listener.total, listener.done) == (7, 4)
    assert Results(name, Search()).seeds_done() == set(range(7))


@pytest.mark.parametrize("text", ["my notes", "x\nmy notes", '{"mine": 1}\n{"notes": 2'])
def test_a_foreign_file_of_results_is_not_cut(tmp_path: Path, text: str) -> None:
    """Only the partial last line of an interrupted search is taken away, and only behind results."""
    path = tmp_path / "notes"
    path.write_text(text)

    with pytest.raises(InputError, match="no result of an exploration"):
        Results(str(path), Search())

    assert path.read_text() == text


def test_results_that_are_none_are_refused_by_line(tmp_path: Path) -> None:
    """The file, the line, and what to do."""
    name = tmp_path / "results.jsonl"
    name.write_text("{}\n")

    with pytest.raises(InputError, match="line 1: no result of an exploration"):
        Results(str(name), Search())


def test_a_failure_is_written_down_as_a_scenario_and_a_trace(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are understood by those who read them, and the search stops when it has enough."""
    wishes = Wishes(search=BROKEN, seeds=50, folder=str(tmp_path), enough=1, shrink=1, shrink_runs=60)

    report = run_search(wishes, Silent())

    assert report.seeds < 50
    [found] = report.findings
    assert load_scenario(found.scenario).break_rule == BROKEN.break_rule
    assert list(read_trace(Path(found.shrunk_trace)).lines())
    first = Path(found.scenario).read_text().splitlines()[0]
    assert first == f"# Seed {found.seed} breaks {found.invariant!r}: {found.why}", "it tells of the shrunk run"
    [found] = [f for f in msgspec.to_builtins(report.document(BROKEN))["failures"] if f["shrunk_trace"]]
    assert found["replay"]
    assert main(["check", found["shrunk_trace"], "--json"]) == 1
    assert found["first_wrong"] == json.loads(capsys.readouterr().out)["first_wrong"]


def test_shrinking_leaves_what_matters() -> None:
    """Faults and operations that have nothing to do with it are gone, and it still fails."""
    settings = Settings(nodes=3, data="", seed=4, difficulty=0, break_rule="small-accept-quorum")
    schedule = Schedule(
        settings=settings,
        faults=tuple(ScheduledFault(at, fault) for at, fault in ((100, Crash(3)), (200, Restart(3)), (250, Heal()))),
        calls=tuple(Write(at, 1, 1, "post", "ann", f"title{at}", f"c{at}") for at in range(50, 400, 50)),
        heals_ms=500,
    )

    small = shrink(schedule, "decision")

    assert any(found.invariant == "decision" for found in small.outcome.violations)
    assert len(small.schedule.faults) + len(small.schedule.calls) <= 1


def test_a_pool_of_processes_finds_what_one_process_finds() -> None:
    """The order in which batches come back changes nothing."""
    with local_executor(2) as executor:
        results = list(explore(Seeds(0, 8, Shard(), set()), Search(), executor, 2))

    assert sorted(seed for result in results for seed in result.batch.seeds()) == list(range(8))
    assert not [failure for result in results for failure in result.failures]


def test_the_fate_of_a_seed_is_told_line_by_line() -> None:
    """It begins with what was drawn and ends with the verdict; the same seed is told in the same words."""
    lines: list[str] = []
    again: list[str] = []

    narrate_seed(3, Search(), lines.append)
    narrate_seed(3, Search(), again.append)

    assert lines == again
    assert lines[0].startswith("Seed 3, drawn as 'swarm'")
    assert lines[-1].startswith("Nothing was violated")
    assert any("bids to lead" in line for line in lines)


def test_the_command_prints_one_json_document(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """The keys that scripts rely on, and the exit status of a failure."""
    words = ["explore", "--seeds", "20", "--workers", "1", "--enough", "1", "--json", "--out", str(tmp_path)]

    status = run_program([*words, "--break", "small-accept-quorum"])

    document = msgspec.json.decode(capsys.readouterr().out)
    assert status == 1
    assert {"seeds", "failures", "seconds", "runs_per_second"} <= document.keys()
    assert {"seed", "invariant", "why", "replay", "shrunk_trace"} <= document["failures"][0].keys()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--break", "small-acept-quorum"], "did you mean 'small-accept-quorum'"),
        (["--profile", "swam"], "did you mean 'swarm'"),
        (["--shard", "3/2"], "K goes from 1 to N"),
        (["--seeds", "0"], "out of range"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One sentence, and exit status 2."""
    assert run_program(["explore", *words]) == 2
    assert sentence in capsys.readouterr().err
