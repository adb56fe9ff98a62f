"""Every schedule of our own nodes, within small bounds; with a rule broken, the shortest way to disaster."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations, product

import pytest

from paxos.ballot import Ballot
from simulator.node.node import Node
from simulator.node.storage.journal import JOURNAL
from simulator.settings import Settings
from simulator.tools.prove.command import Proof, Wishes
from simulator.worlds.exhaustive.cluster_model import Action, Budgets, ClusterModel, Numbers, Reductions
from simulator.worlds.exhaustive.driven_node import disk_of
from simulator.worlds.exhaustive.local_states import KINDS, Alive
from simulator.worlds.exhaustive.memory_disk import DERIVED
from simulator.worlds.exhaustive.node_states import MARK, NodeStates
from simulator.worlds.exhaustive.orbits import Asymmetric
from simulator.worlds.exhaustive.search import Bounds, Outcome, Search

NONE = Reductions(droppable=(), symmetry=False)
SMALL = [
    Budgets(writes=1, elections=1, crashes=1),
    pytest.param(Budgets(writes=1, elections=2), marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
    pytest.param(Budgets(writes=2, elections=1), marks=[pytest.mark.slow, pytest.mark.timeout(600)]),
]


def model_of(budgets: Budgets, rule: str | None = None, reductions: Reductions | None = None) -> ClusterModel:
    """A cluster of three nodes."""
    return ClusterModel(Settings(nodes=3, difficulty=0, break_rule=rule), budgets, reductions=reductions)


def every_schedule(budgets: Budgets, *, states: int = 0) -> tuple[ClusterModel, Outcome[Action]]:
    """Search a cluster of three nodes."""
    model = model_of(budgets)
    return model, Search(model).run(Bounds(states=states))


class Watched(ClusterModel):
    """Notes what is judged in every state that is expanded, whatever the nodes' numbers are."""

    def __init__(self, budgets: Budgets, reductions: Reductions) -> None:
        super().__init__(Settings(nodes=3, difficulty=0), budgets, reductions=reductions)
        self.judged: set[object] = set()

    def _look_up(self) -> None:
        super()._look_up()
        states_after = self.states_after

        def noted(state: Numbers) -> list[Numbers]:
            self._note(state)
            return states_after(state)

        self.states_after = noted  # type: ignore[method-assign]

    def _note(self, state: Numbers) -> None:
        nodes = []
        for local in state[:-1]:
            facts = self.steps_of.facts[self.locals.known[local][0]]
            open_votes = [(slot, vote) for slot, vote in facts.votes.items() if slot > len(facts.chain)]
            votes = tuple((slot, vote.ballot.round, vote.value) for slot, vote in open_votes)
            nodes.append((facts.chain, facts.promised.round, votes))
        self.judged.add(min(tuple(nodes[at] for at in order) for order in permutations(range(3))))


@pytest.mark.parametrize("budgets", SMALL, ids=str)
def test_no_reduction_loses_a_state_that_is_judged(budgets: Budgets) -> None:
    """Chains, promises and open votes of all nodes together are the same with each reduction and without."""
    seen = {}
    for droppable, symmetry in product(((), KINDS), (False, True)):
        model = Watched(budgets, Reductions(droppable=droppable, symmetry=symmetry))
        outcome = Search(model).run()
        assert outcome.complete
        assert not outcome.found
        seen[bool(droppable), symmetry] = model.judged, outcome.progress.states

    assert len({frozenset(judged) for judged, _ in seen.values()}) == 1
    assert seen[True, True][1] * 4 < seen[True, False][1] < seen[False, False][1]


@pytest.mark.parametrize("rule", ["small-accept-quorum", "promise-not-kept"])
def test_no_reduction_loses_a_verdict(rule: str) -> None:
    """With a rule broken the shortest run is as long, and breaks as much, with each reduction and without."""
    found = set()
    for droppable, symmetry in product(((), KINDS), (False, True)):
        wishes = Wishes(
            nodes=3,
            budgets=Budgets(writes=2, elections=2, crashes=1),
            bounds=Bounds(),
            break_rule=rule,
            reductions=Reductions(droppable=droppable, symmetry=symmetry),
        )
        report = Proof(wishes).run(lambda _progress: None)
        found.add((report.verdict, len(report.steps), report.why.split(": ")[-2]))

    assert len(found) == 1


