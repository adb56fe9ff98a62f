"""A run that the search found, as events: the checks of the other worlds say in which step it first went wrong."""

from __future__ import annotations

import pytest

from paxos.messages import CatchupReply
from simulator.checks.invariants import InvariantChecker
from simulator.settings import Settings
from simulator.tools.prove.command import Bounds, Budgets, Proof, Report, Wishes
from simulator.trace.events import MessageDelivered
from simulator.trace.observer import replay
from simulator.worlds.exhaustive.cluster_model import ClusterModel
from simulator.worlds.exhaustive.run_events import events_of
from simulator.worlds.exhaustive.search import Search


def proved(rule: str, *, only_agreement: bool, **budgets: int) -> Report:
    """The report of a search with this rule broken."""
    wishes = Wishes(
        nodes=3, budgets=Budgets(**budgets), bounds=Bounds(), break_rule=rule, only_agreement=only_agreement
    )
    return Proof(wishes).run(lambda _progress: None)


def test_the_decision_is_blamed_and_not_the_block_that_differs() -> None:
    """Two chains differ after the sixth step; the leader of an earlier one decided with one vote, at its promise."""
    report = proved("small-accept-quorum", only_agreement=True, writes=2, elections=2)

    first = report.first_wrong
    assert first is not None
    assert len(report.steps) == 6
    assert (first.kind, first.rule) == ("decision", "10")
    step = report.first_step
    assert step < 6  # Which of the shortest runs is found is not part of the promise.
    assert report.steps[step - 1].startswith("deliver PROMISE 2>")
    assert not any(one.startswith("deliver PROMISE") for one in report.steps[: step - 1])
    assert f"it first went wrong in step {step}: node {first.node} applies slot 1" in report.first_sentence()


def test_a_crash_is_watched_too() -> None:
    """The message that relied on a missing record came before the crash that showed it."""
    report = proved("promise-not-kept", only_agreement=False, writes=1, elections=1, crashes=1)

    first = report.first_wrong
    assert first is not None
    assert (first.kind, first.rule) == ("missing record", "What is on disk before what is said")
    document = report.document()["violation"]
    assert isinstance(document, dict)
    assert document["first_wrong"]["rule"] == first.rule


def test_blocks_that_are_fetched_come_in_a_message() -> None:
    """A sound run in which a node fetches: nothing that it does is taken for a wrong step."""
    model = ClusterModel(Settings(nodes=3, difficulty=0), Budgets(writes=1, elections=1))
    search = Search(model)
    search.run()
    runs = (tuple(step for step, _ in search.walk(number)) for number in range(search.progress().states))
    steps = next(steps for steps in runs if any(name[0] == "fetch" for name in steps))
    events = events_of(model, steps)
    checker = InvariantChecker(model.steps_of.settings)
    replay(events, checker)

    assert any(isinstance(one, MessageDelivered) and isinstance(one.message, CatchupReply) for one in events)
    assert checker.oracle.first_wrong() is None
    assert set(checker.verdicts().values()) == {"ok"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("rule", "kind", "number"),
    [
        ("accept-ignores-promise", "vote", "9"),
        ("ignore-reported-values", "proposal", "4"),
        ("skip-phase-one", "proposal", "4"),
    ],
)
def test_the_step_before_the_disagreement_is_blamed(rule: str, kind: str, number: str) -> None:
    """The shortest runs to different blocks, and what led to them."""
    report = proved(rule, only_agreement=True, writes=2, elections=2)

    assert report.first_wrong is not None
    assert (report.first_wrong.kind, report.first_wrong.rule) == (kind, number)
    assert 0 < report.first_step < len(report.steps)
