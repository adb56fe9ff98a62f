"""The registry of mutants: every entry of the list is there, told by a story, and found by its name."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from paxos.replica import Replica
from simulator.cli.program import run_program
from simulator.errors import InputError
from simulator.mutants.registry import NODE_PARTS, ROLES, find, mutants, node_type, replica_type
from simulator.node.node import Node
from tests.mutants import (
    test_core_stories,
    test_election_stories,
    test_log_stories,
    test_memory_stories,
    test_read_stories,
    test_statement_stories,
    test_way_stories,
)
from tests.mutants.puppets import COVERED

STORIES = (
    test_core_stories,
    test_election_stories,
    test_log_stories,
    test_memory_stories,
    test_read_stories,
    test_statement_stories,
    test_way_stories,
)

CORE = """
    accept-ignores-promise promise-goes-down ignore-reported-values lowest-ballot-wins-first lowest-ballot-wins-last
    lowest-ballot-wins-most-common small-promise-quorum small-accept-quorum duplicates-fill-quorum accepted-by-slot-only
    ballot-reused acceptance-raises-nothing acceptance-wiped-by-promise skip-phase-one refused-but-acknowledged
    speak-before-sync promise-not-kept acceptance-not-kept
"""
LOG = """
    promise-hides-decided own-log-only commit-by-index holes-stay acknowledge-past-a-gap catch-up-ships-tentative
    apply-past-a-gap no-dedupe dedupe-forgotten refusal-forgotten answer-on-accept timeout-says-failed nonce-differs
    apply-reads-clock self-counted-early batch-half-applied newest-number-only
"""
READS = "old-leader-reads follower-reads read-before-recovery read-trusts-clock"
ELECTIONS = """
    stale-reject-deposes never-steps-down next-round-only no-backoff leader-heard-is-enough halves-merge promise-by-ping
    lowest-id-wins equal-ballot-only send-once text-ballots quorum-of-the-living
"""
MEMORY = "amnesiac-votes one-answer-recovers old-era-counts"
WAYS = "relay-dropped relay-sent-back answers-go-straight cut-off-in-silence"


def test_every_rule_of_the_list_can_be_broken_by_its_name() -> None:
    """And there are five controls, which break nothing."""
    known = mutants()

    assert set(f"{CORE} {LOG} {READS} {ELECTIONS} {MEMORY} {WAYS}".split()) <= set(known)
    assert sum(one.control for one in known.values()) == 5
    for one in known.values():
        assert bool(one.expects) != one.control
        assert one.wrong
        assert one.forbidden_by


def test_every_mutant_has_its_story() -> None:
    """A fixed minimal scenario, in which the protocol as it is passes."""
    assert STORIES
    assert {name for name, one in mutants().items() if not one.control} == COVERED


def test_a_mutant_is_a_few_methods_of_one_role_and_no_copy() -> None:
    """Each part derives from what it takes the place of, and is short."""
    places = (*ROLES, *NODE_PARTS, Replica, Node)
    for one in mutants().values():
        for part in one.parts:
            assert issubclass(part, places)
            assert len(inspect.getsource(part).splitlines()) <= 32, f"{one.name}: {part.__name__} is long"


def test_without_a_name_nothing_is_broken() -> None:
    """The sound classes themselves, not copies of them."""
    assert node_type(None) is Node
    assert replica_type(None) is Replica
    assert node_type("no-dedupe").replica_type.proposer_role is not Replica.proposer_role


def test_an_unknown_rule_is_one_sentence() -> None:
    """With the name that was meant, perhaps."""
    with pytest.raises(InputError, match="did you mean 'send-once'"):
        find("sendonce")


@pytest.mark.parametrize("command", [["explore"], ["run", "normal-operation"]])
def test_no_command_starts_with_a_rule_that_there_is_not(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit status 2, whichever command was asked."""
    assert run_program([*command, "--break", "no-dedup"]) == 2
    assert "did you mean 'no-dedupe'" in capsys.readouterr().err


def test_the_page_tells_of_every_mutant() -> None:
    """Name, rule and reason stand in docs/mutants.md as they stand in the code; no row of it is of the past."""
    page = (Path(__file__).parents[2] / "docs" / "mutants.md").read_text(encoding="utf-8")
    rows = {row.split("`")[1]: row for row in page.splitlines() if row.startswith("| `")}

    assert set(rows) == set(mutants())
    for one in mutants().values():
        assert one.wrong in rows[one.name]
        assert one.forbidden_by in rows[one.name]
        assert one.control or rows[one.name].split("|")[-2].strip().isdecimal(), f"{one.name} has not been found"