@pytest.mark.parametrize(
    ("budgets", "states"),
    [
        (Budgets(writes=1, elections=1), 49),
        (Budgets(writes=1, elections=1, crashes=1), 346),
        (Budgets(writes=1, elections=2), 717),
        pytest.param(Budgets(writes=1, elections=2, crashes=1), 7_665, marks=pytest.mark.slow),
        pytest.param(Budgets(writes=2, elections=3), 262_271, marks=[pytest.mark.slow, pytest.mark.timeout(1_800)]),
    ],
    ids=str,
)
def test_complete_searches_find_nothing_wrong(budgets: Budgets, states: int) -> None:
    """All states are visited, in some of them the write is on all three chains, and the counts of the docs hold."""
    model, outcome = every_schedule(budgets)

    assert outcome.complete
    assert not outcome.found
    assert outcome.progress.states == states
    assert {model.steps_of.owners[at] for at, facts in enumerate(model.steps_of.facts) if len(facts.chain) == 1} == {
        1,
        2,
        3,
    }


def test_the_same_search_gives_the_same_states() -> None:
    """Nothing in it depends on chance or on the process."""
    first, second = (every_schedule(Budgets(writes=1, elections=1))[1] for _ in range(2))

    assert first.transitions == second.transitions
    assert first.progress.states == second.progress.states


@pytest.mark.parametrize(
    ("rule", "steps", "why"),
    [
        ("small-accept-quorum", 3, "decision"),
        ("accept-ignores-promise", 5, "promise"),
        ("promise-not-kept", 2, "promise"),
        ("speak-before-sync", 2, "promise"),
    ],
)
def test_a_broken_rule_is_found_by_a_shortest_run_that_replays(rule: str, steps: int, why: str) -> None:
    """The run is found without a hint. Taking its steps by name, without any reduction, leads to the violation."""
    proof = Proof(Wishes(nodes=3, budgets=Budgets(writes=2, elections=2, crashes=1), bounds=Bounds(), break_rule=rule))
    report = proof.run(lambda _progress: None)
    assert len(report.steps) == steps
    assert why in report.why

    plain = model_of(Budgets(writes=2, elections=2, crashes=1), rule, NONE)
    state = next(iter(plain.first()))
    for sentence in report.steps:
        state = next(after for step, after in plain.steps(state) if plain.tell(step) == sentence)
    assert plain.wrong_in(state) == report.why


def test_a_node_whose_number_matters_is_searched_without_symmetry() -> None:
    """Nodes whose ballots are compared by their owner first cannot be exchanged: that is noticed on the way."""
    budgets = Budgets(writes=1, elections=2)
    with pytest.raises(Asymmetric):
        Search(model_of(budgets, "text-ballots-id-first")).run()

    proof = Proof(Wishes(nodes=3, budgets=budgets, bounds=Bounds(states=3_000), break_rule="text-ballots-id-first"))
    report = proof.run(lambda _progress: None)

    assert report.states
    assert not proof.reductions.symmetry
    assert "symmetry of nodes" in [one.reduction for one in report.given_up]
    assert all(one.why and one.states for one in report.given_up)


def test_a_message_that_is_not_dead_after_all_is_kept() -> None:
    """Where a promise can go down again, an old ACCEPT may still be accepted: it is no longer dropped."""
    budgets, rule = Budgets(writes=2, elections=2), "promise-goes-down"
    with pytest.raises(Alive):
        Search(model_of(budgets, rule, Reductions(symmetry=False)), keep_going=True).run(Bounds(states=8_000))

    proof = Proof(Wishes(nodes=3, budgets=budgets, bounds=Bounds(), break_rule=rule))
    report = proof.run(lambda _progress: None)

    assert "promise" in report.why
    assert proof.reductions.droppable != KINDS
    assert proof.reductions.symmetry
    first = report.given_up[0]
    assert first.reduction == "dropping dead messages of the kind Accept"
    assert "below its promise" in first.why
    assert report.document()["given_up"] == [one._asdict() for one in report.given_up]


