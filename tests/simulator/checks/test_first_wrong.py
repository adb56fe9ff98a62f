"""Where it first went wrong: the earliest step after which disagreement was possible, and not where it showed."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from paxos.messages import Acceptance, Accepted, Memory
from paxos.records import AcceptedRecord, PromiseRecord
from simulator.checks.first_wrong import RULES, WrongStep, WrongSteps, rule_name
from simulator.checks.trace_check import check_trace
from simulator.cli.main import main
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from tests.simulator.checks.scene import B1, B2, B3, Scene, X, Y

PAGE = Path(__file__).parents[3] / "docs" / "protocol.md"


@pytest.fixture
def scene() -> Scene:
    """Three nodes with empty files."""
    return Scene()


def first(scene: Scene, invariant: str) -> WrongStep:
    """The step to blame."""
    found = scene.checker.violations[invariant].first
    assert found is not None
    return found


def test_every_rule_stands_on_the_protocol_page() -> None:
    """A rule is one of its numbers, one of its sections, or one of its invariants."""
    page = PAGE.read_text(encoding="utf-8")
    for rule in RULES:
        place = rf"^{rule}\. " if rule.isdigit() else rf"^(## {re.escape(rule)}$|- \*\*{re.escape(rule)}\*\*)"
        assert re.search(place, page, re.MULTILINE), rule


def test_the_vote_below_the_promise_is_blamed_and_not_the_message_about_it(scene: Scene) -> None:
    """A late vote is harmless until somebody may count it: then the vote was the first step."""
    scene.correct_start()
    scene.proposes(B1, 2, Y)
    scene.records(2, PromiseRecord(B3))
    scene.records(2, AcceptedRecord(B1, 2, Y))
    voted_ms = scene.now - 1
    assert not scene.broken

    scene.sends(2, (1,), Accepted(sender=2, ballot=B1, first_slot=2, last_slot=2))

    step = first(scene, "promise")
    assert (step.kind, step.rule, step.node, step.slot, step.ballot) == ("vote", "9", 2, 2, B1)
    assert step.at_ms == voted_ms
    assert "it first went wrong at 0.0" in scene.checker.verdicts()["promise"]
    assert "rule 9" in scene.checker.verdicts()["promise"]


def test_the_step_that_shows_at_once_is_said_to_be_the_first(scene: Scene) -> None:
    """A promise that is taken back needs no consequence."""
    scene.records(2, PromiseRecord(B2))
    scene.records(2, PromiseRecord(B1))

    violation = scene.checker.violations["promise"]
    assert violation.is_first
    assert "this is where it first went wrong, against rule 3" in violation.sentence()


def test_memory_that_counts_needs_a_record_of_the_era(scene: Scene) -> None:
    """A peer that forgets the new era would count old words with new ones: its missing record is the first step."""
    answer = Memory(
        sender=1, era=1, nonce=7, stamp=0, eras=(0, 0, 1), whole=True, promised=B1, last_slot=0, decided=0,
        heard_promise=B1, heard_vote=B1, heard_slot=0,
    )  # fmt: skip

    scene.sends(1, (3,), msgspec.structs.replace(answer, whole=False))
    assert not scene.broken  # It only says which era to ask for.
    scene.sends(1, (3,), answer)

    assert (first(scene, "amnesia").kind, first(scene, "amnesia").rule) == ("missing record", "17")


def test_a_step_about_another_slot_is_no_cause() -> None:
    """Two slots went wrong, each by a step of its own; a ballot matters where it proposed something."""
    steps = WrongSteps()
    promise = WrongStep(at_ms=1, node=2, kind="promise", what="takes it back", rule="3", ballot=B2)
    other = WrongStep(at_ms=2, node=2, kind="vote", what="votes late", rule="9", slot=1, ballot=B1)
    own = WrongStep(at_ms=3, node=3, kind="vote", what="votes late", rule="9", slot=2, ballot=B1)
    for step in (own, other, promise):
        steps.add(step)

    assert steps.first_for(2, [B1, B3]) == own
    assert steps.first_for(2, [B1, B2]) == promise
    assert steps.first_for(1, [B1]) == other
    assert steps.first_for() == promise


def test_a_trace_names_the_line_and_the_command_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The run goes on until two values are chosen; the check and its JSON point at the proposal before."""
    trace = tmp_path / "trace.jsonl"
    run_trial(
        draw_schedule(25, break_rule="lowest-ballot-wins-last"),
        until="agreement",
        trace=lambda lines: trace.write_text("\n".join(lines) + "\n", encoding="utf-8"),
    )

    step = check_trace(trace).violations["agreement"].first
    assert step is not None
    assert (step.kind, step.rule) == ("proposal", "4")
    line = msgspec.json.decode(trace.read_text(encoding="utf-8").splitlines()[step.event + 1])
    assert (line["event"], line["node"], line["at_ms"]) == ("sent", step.node, step.at_ms)

    assert main(["check", str(trace), "--json"]) == 1
    document = msgspec.json.decode(capsys.readouterr().out)
    assert f"line {step.event + 2} of the trace" in document["why"]
    assert document["first_wrong"]["line"] == step.event + 2
    assert document["first_wrong"]["rule"] == "4"


def test_rules_have_names_for_people() -> None:
    """A number, a section or an invariant."""
    assert rule_name("9") == "rule 9"
    assert rule_name("Words") == "the section 'Words'"
    assert rule_name("True word") == "the invariant 'True word'"


def test_a_hidden_vote_is_blamed_on_the_late_vote_in_its_place(scene: Scene) -> None:
    """The PROMISE reports a lower vote than the one given: the late vote has replaced it."""
    scene.correct_start()
    scene.opens(B2, first_slot=2)
    scene.promises(3, B2, decided=1)
    scene.proposes(B2, 2, Y)
    scene.records(3, AcceptedRecord(B2, 2, Y))
    scene.proposes(B1, 2, X)
    scene.records(3, AcceptedRecord(B1, 2, X))

    scene.opens(B3, first_slot=2)
    scene.records(1, PromiseRecord(B3))
    late = Acceptance(2, B1, X)
    scene.sends_promise(3, B3, votes={late.slot: (late.ballot, late.value)}, decided=1)

    assert (first(scene, "promise").kind, first(scene, "promise").rule) == ("vote", "9")
