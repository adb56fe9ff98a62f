"""Feeds the events of a trace to real nodes in virtual time: they must send, write, decide and answer the same.

A trace of version 4 says of each batch which messages, calls and timers a node handled, and what its own clock showed.
So the run is the same for the node, whichever world it came from, and whatever it does else is a difference.
"""

from __future__ import annotations

from pathlib import Path

import msgspec

from paxos.ballot import NodeId
from simulator.faults.faults import DAMAGES, DiskFault
from simulator.tools.rerun.node_again import Different, NodeAgain, NotFed
from simulator.trace.events import (
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    MessageDelivered,
    NodeRecovered,
    TimerFired,
    TurnBegan,
)
from simulator.trace.format import VERSION
from simulator.trace.reader import Trace, read_trace
from simulator.worlds.virtual.node_factory import SharedMiner

FIRST_VERSION = 4
"""Traces from this version on tell what a node handled in each batch."""
WORLDS = ("virtual", "processes")
CLUSTER = "0" * 16
"""Stands for the name of a cluster of processes, which no trace has."""


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `different` names the first event at which a node did something else; "" when none did.

    `turns` counts the batches that were compared. `left_out` says of a node, or of the whole trace (0), from when on it
    could not be fed again, and why.
    """

    turns: int
    different: str
    left_out: dict[NodeId, str]

    @property
    def verdict(self) -> str:
        """Whether the nodes did the same; "not replayed" when nothing could be compared."""
        return "different" if self.different else "same" if self.turns else "not replayed"

    def document(self) -> dict[str, object]:
        """As JSON."""
        return {"verdict": self.verdict, "batches": self.turns, "why": self.words}

    @property
    def words(self) -> str:
        """The outcome in a sentence for people."""
        if self.different:
            return f"replayed on real nodes: they differ at {self.different}"
        if 0 in self.left_out:
            return f"cannot be replayed: {self.left_out[0]}"
        partly = "".join(f"; node {node} {why}" for node, why in sorted(self.left_out.items()))
        return f"replayed on real nodes, batch by batch ({self.turns}): they do the same{partly}"


def rerun(name: str | Path, until: float | None = None) -> Rerun:
    """Feed a whole trace to real nodes. `until` is a moment of `time.monotonic`.

    Raises:
        InputError: the file is not a trace, or one of its lines is malformed.
        ReadingTimedOut: `until` is over.
    """
    trace = read_trace(name, until)
    if trace.header.world not in WORLDS:
        return Rerun(turns=0, different="", left_out={0: f"the nodes of the {trace.header.world} world are not ours"})
    if trace.header.trace < FIRST_VERSION:
        why = f"made by an older version (its format is {trace.header.trace}, and {VERSION} tells what is needed)"
        return Rerun(turns=0, different="", left_out={0: why})
    return _Rerun(trace).run()


class _Rerun:
    def __init__(self, trace: Trace) -> None:
        settings = trace.header.to_settings()
        real = trace.header.world != "virtual"
        cluster = CLUSTER if real else f"virtual-{settings.seed}"
        miner = SharedMiner()
        self._trace = trace
        self._nodes = {node: NodeAgain(node, settings, cluster, miner, real=real) for node in settings.node_ids}
        self._left_out: dict[NodeId, str] = {}

    def run(self) -> Rerun:
        different, index = "", 0
        try:
            for index, event in enumerate(self._trace.lines()):
                self._take(index, event)
            for node, again in self._nodes.items():
                if node not in self._left_out:
                    again.finish(index)
        except Different as found:
            different = f"line {found.event + 2} of the trace: {found}"
        turns = sum(node.turns for node in self._nodes.values())
        return Rerun(turns=turns, different=different, left_out=self._left_out)

    def _take(self, index: int, event: Event) -> None:
        if isinstance(event, FaultInjected):
            self._harm(event)
            return
        node = self._nodes.get(event.node)
        if node is None or event.node in self._left_out:
            return
        match event:
            case TurnBegan(own_ms=own_ms, inputs=inputs, nonce=nonce):
                node.turn(index, own_ms, inputs, nonce)
            case MessageDelivered(message=message):
                node.reached(message)
            case ClientCalled(call=call):
                node.reached(call)
            case TimerFired(timer=timer):
                node.woken(timer)
            case NodeRecovered(found=found):
                try:
                    node.begins(found)
                except NotFed as why:
                    self._left_out[event.node] = f"is left out from {event.at_ms / 1000:.3f} s on: {why}"
            case IncarnationEnded():
                node.ended(index)
            case _:
                node.expects(index, event)

    def _harm(self, event: FaultInjected) -> None:
        fault = event.fault
        if isinstance(fault, DiskFault) and fault.kind in DAMAGES and fault.node not in self._left_out:
            self._left_out[fault.node] = f"is left out from {event.at_ms / 1000:.3f} s on: its files were harmed"
