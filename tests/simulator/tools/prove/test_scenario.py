"""A run that the search found, as a scenario for the virtual world: it shows there what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.tools.prove.command import Bounds, Budgets, Proof, Wishes

CRASH = Budgets(writes=2, elections=2, crashes=1)


def proof_of(rule: str, budgets: Budgets, *, only_agreement: bool = False) -> Proof:
    """A search that has found something."""
    proof = Proof(
        Wishes(nodes=3, budgets=budgets, bounds=Bounds(), break_rule=rule, only_agreement=only_agreement),
    )
    assert proof.run(lambda _progress: None).why
    return proof


def test_a_crash_at_a_message_comes_before_its_records_are_synced(tmp_path: Path) -> None:
    """What was sent has left, what was recorded is lost: the checks of the virtual world see the promise go down."""
    shown = proof_of("speak-before-sync", CRASH).write_down(tmp_path)

    assert shown is not None
    assert "promise" in shown.broken
    lines = Path(shown.scenario).read_text(encoding="utf-8").splitlines()
    at = lines.index("crash 2 --at before-sync")
    assert lines[at + 1 : at + 3] == ["deliver 1>2 prepare", "restart 2"]


@pytest.mark.timeout(300)
def test_a_second_leader_begins_when_it_is_needed(tmp_path: Path) -> None:
    """The time that its campaign takes would end that of the first one: so the steps in between are taken before it."""
    proof = proof_of("ignore-reported-values", Budgets(writes=2, elections=2), only_agreement=True)
    shown = proof.write_down(tmp_path)

    assert shown is not None
    assert "agreement" in shown.broken
    lines = Path(shown.scenario).read_text(encoding="utf-8").splitlines()
    assert lines.index("deliver 2>1 promise") < lines.index("@3 post alice t2 x &")


def test_what_is_lost_is_missed_by_the_next_leader(tmp_path: Path) -> None:
    """A vote that is wiped from memory alone harms nobody yet: one more election shows it."""
    shown = proof_of("acceptance-wiped-by-promise", Budgets(writes=1, elections=1)).write_down(tmp_path)

    assert shown is not None
    assert "agreement" in shown.broken
    lines = Path(shown.scenario).read_text(encoding="utf-8").splitlines()
    assert lines[-4:-1] == ["@2 post alice after x &", "deliver 2>3 accept", "deliver 3>2 accepted"]
