"""One node of a trace, fed again what it was fed: the real `Node`, by the clock of the trace, with files in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage, Catchup
from paxos.records import JournalRecord
from simulator.errors import InputError
from simulator.mutants.registry import node_type
from simulator.node.client_api import ClientCall, Inspected, NodeFailed, NodeReport
from simulator.node.node import Node, NodeStopped
from simulator.node.storage.identity import Identity
from simulator.node.storage.storage import Recovered
from simulator.settings import Settings
from simulator.tools.rerun.memory_files import FoundStorage, MemoryFiles, what_was_left
from simulator.trace.events import (
    BlocksApplied,
    Event,
    JournalSynced,
    MessageSent,
    NodeReported,
    RecordsAppended,
)
from simulator.worlds.virtual.node_factory import SharedMiner

Deed = tuple[object, ...]
"""What a node does that others see: ("sends", to, message), ("writes", records), ("syncs",), ("applies", blocks)."""


class Different(Exception):
    """The node does something else than the trace says: the sentence tells what, `event` is the index of the event."""

    def __init__(self, event: int, why: str) -> None:
        super().__init__(why)
        self.event = event


class NotFed(Exception):
    """From here on the trace does not tell what this node was fed: the sentence tells why."""


class NodeAgain:
    """Takes the events of one node in their order. `turns` counts the batches that were compared.

    A batch is compared when the next begins. At the end of an incarnation the trace may lack its last deeds.
    """

    def __init__(self, me: NodeId, settings: Settings, cluster: str, miner: SharedMiner, *, real: bool) -> None:
        self.turns = 0
        self._me = me
        self._settings = settings
        self._identity = Identity(cluster, me)
        self._class = node_type(settings.break_rule)
        self._miner = miner
        self._real = real
        self._files = MemoryFiles()
        self._node: Node | None = None
        self._queue: deque[AnyMessage | ClientCall] = deque()
        self._owed = 0
        self._now = 0
        self._nonce = 0
        self._starting = False
        self._stopped = ""
        self._done: list[Deed] = []
        self._reports: list[NodeReport] = []
        self._expected: list[tuple[int, Deed]] = []
        self._expected_reports: list[tuple[int, NodeReport]] = []

    # What it is fed

    def reached(self, what: AnyMessage | ClientCall) -> None:
        """A message or a call has reached it: it waits, or belongs to the batch that has begun."""
        self._queue.append(what)
        self._handle_owed()

    def turn(self, event: int, own_ms: int, inputs: int, nonce: int) -> None:
        """A batch begins; the one before is over."""
        self._finish(event, whole=True)
        self._now, self._owed, self._starting = own_ms, inputs, bool(nonce)
        if nonce:
            self._nonce, self._node, self._stopped = nonce, None, ""
        self._handle_owed()

    def woken(self, timer: Timer) -> None:
        """A timer fires in the batch that has begun."""
        node = self._node
        if node is not None:
            self._drive(lambda: node.wake(timer, self._now))

    def begins(self, found: Recovered) -> None:
        """It has read its files: from here on it is a node again.

        Raises:
            NotFed: the trace does not tell what was in them.
        """
        if not self._starting:
            raise NotFed("it reads its files in the middle of its life")
        if found.damaged or found.lost:
            raise NotFed("its files were damaged, and the trace does not hold them")
        left = what_was_left(self._files, found, self._identity, self._settings.difficulty)
        if left is None:
            raise NotFed("it began with files that the trace does not hold")
        self._files, self._starting = left, False
        storage = FoundStorage(left, self._settings.difficulty, self._identity)
        storage.found = found
        node = self._node = self._class(
            self._me, self._settings, storage, self, probe=self, miner=self._miner, nonce=self._nonce
        )
        self._drive(lambda: node.start(self._now))

    def ended(self, event: int) -> None:
        """Its incarnation ends, perhaps in the middle of a batch; what waits for it is lost."""
        self._finish(event, whole=False)
        self._node, self._owed = None, 0
        self._queue.clear()

    # What it is said to do

    def expects(self, index: int, event: Event) -> None:
        """The trace says that it does this in the batch that has begun."""
        match event:
            case MessageSent(to=to, message=message):
                if not self._may_wait(message):
                    self._expected.append((index, ("sends", tuple(sorted(to)), message)))
            case RecordsAppended(records=records):
                self._expected.append((index, ("writes", records)))
            case JournalSynced():
                self._expected.append((index, ("syncs",)))
            case BlocksApplied(blocks=blocks):
                self._expected.append((index, ("applies", blocks)))
            case NodeReported(report=report):
                if not isinstance(report, Inspected):
                    self._expected_reports.append((index, report))
            case _:
                pass

    # The host and the probe of the node

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        if not self._may_wait(message):
            self._done.append(("sends", tuple(sorted(to)), message))

    def push(self) -> None:
        """See `Host`. Nothing waits."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`. The trace tells when it fires."""

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        if not isinstance(report, Inspected):
            self._reports.append(report)

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`. The trace has told what it finds."""

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self._done.append(("writes", tuple(records)))

    def synced(self) -> None:
        """See `Probe`."""
        self._done.append(("syncs",))

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self._done.append(("applies", tuple(blocks)))

    def happened(self, what: str) -> None:
        """See `Probe`. It is no event."""

    # Batches

    def _may_wait(self, message: AnyMessage) -> bool:
        """A real node holds back a request for blocks for a while, or drops it for a newer one."""
        return self._real and type(message) is Catchup

    def _handle_owed(self) -> None:
        node = self._node
        while self._owed and self._queue and node is not None:
            self._owed -= 1
            what = self._queue.popleft()
            if isinstance(what, ClientCall):
                self._drive(lambda what=what: node.call(what, self._now))  # type: ignore[misc]
            else:
                self._drive(lambda what=what: node.receive(what, self._now))  # type: ignore[misc]

    def _drive(self, act: Callable[[], None]) -> None:
        if self._stopped:
            return
        try:
            act()
        except NodeStopped as stopped:
            self._stopped = str(stopped)
        except InputError as error:
            self._stopped = str(error)

    def finish(self, event: int) -> None:
        """The trace ends here: the last batch may have gone on."""
        self._finish(event, whole=False)

    def _finish(self, event: int, *, whole: bool) -> None:
        """Flush the batch, and compare what the node did with what the trace says."""
        node = self._node
        if node is not None:
            if self._owed and whole:
                raise Different(event, f"node {self._me} handles {self._owed} more messages than have reached it")
            self._drive(lambda: node.flush(self._now))
            self._compare(self._expected, self._done, event, whole=whole)
            reports = [(index, ("tells", report)) for index, report in self._expected_reports]
            failed = not whole and reports and isinstance(reports[-1][1][1], NodeFailed)
            done: list[Deed] = [("tells", report) for report in self._reports]
            self._compare(reports[:-1] if failed else reports, done, event, whole=whole)
            self.turns += 1
        for kept in (self._expected, self._done, self._reports, self._expected_reports):
            kept.clear()

    def _compare(self, expected: Sequence[tuple[int, Deed]], done: list[Deed], event: int, *, whole: bool) -> None:
        for (index, deed), mine in zip(expected, done, strict=False):
            if deed != mine:
                raise Different(index, f"node {self._me} {_words(deed)}, and fed the same it {_words(mine)}")
        if len(expected) > len(done):
            index, deed = expected[len(done)]
            raise Different(index, f"node {self._me} {_words(deed)}, and fed the same it does not")
        if whole and len(done) > len(expected):
            raise Different(event, f"node {self._me}, fed the same, {_words(done[len(expected)])}, and here it did not")


def _words(deed: Deed) -> str:
    what = str(deed[0])
    text = " ".join(str(part) for part in deed[1:])
    return f"{what} {text}".strip() if len(text) <= 200 else f"{what} {text[:200]}…"
