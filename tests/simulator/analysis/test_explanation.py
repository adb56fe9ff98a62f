"""`why`: the right cause of staged refusals, time-outs, lost elections, rejects, missing decisions and outages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from paxos.messages import Prepare, Reject
from simulator.analysis.campaigns import campaigns_of
from simulator.analysis.explanation import Explainer, explain_in
from simulator.analysis.run import load_run
from simulator.cli.main import main
from simulator.trace.events import MessageDelivered, MessageSent
from tests.simulator.analysis.recorded import trace_of, trace_of_lesson

REFUSALS = [
    ("post ann A x\npost bob A y", "DUPLICATE TITLE", "block 1 has the post 'A', before this one"),
    ("@2 post ann A x\n@3 post bob A y", "DUPLICATE TITLE", "block 1 has the post 'A', before this one"),
    ("post ann B x\npost ann A x\n@4 post cid A y", "DUPLICATE TITLE", "block 2 has the post 'A', before this one"),
    ("comment ann A x", "CANNOT COMMENT", "node 5 applies block 1, which holds it"),
    ("comment ann A x\npost ann A y\nwhy request 1", "CANNOT COMMENT", "block 2 has the post 'A', only after this one"),
]
SILENCE = [
    ("partition 1,2 / rest\n@1 post ann A x", "from node 1 to node 5 it is lost, because the link is cut"),
    ("partition 1,2 / rest\n@1 post ann A x", "partition 1,2 / 3,4,5"),
    ("crash 3,4,5\n@1 post ann A x", "node 5 is down"),
    ("crash 3,4,5\n@1 post ann A x", "because its target is down"),
    ("crash 1,2,3\n@leader post ann A x", "ACCEPT from node 5 to node 1 is lost, because its target is down"),
    ("crash 1,2,3\n@leader post ann A x", "1 votes? arrived|2 votes arrived"),
    ("partition leader / rest\n@leader post ann A x", "because the link is cut"),
    ("net all drop 100%\n@leader post ann A x", "because the link dropped it"),
    ("net all drop 100%\n@2 post ann A x", "net all drop 100%"),
    ("pause 1,2,3\n@leader post ann A x", "node 1 is paused"),
    ("hold\n@leader post ann A x &\nsleep 20s", "hold"),
    ("crash 1,2,3\n@leader view --linearizable", "node 2 is down"),
    ("crash 2\n@2 post ann A x", "the call never reached its node"),
    ("crash leader\ncrash 1,2\n@3 post ann A x", "3 are needed"),
]


def why(lines: str, folder: Path, *words: str) -> list[str]:
    """The explanation of the last trouble in a staged run."""
    run = load_run(trace_of(f"wait leader\n{lines}", folder))
    explainer = Explainer(run)
    explained = explainer.request(int(words[1])) if words else explainer.last()
    for line in explained.lines:
        assert 0 <= line.index < len(run.events)
    assert [line.index for line in explained.lines] == sorted({line.index for line in explained.lines})
    return [explained.title, *(line.text for line in explained.lines)]


@pytest.mark.parametrize(("lines", "answer", "cause"), REFUSALS)
def test_a_refusal_is_explained_by_the_block_before(lines: str, answer: str, cause: str, tmp_path: Path) -> None:
    """The block that holds the title, or that there was none yet, and the refused write's own block."""
    asked = ("request", "1") if "why request 1" in lines else ()

    given = why(lines.replace("\nwhy request 1", ""), tmp_path, *asked)

    assert "was refused" in given[0]
    assert cause in given
    assert any(answer in line for line in given)


@pytest.mark.parametrize(("lines", "cause"), SILENCE)
def test_a_request_without_an_answer_is_explained_by_what_stopped_it(lines: str, cause: str, tmp_path: Path) -> None:
    """Its way to the leader, its proposal, and the faults that lasted meanwhile."""
    given = why(lines, tmp_path, "request", "1")

    assert re.search("no-majority|timeout|a time-out|has no answer|fail", given[0]), given[0]
    assert any(re.search(cause, line) for line in given), "\n".join(given)


