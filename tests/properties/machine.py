"""A cluster that is treated in any order by clients, faults and time: a rule-based state machine of hypothesis.

Written against the `Cluster` face alone, so the same rules run in the virtual world and against real processes; a world
is chosen by `make`. After each step the invariants must hold; at the end all is healed, and the cluster must come to
recovery. It keeps the plan of what it did, which `run_trial` repeats in the virtual world.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from simulator.cluster.interface import Cluster
from simulator.faults.faults import (
    Crash,
    CutLink,
    Fault,
    Heal,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule
from simulator.settings import Settings
from simulator.tools.explore.bound import bound_ms
from simulator.tools.explore.schedule import Call, Look, Schedule, ScheduledFault, Write, WriteKind
from tests.properties.driver import heal, recovers, scheduled, text
from tests.properties.strategies import LOOK_KINDS, TITLES, USERS, WRITE_KINDS, partitions, rules

NODES = 3
SOME = st.integers(1, NODES)
OTHERS = st.integers(1, NODES - 1)


class ClusterMachine(RuleBasedStateMachine):
    """Three nodes. `longest_step_ms` bounds how much time one step lets pass, `slack_ms` is added to the bound."""

    longest_step_ms = 600
    slack_ms = 0

    def __init__(self) -> None:
        super().__init__()
        self.cluster: Cluster
        self.incarnations = dict.fromkeys(range(1, NODES + 1), "up")
        self.faults: list[ScheduledFault] = []
        self.calls: list[Call] = []
        self.heights = dict.fromkeys(range(1, NODES + 1), 0)

    def make(self, settings: Settings) -> Cluster:
        """A new cluster."""
        raise NotImplementedError

    def end(self) -> None:
        """Look at what is left, and close the cluster."""
        self.cluster.close()

    @property
    def schedule(self) -> Schedule:
        """What was done so far."""
        return Schedule(
            settings=self.cluster.settings,
            faults=tuple(self.faults),
            calls=tuple(self.calls),
            heals_ms=self.cluster.now_ms() + 1,
            profile="state machine",
        )

    def dispatchers(self, fault: Fault, *, can: bool = True) -> None:
        """Carry out a fault, which must be refused exactly when it cannot be."""
        at_ms = self.cluster.now_ms()
        assert scheduled(self.cluster, fault) == can, f"{fault} at {at_ms} ms: expected {can}{text(self.schedule)}"
        if can:
            self.faults.append(ScheduledFault(at_ms, fault))

    @initialize(seed=st.integers(0, 1_000), ops_per_block=st.sampled_from((1, 4)), window=st.sampled_from((256, 2)))
    def begin(self, seed: int, ops_per_block: int, window: int) -> None:
        """A fresh cluster."""
        self.cluster = self.make(
            Settings(nodes=NODES, data="", seed=seed, difficulty=1, ops_per_block=ops_per_block, window=window)
        )

    # Clients

    @rule(
        node=SOME, client=SOME, kind=st.sampled_from(WRITE_KINDS), user=st.sampled_from(USERS),
        title=st.sampled_from(TITLES),
    )  # fmt: skip
    def write(self, node: int, client: int, kind: WriteKind, user: str, title: str) -> None:
        """A client asks for a post or a comment, and does not wait."""
        call = Write(self.cluster.now_ms(), client, node, kind, user, title, f"c{len(self.calls)}")
        self.cluster.submit(node, call.operation(), process=client)
        self.calls.append(call)

    @rule(node=SOME, client=SOME, kind=st.sampled_from(LOOK_KINDS), which=SOME, linearizable=st.booleans())
    def look(self, node: int, client: int, kind: Any, which: int, linearizable: bool) -> None:
        """A client reads, and does not wait."""
        name = {"all": "", "user": USERS[which % 2], "title": TITLES[which - 1]}[kind]
        call = Look(self.cluster.now_ms(), client, node, kind, name, linearizable)
        self.cluster.read(node, call.query(), process=client)
        self.calls.append(call)

    # Nodes

    @rule(node=SOME)
    def crash(self, node: int) -> None:
        """Kill -9."""
        self.dispatchers(Crash(node), can=self.incarnations[node] != "down")
        self.incarnations[node] = "down"
        self.heights[node] = 0  # The end of its chain was perhaps not synced; it will be learned again.

    @rule(node=SOME)
    def restart(self, node: int) -> None:
        """The same files, a new process."""
        down = self.incarnations[node] == "down"
        self.dispatchers(Restart(node), can=down)
        if down:
            self.incarnations[node] = "up"

    @rule(node=SOME)
    def pause(self, node: int) -> None:
        """It stands still."""
        up = self.incarnations[node] == "up"
        self.dispatchers(Pause(node), can=up)
        if up:
            self.incarnations[node] = "paused"

    @rule(node=SOME)
    def resume(self, node: int) -> None:
        """It goes on."""
        paused = self.incarnations[node] == "paused"
        self.dispatchers(Resume(node), can=paused)
        if paused:
            self.incarnations[node] = "up"

    # Links

    @rule(fault=partitions(NODES))
    def partition(self, fault: Partition) -> None:
        """Two sides."""
        self.dispatchers(fault)

    @rule(node=SOME, other=OTHERS, one_way=st.booleans())
    def cut(self, node: int, other: int, one_way: bool) -> None:
        """A link fails."""
        self.dispatchers(CutLink(node, other + (other >= node), one_way))

    @rule(node=SOME, other=OTHERS, one_way=st.booleans())
    def mend(self, node: int, other: int, one_way: bool) -> None:
        """A link works again."""
        self.dispatchers(MendLink(node, other + (other >= node), one_way))

    @rule(conditions=rules())
    def conditions(self, conditions: LinkRule) -> None:
        """On all links."""
        self.dispatchers(LinkConditions(conditions))

    @rule()
    def heal_links(self) -> None:
        """All links whole."""
        self.dispatchers(Heal())

    # Time

    @rule(share=st.floats(0, 1))
    def let_time_pass(self, share: float) -> None:
        """Nothing else happens for a while."""
        self.cluster.wait(lambda: False, round(share * self.longest_step_ms))

    # What must hold

    @invariant()
    def nothing_is_violated(self) -> None:
        """After each step."""
        if hasattr(self, "cluster"):
            wrong = {name: why for name, why in self.cluster.check().items() if why != "ok"}
            assert not wrong, f"{wrong}{text(self.schedule)}"

    @invariant()
    def chains_are_prefixes_of_one_another(self) -> None:
        """Seen by our own eyes: line for line, and no chain of a living node grows shorter."""
        if not hasattr(self, "cluster"):
            return
        chains = []
        for node in self.incarnations:
            height = self.cluster.status(node).height
            if self.incarnations[node] != "down":
                assert height >= self.heights[node], text(self.schedule)
                self.heights[node] = height
            chains.append(self.cluster.chain_lines(node, 1, height))
        chains.sort(key=len)
        for shorter, longer in pairwise(chains):
            assert longer[: len(shorter)] == shorter, text(self.schedule)

    def teardown(self) -> None:
        """The cluster must recover, within the bound that the whole schedule allows."""
        if not hasattr(self, "cluster"):
            return
        try:
            allowed = bound_ms(self.schedule) + self.slack_ms
            heal(self.cluster)
            recovers(self.cluster, allowed)
            self.nothing_is_violated()
        except AssertionError as error:
            if "run_plan" in str(error):
                raise
            raise AssertionError(f"{error}{text(self.schedule)}") from error
        finally:
            self.end()
