"""Each "never" of the protocol beside its "sometimes": what makes it worth saying did happen.

A check is only as good as the runs that it sees. Over many storms, and over stories that bring about the rare moments,
everything is counted; what the storms never met would be a hole in them, whatever the checks say.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import get_args

import pytest

from simulator.faults.faults import CrashPoint, Fault
from simulator.tools.explore.moments import WHEN
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import Outcome
from simulator.tools.explore.triggered_faults import LEADER_MOMENTS
from tests.properties.driver import judge
from tests.properties.staged import FAMILIES

STORMS = {
    "swarm": ("swarm", range(60)),
    "crowded": ("swarm", (120, 125)),
    "crashes": ("crashes", range(15)),
    "rivals": ("rivals", range(15)),
    "core": ("core", range(10)),
}
"""Which seeds of which profile. In the crowded ones a crowd writes in one moment."""
STORIES = 9

NEVERS = {
    "agreement: a slot is decided once": ("elections twice in a run", "minority leaders", "proposals recovered"),
    "promises survive restarts": ("restarts", "torn tails", "restarts after a torn tail, and an election"),
    "one leader per ballot": ("bids that came to nothing", "leader lost: it was killed", "step-downs"),
    "chains are prefixes of one another": ("catch-ups", "mended files"),
    "answered writes are kept": ("leader lost: it was killed", "writes given up", "answers none or unknown"),
    "refused writes never take effect": ("writes refused",),
    "linearizable reads": ("stale local reads", "leaderships twice in a run"),
    "limits change no answer": (
        "compactions", "votes deferred", "ACCEPTs that go on after a full one", "a 65th slot in one go", "full windows",
        "batches of hundreds", "full FORWARDs", "full CATCHUPs", "catch-up replies with more to come",
    ),
    "one client's writes are told apart": (
        "writes under way together in one name", "writes overtaken by later ones of their client",
        "clients that began anew",
    ),
    "a retry gets the first answer": (
        "answered writes sent again", "answered writes sent again after a restart",
        "answered writes sent again after a compaction",
    ),
    "leaders old and new read rightly": ("a new leader asked at once", "a replaced leader asked at once"),
    "progress after the healing": ("messages lost", "runs with a partition", "runs with a paused node"),
}  # fmt: skip
"""Never, and what must have happened in the storms, at least five times each, for it to be no empty word."""


@cache
def storm(name: str) -> Counter[str]:
    """Everything that happened in the storms of this name: none violated anything, and each recovered in time."""
    total: Counter[str] = Counter()
    profile, seeds = STORMS[name]
    for seed in seeds:
        outcome = judge(draw_schedule(seed, profile))
        assert outcome.recovery_ms < outcome.bound_ms, f"seed {seed} of {profile}"
        happened = outcome.sometimes
        total.update(happened)
        total.update({f"answers {kind}": count for kind, count in outcome.answers.items()})
        total["bids that came to nothing"] += happened["elections"] - happened.get("leaderships", 0)
        total["elections twice in a run"] += happened["elections"] >= 2
        total["leaderships twice in a run"] += happened.get("leaderships", 0) >= 2
        torn = happened.get("torn tails", 0) and happened["elections"] >= 2
        total["restarts after a torn tail, and an election"] += bool(torn)
        total["answers none or unknown"] += outcome.answers.get("none", 0) + outcome.answers.get("timeout", 0)
        total["runs with a partition"] += "fault Partition" in happened
        total["runs with a paused node"] += "fault Pause" in happened
        kinds = {type(scheduled.fault) for scheduled in outcome.done.faults}
        total["runs without any fault"] += not kinds
        total["runs with one kind of blow"] += len(kinds) in {1, 2}  # A fault and its end.
    return total


@cache
def storms() -> Counter[str]:
    """Everything that happened in all storms together. Made once, in some seconds."""
    total: Counter[str] = Counter()
    for name in STORMS:
        total.update(storm(name))
    return total


@cache
def story(family: str) -> tuple[Outcome, ...]:
    """The runs of one family."""
    return tuple(judge(FAMILIES[family](seed)) for seed in range(STORIES))


@pytest.mark.parametrize("never", NEVERS)
def test_what_makes_a_never_worth_saying_did_happen(never: str) -> None:
    """Five times at least, over all storms together."""
    happened = storms()

    missing = {what: happened[what] for what in NEVERS[never] if happened[what] < 5}

    assert not missing, f"{never!r} was hardly tried: {missing}"


def test_the_protocol_survives_the_swarm_and_the_swarm_is_hostile() -> None:
    """Sixty seeds, as `paxsim explore` draws them, have all that makes "nothing was violated" worth saying."""
    happened = storm("swarm")

    for what in ("elections", "leaderships", "restarts", "torn tails", "step-downs", "catch-ups", "messages lost"):
        assert happened[what] >= 5, what
    for moment in LEADER_MOMENTS:
        assert happened[f"fault when {WHEN[moment]}"] >= 5, moment
    assert happened["elections"] > happened["leaderships"]
    for kind in ("ok", "refused", "timeout"):
        assert happened[f"answers {kind}"] >= 5, kind


def test_storms_are_of_all_kinds() -> None:
    """Every kind of fault was injected, and there were quiet runs and runs with little more than one kind."""
    happened = storms()

    assert [kind.__name__ for kind in get_args(Fault) if happened[f"fault {kind.__name__}"] < 5] == []
    assert happened["runs without any fault"] >= 1
    assert happened["runs with one kind of blow"] >= 5


def test_gaps_are_filled_with_no_ops() -> None:
    """In each run of its family a leader found a hole below an acceptance, and decided a no-op there."""
    assert all(outcome.sometimes["no-ops decided"] >= 1 for outcome in story("holes"))


def test_requests_are_decided_twice_and_take_effect_once() -> None:
    """In each run of its family; that it took effect once is what `once` and `blog` have checked."""
    assert all(outcome.sometimes["requests decided twice"] >= 1 for outcome in story("twice"))


def test_minority_leaders_exist_and_answer_no_linearizable_read() -> None:
    """In each run of its family an old leader went on beside the new one; clients gave up, and saw old local copies."""
    outcomes = story("minority")

    for what in ("minority leaders", "step-downs", "reads given up", "stale local reads"):
        assert all(outcome.sometimes[what] >= 1 for outcome in outcomes), what
    assert sum(outcome.answers.get("no-majority", 0) for outcome in outcomes) >= STORIES


@pytest.mark.parametrize("point", get_args(CrashPoint))
def test_leaders_died_at_each_crash_point(point: CrashPoint) -> None:
    """While a write was in their hands: before the record, between record and sync, between sync and send."""
    how = f"leader lost: it was killed {point.replace('-', ' ')}"

    died = [outcome for outcome in story("deaths") if outcome.sometimes.get(how)]

    assert len(died) >= STORIES // 3


def test_clients_hear_the_same_answer_twice() -> None:
    """A retry of what was answered is answered again."""
    assert sum(outcome.sometimes.get("answers repeated", 0) for outcome in story("deaths")) >= 2
