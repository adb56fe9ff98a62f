"""A stage for stories of three acceptors: whole nodes on disks that forget, and every message delivered by hand.

Time stands still unless the story moves it, and no alarm rings by itself, so a story is a list of deliveries, as in the
proofs. The invariant checker watches. What is sent waits in `letters` until the story delivers or loses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Any, NamedTuple

import pytest

from blog.operations import Comment, Operation, Post
from chain.block import Block
from paxos.ballot import Ballot, NodeId
from paxos.effects import Timer
from paxos.messages import (
    Accept,
    Accepted,
    AnyMessage,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    Request,
)
from paxos.records import JournalRecord
from simulator.checks.invariants import InvariantChecker
from simulator.faults.faults import ALL_FILES, DiskFault
from simulator.mutants.registry import find, node_type, quorums
from simulator.node.client_api import ClientCall, ClientRead, ClientWrite, NodeReport, ReadAnswer, WriteAnswer
from simulator.node.codec import operation_text
from simulator.node.node import Node, NodeStopped
from simulator.node.storage.identity import Past
from simulator.node.storage.journal import JOURNAL
from simulator.node.storage.storage import Recovered, Storage
from simulator.settings import Settings
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)
from simulator.worlds.virtual.disk import SimulatedDisk

COVERED: set[str] = set()
"""Every rule that some story breaks."""


def tells_of(*rules: str) -> pytest.MarkDecorator:
    """A story that is told once with the protocol as it is, and once for each of these rules broken."""
    COVERED.update(rules)
    return pytest.mark.parametrize("rule", [None, *rules], ids=["sound", *rules])


def judge(rule: str | None, broken: Iterable[str], *, well: bool = True) -> None:
    """The sound protocol breaks nothing and ends well; a broken rule is noticed, by what its mutant expects."""
    found = set(broken)
    if rule is None:
        assert not found
        assert well
    else:
        expected = set(find(rule).expects)
        noticed = found | (set() if well else {"progress"})
        assert noticed & expected, f"{rule}: found {found}, ended {'well' if well else 'badly'}"


class Letter(NamedTuple):
    """A message on its way."""

    source: NodeId
    target: NodeId
    message: AnyMessage
    number: int


class Seat:
    """Where one node sits: its disk, its incarnation, and the world as it sees it (`Host` and `Probe`)."""

    def __init__(self, cluster: PuppetCluster, node: NodeId) -> None:
        self.me = node
        self.disk = SimulatedDisk(Random(node), lambda: 0)
        self.node: Node | None = None
        self.behind_ms = 0
        self.started = 0
        self.cluster = cluster

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        self.cluster.sent(self.me, to, message)

    def push(self) -> None:
        """See `Host`."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`."""

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        self.cluster.reported(self.me, report)

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self.cluster.checker.observe(NodeRecovered(at_ms=self.cluster.now, node=self.me, found=recovered))

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self.cluster.checker.observe(RecordsAppended(at_ms=self.cluster.now, node=self.me, records=tuple(records)))

    def synced(self) -> None:
        """See `Probe`."""
        self.cluster.checker.observe(JournalSynced(at_ms=self.cluster.now, node=self.me))

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self.cluster.checker.observe(BlocksApplied(at_ms=self.cluster.now, node=self.me, blocks=tuple(blocks)))

    def happened(self, what: str) -> None:
        """See `Probe`."""


