"""A search through every schedule of a cluster of our own nodes, and what it found, for people and as JSON."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from simulator.checks.first_wrong import WrongStep
from simulator.checks.invariants import InvariantChecker
from simulator.mutants.registry import find
from simulator.settings import Settings
from simulator.tools.prove.scenario import Shown, write_down
from simulator.trace.observer import replay
from simulator.worlds.exhaustive.cluster_model import Action, Budgets, ClusterModel, Numbers, Reductions
from simulator.worlds.exhaustive.kept_search import SearchFolder
from simulator.worlds.exhaustive.local_states import Alive
from simulator.worlds.exhaustive.model_errors import ModelError
from simulator.worlds.exhaustive.orbits import Asymmetric
from simulator.worlds.exhaustive.run_events import STEP_MS, events_of
from simulator.worlds.exhaustive.search import Bounds, Outcome, Progress, Search

__all__ = ["CUT_OFF", "VIOLATED", "Bounds", "Budgets", "GivenUp", "Progress", "Proof", "Report", "Shown", "Wishes"]

FIRST_FIELDS = ("node", "step", "what", "rule", "rule_words", "slot", "ballot")
"""What the JSON document says of the step that was first wrong."""
SYMMETRY = "symmetry"
COMPLETE, VIOLATED, CUT_OFF = "complete", "violated", "cut off"


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """What is searched. `only_agreement`: look on until two nodes have different blocks, whatever led there."""

    nodes: int
    budgets: Budgets
    bounds: Bounds
    break_rule: str | None = None
    only_agreement: bool = False
    keep_going: bool = False
    reductions: Reductions = Reductions()
    folder: Path | None = None
    workers: int = 1

    def purpose(self) -> dict[str, str | int | bool]:
        """What must be the same when a search that is kept in a folder goes on: all but the bounds of the search."""
        return {
            "--nodes": self.nodes,
            **{f"--{name}": bound for name, bound in msgspec.structs.asdict(self.budgets).items()},
            "--break": self.break_rule or "",
            "--agreement": self.only_agreement,
            "--keep-going": self.keep_going,
        }


class GivenUp(NamedTuple):
    """A reduction that does not hold for these nodes: which one, why, and how many states were visited until then."""

    reduction: str
    why: str
    states: int

    def sentence(self) -> str:
        """For people."""
        return f"given up after {self.states} states, and begun anew without: {self.reduction}"


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict, and the shortest run to a violation, a sentence a step. `given_up` are the reductions given up."""

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
    first_step: int = 0
    first_wrong: WrongStep | None = None
    given_up: tuple[GivenUp, ...] = ()

    def first_sentence(self) -> str:
        """Where it first went wrong, for people; "" when no step of a node is to blame."""
        first = self.first_wrong
        return (
            ""
            if first is None
            else f"it first went wrong in step {self.first_step}: {first.what}, against {first.rule_words}"
        )

    def document(self) -> dict[str, object]:
        """The JSON document of `paxsim prove --json`."""
        violation: dict[str, object] | None = {"why": self.why, "steps": list(self.steps)} if self.why else None
        if violation is not None and self.first_wrong is not None:
            first = self.first_wrong.document()
            violation["first_wrong"] = {"at": self.first_step, **{name: first[name] for name in FIRST_FIELDS}}
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
            "given_up": [one._asdict() for one in self.given_up],
        }


def first_wrong(model: ClusterModel, steps: Sequence[Action]) -> WrongStep | None:
    """Where a run first went wrong, as the checks of the other worlds judge its events; the time tells the step."""
    checker = InvariantChecker(model.steps_of.settings)
    replay(events_of(model, steps), checker)
    return checker.oracle.first_wrong()


