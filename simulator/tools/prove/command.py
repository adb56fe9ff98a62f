"""A search through every schedule of a cluster of our own nodes, and what it found, for people and as JSON."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from simulator.mutants.registry import find
from simulator.settings import Settings
from simulator.tools.prove.scenario import Shown, scenario_of, write_down
from simulator.worlds.exhaustive.cluster_model import Action, Budgets, ClusterModel, Numbers
from simulator.worlds.exhaustive.search import Bounds, Outcome, Progress, Search

__all__ = ["CUT_OFF", "VIOLATED", "Bounds", "Budgets", "Progress", "Proof", "Report", "Shown", "Wishes"]

COMPLETE, VIOLATED, CUT_OFF = "complete", "violated", "cut off"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched. `only_agreement`: look on until two nodes have different blocks, whatever led there."""

    nodes: int
    budgets: Budgets
    bounds: Bounds
    break_rule: str | None = None
    only_agreement: bool = False
    keep_going: bool = False


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, and the shortest run to a violation, a sentence a step."""

    verdict: str
    cut_off: str
    states: int
    depth: int
    seconds: float
    transitions: int
    node_states: int
    node_steps: int
    why: str
    steps: tuple[str, ...]

    def document(self) -> dict[str, object]:
        """The JSON document of `paxsim prove --json`."""
        violation = {"why": self.why, "steps": list(self.steps)} if self.why else None
        return {
            "states": self.states,
            "depth": self.depth,
            "complete": self.verdict == COMPLETE,
            "violation": violation,
            "verdict": self.verdict,
            "cut_off": self.cut_off,
            "seconds": round(self.seconds, 3),
            "transitions": self.transitions,
            "node_states": self.node_states,
            "node_steps": self.node_steps,
        }


class Proof:
    """One search. When it is interrupted, `report` tells how far it came."""

    def __init__(self, wishes: Wishes) -> None:
        if wishes.break_rule is not None:
            find(wishes.break_rule)
        settings = Settings(nodes=wishes.nodes, difficulty=0, break_rule=wishes.break_rule)
        self._model = ClusterModel(settings, wishes.budgets, only_agreement=wishes.only_agreement)
        self._search: Search[Numbers, Action] = Search(self._model, keep_going=wishes.keep_going)
        self._bounds = wishes.bounds
        self._rule = wishes.break_rule

    def run(self, tell: Callable[[Progress], None]) -> Report:
        """Search; see `Search.run`."""
        return self.report(self._search.run(self._bounds, tell))

    def write_down(self, folder: Path) -> Shown | None:
        """Write the run that was found as a scenario and a trace; None when none was found."""
        for found in self._search.found.values():
            why = self._model.wrong_in(found.state)  # type: ignore[arg-type]
            text = scenario_of(self._model, found.steps, why, self._rule)
            return write_down(folder, text, nodes=self._model.nodes, rule=self._rule)
        return None

    def interrupted(self) -> Report:
        """The report of a search that was interrupted."""
        found = tuple(self._search.found.values())
        progress = self._search.progress()
        return self.report(Outcome(progress, self._search.transitions, found, "an interrupt", ()))

    def report(self, outcome: Outcome[Action]) -> Report:
        """The report of an outcome."""
        model, found = self._model, outcome.found[0] if outcome.found else None
        progress, why = outcome.progress, ""
        if found is not None:
            why = model.wrong_in(found.state)  # type: ignore[arg-type]
        return Report(
            verdict=VIOLATED if found else CUT_OFF if outcome.cut_off else COMPLETE,
            cut_off="" if found else outcome.cut_off,
            states=progress.states,
            depth=progress.depth,
            seconds=progress.seconds,
            transitions=outcome.transitions,
            node_states=len(model.steps_of.facts),
            node_steps=model.steps_of.taken,
            why=why,
            steps=tuple(model.tell(step) for step in found.steps) if found else (),
        )