def test_a_lost_election_names_who_did_not_consent(tmp_path: Path) -> None:
    """Two of five ask each other for pre-votes behind a partition."""
    run = load_run(trace_of("wait leader\npartition 1,2 / rest\nsleep 4s", tmp_path))

    given = explain_in(run)

    assert "lost its election with a pre-vote" in given[0]
    assert any(re.search(r"[12] of 5 nodes consent \([12](,2)?\), 3 are needed", line) for line in given)
    assert any("because the link is cut" in line for line in given)
    assert any("partition 1,2 / 3,4,5" in line for line in given)


def test_campaigns_are_won_by_leaders_alone(tmp_path: Path) -> None:
    """Each won campaign had a majority of consents, and ended when the node began to lead."""
    run = load_run(trace_of("wait leader\ncrash leader\nwait leader in majority within 20s", tmp_path))

    won = [campaign for campaign in campaigns_of(run) if campaign.won]

    assert len(won) == 2
    assert all(len(campaign.granted) >= 3 and campaign.ballot is not None for campaign in won)


def test_an_outage_is_explained_by_its_fault(tmp_path: Path) -> None:
    """The line that crashed the node, and its end."""
    run = load_run(trace_of("wait leader\ncrash 3\nsleep 1s", tmp_path))

    given = explain_in(run, "node", 3)

    assert given[0] == "node 3 is down:"
    assert [line.split("s  ", 1)[1] for line in given[1:]] == ["crash 3", "node 3 is down: it was killed"]


def test_a_decided_slot_is_explained_by_its_votes(tmp_path: Path) -> None:
    """Who proposed it, whose votes arrived, and who applied it first."""
    run = load_run(trace_of("wait leader\npost ann A x\nsleep 1s", tmp_path))

    given = explain_in(run, "slot", 1)

    assert given[0] == "slot 1 is decided:"
    assert "proposes it with ballot 1.5 in slot 1" in given[1]
    assert "3 are needed" in given[1]
    assert given[-1].endswith("node 5 applies block 1: it is decided")


def test_a_missing_decision_is_explained_by_what_was_missing(tmp_path: Path) -> None:
    """A slot that was proposed to a minority, and one that nobody proposed."""
    run = load_run(trace_of("wait leader\ncrash 1,2,3\n@leader post ann A x", tmp_path))

    proposed, never = explain_in(run, "slot", 1), explain_in(run, "slot", 2)

    assert proposed[0] == "slot 1 was proposed and has no decision in this run:"
    assert any("node 1 is down" in line for line in proposed)
    assert never[0] == "slot 2 was never proposed in this run:"


def test_a_rejected_ballot_is_explained_by_the_higher_one(tmp_path: Path) -> None:
    """Two candidates outbid each other: who refused had been asked for a higher ballot before."""
    run = load_run(trace_of_lesson("duelling-proposers", tmp_path))
    explainer = Explainer(run)
    rejects = [
        (index, event.message)
        for index, event in enumerate(run.events)
        if isinstance(event, MessageDelivered) and isinstance(event.message, Reject)
    ]

    explained = [explainer.rejection(index) for index, _ in rejects]

    assert rejects
    for (index, reject), found in zip(rejects, explained, strict=True):
        assert found.title.startswith(f"ballot {reject.ballot} of node")
        assert found.lines[-1].index == index
        if not reject.leader:
            asked = run.events[found.lines[0].index]
            assert isinstance(asked, MessageSent)
            assert isinstance(asked.message, Prepare)
            assert asked.message.ballot == reject.promised > reject.ballot


def test_what_is_not_there_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A number beyond the run, a node without trouble, a number that is missing: one sentence and status 2."""
    trace = str(trace_of("wait leader\npost ann A x", tmp_path))

    for words in (["request", "9"], ["node", "9"], ["node", "1"], ["slot", "0"], ["request"], ["last", "3"]):
        assert main(["why", trace, *words]) == 2
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["why", trace, "slot", "1"]) == 0
    assert "slot 1 is decided" in capsys.readouterr().out