class Proof:
    """One search. When it is interrupted, `report` tells how far it came.

    With a folder it is kept there, with the reductions that were given up, and goes on where it was.

    Raises:
        InputError: the folder holds something else, or is damaged.
    """

    def __init__(self, wishes: Wishes) -> None:
        if wishes.break_rule is not None:
            find(wishes.break_rule)
        self._wishes = wishes
        self._bounds = wishes.bounds
        self._rule = wishes.break_rule
        self.reductions = wishes.reductions
        self.given_up: list[GivenUp] = []
        self._notes: list[dict[str, str | int]] = []
        self._folder: SearchFolder | None = None
        if wishes.folder is not None:
            self._folder = SearchFolder(wishes.folder, wishes.purpose())
            self._remember(self._folder.notes)
        self._begin()

    def _begin(self) -> None:
        wishes = self._wishes
        settings = Settings(nodes=wishes.nodes, difficulty=0, break_rule=wishes.break_rule)
        self._model = ClusterModel(
            settings, wishes.budgets, only_agreement=wishes.only_agreement, reductions=self.reductions
        )
        self._search: Search[Numbers, Action] = Search(
            self._model, keep_going=wishes.keep_going, folder=self._folder, workers=wishes.workers
        )

    def run(self, tell: Callable[[Progress], None], tell_given_up: Callable[[GivenUp], None] | None = None) -> Report:
        """Search; see `Search.run`. When a reduction turns out not to hold for these nodes, begin anew without it.

        `tell_given_up` hears of it at once.
        """

        def tell_and_tidy(progress: Progress) -> None:
            gc.collect()  # Nodes refer to themselves. What is kept is never looked at again: it would take ever longer.
            gc.freeze()
            tell(progress)

        gc.disable()
        try:
            return self._until_kept(tell_and_tidy, tell_given_up)
        finally:
            gc.enable()
            gc.unfreeze()

    def _until_kept(self, tell: Callable[[Progress], None], tell_given_up: Callable[[GivenUp], None] | None) -> Report:
        while True:
            try:
                outcome = self._search.run(self._bounds, tell)
            except Alive as error:
                self._give_up(error.kind.__name__, str(error), self._search.progress().states)
            except Asymmetric as error:
                self._give_up(SYMMETRY, str(error), self._search.progress().states)
            except ModelError as error:  # The model is ours: what is wrong with it is a bug of ours.
                raise RuntimeError(str(error)) from error.__cause__
            else:
                return self.report(outcome)
            gc.unfreeze()
            if tell_given_up is not None:
                tell_given_up(self.given_up[-1])
            if self._folder is not None:
                self._folder.begin_anew(self._notes)
            self._begin()

    def _give_up(self, what: str, why: str, states: int) -> None:
        """Search without a reduction from now on: a kind of message that was dropped, or symmetry."""
        if what == SYMMETRY:
            self.reductions = msgspec.structs.replace(self.reductions, symmetry=False)
            words = "symmetry of nodes"
        else:
            kinds = tuple(kind for kind in self.reductions.droppable if kind.__name__ != what)
            self.reductions = msgspec.structs.replace(self.reductions, droppable=kinds)
            words = f"dropping dead messages of the kind {what}"
        self.given_up.append(GivenUp(words, why, states))
        self._notes.append({"what": what, "why": why, "states": states})

    def _remember(self, notes: Sequence[Mapping[str, str | int]]) -> None:
        for note in notes:
            self._give_up(str(note["what"]), str(note["why"]), int(note["states"]))

    def stop(self) -> None:
        """End the search soon, between two states."""
        self._search.stop = True

    def close(self) -> None:
        """Let others use the folder in which the search is kept. Idempotent."""
        if self._folder is not None:
            self._folder.close()

    def write_down(self, folder: Path) -> Shown | None:
        """Write the run that was found as a scenario and a trace; None when none was found."""
        for found in self._search.found.values():
            why = self._model.wrong_in(found.state)  # type: ignore[arg-type]
            return write_down(folder, self._model, found.steps, why, nodes=self._model.nodes, rule=self._rule)
        return None

    def report(self, outcome: Outcome[Action]) -> Report:
        """The report of an outcome."""
        model, found = self._model, outcome.found[0] if outcome.found else None
        progress, why = outcome.progress, ""
        if found is not None:
            why = model.wrong_in(found.state)  # type: ignore[arg-type]
        first = None if found is None else first_wrong(model, found.steps)
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
            first_step=0 if first is None else first.at_ms // STEP_MS,
            first_wrong=first,
            given_up=tuple(self.given_up),
        )