def test_what_a_node_serves_to_others_is_what_stands_for_it_serves() -> None:
    """A node that has restarted serves nothing until others confirm its chain: another one stands for it then."""
    model = model_of(Budgets(writes=1, elections=1, crashes=1), None, Reductions(symmetry=False))
    assert Search(model).run().complete
    nodes = model.steps_of
    known = range(len(nodes.facts))
    stood_for = [state for state in known if nodes.facts[state].chain and nodes.states.server(state) != state]
    empty = [state for state in known if not nodes.facts[state].chain]

    fetched = set()
    for state in stood_for:
        for asker in empty[::7]:
            if nodes.owners[asker] != nodes.owners[state]:
                done, same = (nodes.outcomes(asker, ("fetch", one)) for one in (state, nodes.states.server(state)))
                assert done == same
                fetched.add(done[0].after != asker)

    assert fetched == {False, True}


def test_a_search_that_is_cut_off_is_not_complete() -> None:
    """A bound on the states is named."""
    _, outcome = every_schedule(Budgets(writes=1, elections=2), states=100)

    assert outcome.cut_off == "states"
    assert not outcome.complete


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_default_bounds_are_right_in_every_order() -> None:
    """Two writes, two leaders and a crash: every state of three nodes, and no violation."""
    report = Proof(Wishes(nodes=3, budgets=Budgets(writes=2, elections=2, crashes=1), bounds=Bounds())).run(
        lambda _progress: None
    )

    assert (report.verdict, report.why, report.given_up) == ("complete", "", ())
    assert (report.states, report.depth) == (399_065, 24)


def test_what_is_judged_is_the_same_in_states_that_are_joined(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody crashes any more, votes for slots on the chain are not told apart, so they must not be judged.

    `--writes 2 --elections 3 --crashes 0` found two values at one ballot, one of them in a vote of another run.
    """
    known: dict[bytes, set[int]] = {}
    kept = NodeStates.kept

    def noted(states: NodeStates, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        number = kept(states, node, ballots)
        known.setdefault(states.rows[number].known, set()).add(number)
        return number

    monkeypatch.setattr(NodeStates, "kept", noted)
    model, _ = every_schedule(Budgets(writes=1, elections=2))
    facts = model.steps_of.facts
    joined = [[facts[state] for state in states] for states in known.values() if len(states) > 1]
    assert any(len({str(each.votes) for each in those}) > 1 for those in joined)
    assert all(len({str((each.chain, each.open().votes)) for each in those}) == 1 for those in joined)
    assert all(local[2] or model.locals.facts(local) == facts[local[0]].open() for local in model.locals.known)


def test_what_a_start_writes_anew_makes_no_other_state() -> None:
    """Whatever a crash leaves of blog.txt and meta.txt, the node comes to the same state as with all of them."""
    model, outcome = every_schedule(Budgets(writes=1, elections=2), states=1_000)
    assert outcome.progress.states > 500
    steps, compared = model.steps_of, 0
    for state, row in enumerate(list(steps.states.rows)):
        disk = disk_of(steps.states.node_in(state))
        for files in disk.remainders(derived=True):
            derived = {name: disk.files[name][0] for name in files if name in DERIVED}
            whole = {**files, **{name: (data, len(data)) for name, data in derived.items()}}
            assert steps.restarted(row.owner, files, row.opened) == steps.restarted(row.owner, whole, row.opened)
            compared += files != whole
    assert compared > 300


def test_what_the_journal_names_belongs_to_a_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever way a node comes to a state, its journal names the same blocks: a crash leaves the same of it."""
    named: dict[int, set[frozenset[bytes]]] = {}
    kept = NodeStates.kept

    def noted(states: NodeStates, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        data, synced = disk_of(node).files[JOURNAL]
        number = kept(states, node, ballots)
        named.setdefault(number, set()).add(frozenset(MARK.findall(data[:synced])))
        return number

    monkeypatch.setattr(NodeStates, "kept", noted)
    assert Search(model_of(Budgets(writes=1, elections=1, crashes=1))).run().complete
    assert {len(those) for those in named.values()} == {1}
    assert len(set().union(*named.values())) > 1
