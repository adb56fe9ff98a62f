"""One batch of seeds: what a worker gets, and what it returns.

Handing out a task costs a local pool some tenths of a millisecond and a cluster of machines several, so a batch holds
about a second of work. A result holds verdicts alone: a seed is enough to run it again.
"""

from __future__ import annotations

import time
from collections import Counter

import msgspec

from simulator import __version__
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import Outcome, run_trial


class Search(msgspec.Struct, frozen=True, kw_only=True):
    """How schedules are drawn (`profile`), and which rule is broken (None: none)."""

    profile: str = "swarm"
    break_rule: str | None = None

    def command(self, seed: int) -> str:
        """The command that runs one seed again."""
        words = ["paxsim", "explore", "--seeds", "1", "--start", str(seed)]
        if self.profile != "swarm":
            words += ["--profile", self.profile]
        if self.break_rule:
            words += ["--break", self.break_rule]
        return " ".join(words)


class Batch(msgspec.Struct, frozen=True):
    """Seeds `first`, `first + step`, …: `count` of them."""

    first: int
    count: int
    step: int = 1

    def seeds(self) -> range:
        """All seeds of the batch, ascending."""
        return range(self.first, self.first + self.count * self.step, self.step)


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A seed that violated an invariant. `why` is one sentence, without the command that replays it."""

    seed: int
    invariant: str
    why: str


class BatchResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a batch. `seconds` is the worker's own time; `version` is that of the worker's program."""

    batch: Batch
    search: Search
    failures: tuple[Failure, ...]
    seconds: float
    messages: int = 0
    sometimes: dict[str, int] = {}
    version: str = __version__


def run_batch(batch: Batch, search: Search) -> BatchResult:
    """Run and judge every seed of `batch`. It can be imported by name, so any executor can send it anywhere."""
    began = time.perf_counter()
    failures: list[Failure] = []
    sometimes: Counter[str] = Counter()
    messages = 0
    for seed in batch.seeds():
        outcome = run_seed(seed, search)
        failures += failures_of(seed, outcome)
        messages += outcome.messages
        sometimes.update(name for name, count in outcome.sometimes.items() if count)
    seconds = round(time.perf_counter() - began, 3)
    return BatchResult(
        batch=batch,
        search=search,
        failures=tuple(failures),
        seconds=seconds,
        messages=messages,
        sometimes=dict(sorted(sometimes.items())),
    )


def run_seed(seed: int, search: Search) -> Outcome:
    """Run and judge one seed."""
    schedule = draw_schedule(seed, search.profile, break_rule=search.break_rule)
    return run_trial(schedule, replay=search.command(seed), digested=False)


def failures_of(seed: int, outcome: Outcome) -> list[Failure]:
    """Each invariant that a run violated, the earliest violation first."""
    found = sorted(outcome.violations, key=lambda violation: violation.at_ms)
    return [Failure(seed=seed, invariant=one.invariant, why=one.sentence()) for one in found]