class PuppetCluster:
    """`nodes` of them, with `rule` broken. If `simulated`, what is judged in simulated time alone is judged too."""

    def __init__(self, rule: str | None, nodes: int = 3, *, simulated: bool = False, **settings: Any) -> None:
        self.settings = Settings(nodes=nodes, data="", break_rule=rule, **{"difficulty": 0, **settings})
        prepare, accept = quorums(rule)
        self.checker = InvariantChecker(
            self.settings, prepare_quorum=prepare, accept_quorum=accept, simulated=simulated
        )
        self.now = 1_000
        self.letters: list[Letter] = []
        self.answers: dict[tuple[str, int], WriteAnswer] = {}
        self.shown: dict[int, ReadAnswer] = {}
        self.stopped: list[NodeId] = []
        self.seats = {node: Seat(self, node) for node in self.settings.node_ids}
        self._numbers = 0
        self._asked = 0
        for node in self.seats:
            self.restart(node)

    # What happens by hand

    def restart(self, node: NodeId) -> None:
        """An incarnation on the node's files."""
        seat = self.seats[node]
        storage = Storage(seat.disk, self.settings.difficulty, past=Past(began=seat.started > 0))
        seat.started += 1
        made = seat.node = node_type(self.settings.break_rule)(
            node, self.settings, storage, seat, probe=seat, nonce=seat.started
        )
        self._let(node, lambda: made.start(self._clock(node)))

    def crash(self, node: NodeId, *, keeps: tuple[str, ...] = ()) -> None:
        """The power is gone, and with it all that was not synced but in these files. What was sent is on its way."""
        seat = self.seats[node]
        seat.node = None
        seat.disk.settle()
        for name, file in seat.disk.files.items():
            if name in keeps:
                file.synced = len(file.data)
            del file.data[file.synced :]
        seat.disk.lose_power()
        self.checker.observe(IncarnationEnded(at_ms=self.now, node=node, how="it was killed"))

    def kill(self, node: NodeId, durable: int) -> None:
        """The process dies while it syncs its journal, of which `durable` bytes were safe before; all stay for now."""
        seat = self.seats[node]
        seat.node = None
        seat.disk.settle()
        seat.disk.files[JOURNAL].synced = durable
        seat.disk.end_process()
        self.checker.observe(IncarnationEnded(at_ms=self.now, node=node, how="its process was killed"))

    def journal_bytes(self, node: NodeId) -> int:
        """The length of the node's journal."""
        return len(self.seats[node].disk.files[JOURNAL].data)

    def wipe(self, node: NodeId) -> None:
        """The power is gone, and all files with it; then an incarnation on what is left, which is nothing."""
        self.crash(node)
        self.seats[node].disk.files.clear()
        self.checker.observe(FaultInjected(at_ms=self.now, node=node, fault=DiskFault(node, "wipe", ALL_FILES)))
        self.restart(node)

    def tick(self, ms: int = 1_000, *, asleep: NodeId | None = None) -> None:
        """Time passes in which nothing happens: long enough for a silent leader to count as lost.

        The clock of the node that is `asleep` stands still.
        """
        self.now += ms
        if asleep is not None:
            self.seats[asleep].behind_ms += ms

    def ring(self, node: NodeId, timer: Timer) -> None:
        """An alarm."""
        self._let(node, lambda: self._node(node).wake(timer, self._clock(node)))

    def deliver(
        self,
        kind: type[AnyMessage] | tuple[type[AnyMessage], ...] | None = None,
        *,
        source: NodeId | None = None,
        to: NodeId | Iterable[NodeId] | None = None,
        ballot: Ballot | None = None,
        keep: bool = False,
    ) -> int:
        """Deliver all letters of this kind, one by one; `keep` leaves them underway, to come once more. How many."""
        chosen = self.letters_of(kind, source=source, to=to, ballot=ballot)
        for letter in chosen:
            if not keep:
                self.letters.remove(letter)
            self._arrive(letter)
        return len(chosen)

    def lose(
        self,
        kind: type[AnyMessage] | tuple[type[AnyMessage], ...] | None = None,
        *,
        source: NodeId | None = None,
        to: NodeId | Iterable[NodeId] | None = None,
    ) -> None:
        """These letters never arrive."""
        for letter in self.letters_of(kind, source=source, to=to):
            self.letters.remove(letter)

    def letters_of(
        self,
        kind: type[AnyMessage] | tuple[type[AnyMessage], ...] | None = None,
        *,
        source: NodeId | None = None,
        to: NodeId | Iterable[NodeId] | None = None,
        ballot: Ballot | None = None,
    ) -> list[Letter]:
        """Letters that are underway."""
        targets = None if to is None else {to} if isinstance(to, int) else set(to)
        return [
            letter
            for letter in self.letters
            if (kind is None or isinstance(letter.message, kind))
            and (source is None or letter.source == source)
            and (targets is None or letter.target in targets)
            and (ballot is None or getattr(letter.message, "ballot", None) == ballot)
        ]

    def flow(self, *nodes: NodeId) -> None:
        """Deliver everything among these nodes (all, if none is named) until they have nothing more to say."""
        among = set(nodes) or set(self.seats)
        while letter := next((one for one in self.letters if {one.source, one.target} <= among), None):
            self.letters.remove(letter)
            self._arrive(letter)

    def elect(self, node: NodeId, *voters: NodeId) -> None:
        """`node` campaigns, with the promises of `voters` and its own; others hear nothing of it."""
        if not self.letters_of(PreVote, source=node):  # With a client that waits it has asked already.
            self.ring(node, Timer.ELECTION)
        for kind in (PreVote, PreVoteReply, Prepare, Promise):
            for voter in voters:
                ends = (node, voter) if kind in (PreVote, Prepare) else (voter, node)
                self.deliver(kind, source=ends[0], to=ends[1])
        self.lose((PreVote, Prepare), source=node)

    def accept(self, leader: NodeId, *voters: NodeId, answer: bool = True) -> None:
        """The newest ACCEPTs of `leader` reach `voters`, and their answers, if so, reach it."""
        self.deliver(Accept, source=leader, to=voters)
        if answer:
            for voter in voters:
                self.deliver(Accepted, source=voter, to=leader)

    # Clients

    def write(self, node: NodeId, title: str) -> Request:
        """A client posts something at `node`."""
        return self.ask(node, Post("ann", title, f"about {title}"))

    def comment(self, node: NodeId, title: str) -> Request:
        """A client comments on a post at `node`."""
        return self.ask(node, Comment("bob", title, "indeed"))

    def ask(self, node: NodeId, operation: Operation) -> Request:
        """A client writes at `node`."""
        self._asked += 1
        client = f"c{self._asked}"
        request = Request(client, self._asked, operation_text(operation, client, self._asked))
        self.again(node, request)
        return request

    def again(self, node: NodeId, request: Request) -> None:
        """The client of `request` sends it to `node`, perhaps once more."""
        self._call(node, ClientWrite(request))

    def read(self, node: NodeId) -> int:
        """A client asks `node` for a linearizable view of the whole blog."""
        self._asked += 1
        self._call(node, ClientRead(self._asked, "all", "", linearizable=True))
        return self._asked

    # What can be seen

    def height(self, node: NodeId) -> int:
        """Blocks that a node has applied."""
        return self._node(node).state_machine.height

    def answered(self, request: Request) -> bool:
        """Whether its client knows what became of it."""
        return request.id in self.answers

    def leads(self, node: NodeId) -> bool:
        """Whether a node leads, in its own eyes."""
        return self._node(node).replica.status().role == "leader"

    def broken(self) -> set[str]:
        """Every invariant that was violated, the blogs in memory looked at too."""
        for node, seat in self.seats.items():
            if seat.node is not None:
                self.checker.check_blog(self.now, node, seat.node.state_machine.blog)
        return set(self.checker.violations)

    # What nodes do

    def sent(self, source: NodeId, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host.send`."""
        self._numbers += 1
        self.checker.observe(MessageSent(at_ms=self.now, node=source, to=to, message=message, number=self._numbers))
        self.letters += [Letter(source, target, message, self._numbers) for target in to]

    def reported(self, node: NodeId, report: NodeReport) -> None:
        """See `Host.report`."""
        self.checker.observe(NodeReported(at_ms=self.now, node=node, report=report))
        if isinstance(report, WriteAnswer):
            self.answers[report.client, report.seq] = report
        elif isinstance(report, ReadAnswer):
            self.shown[report.number] = report

    def _call(self, node: NodeId, call: ClientCall) -> None:
        self.checker.observe(ClientCalled(at_ms=self.now, node=node, call=call))
        self._let(node, lambda: self._node(node).call(call, self._clock(node)))

    def _arrive(self, letter: Letter) -> None:
        if self.seats[letter.target].node is not None:
            self.checker.observe(
                MessageDelivered(
                    at_ms=self.now,
                    node=letter.target,
                    source=letter.source,
                    message=letter.message,
                    number=letter.number,
                )
            )
            self._let(
                letter.target, lambda: self._node(letter.target).receive(letter.message, self._clock(letter.target))
            )

    def _let(self, node: NodeId, act: Callable[[], None]) -> None:
        """One batch. A node that stops itself is out of the story."""
        try:
            act()
            self._node(node).flush(self._clock(node))
        except NodeStopped:
            self.seats[node].node = None
            self.stopped.append(node)

    def _clock(self, node: NodeId) -> int:
        return self.now - self.seats[node].behind_ms

    def _node(self, node: NodeId) -> Node:
        made = self.seats[node].node
        assert made is not None, f"node {node} is down"
        return made
