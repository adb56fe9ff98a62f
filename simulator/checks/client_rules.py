"""The rules of answers to clients: *durability*, *once*, *reads* and *blog*, checked against the replay of the chain.

An answered write is on the chain, in the block that the answer names, with the outcome that the replay gives it. All
answers to one request are equal. A read shows the blog exactly as it was after the block that it names. For a
linearizable read this block is not before any write that was answered before the call; for a local read it is not
before an earlier local read of that node.
"""

from __future__ import annotations

from blog.blog import Blog, Outcome
from paxos.ballot import NodeId
from paxos.messages import RequestId
from simulator.checks.chain_replay import ChainReplay
from simulator.checks.first_wrong import BLOG, READS, WORDS
from simulator.checks.oracle import Oracle
from simulator.node.client_api import (
    ClientRead,
    ClientWrite,
    Inspected,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.status import NodeStatus
from simulator.trace.events import ClientCalled, NodeReported


class _PendingRead:
    """A read without an answer. A linearizable read must show block `floor`."""

    __slots__ = ("floor", "kind", "linearizable", "name")

    def __init__(self, call: ClientRead, floor: int) -> None:
        self.kind = call.kind
        self.name = call.name
        self.linearizable = call.linearizable
        self.floor = floor


class ClientRules:
    """Checks clients' calls and nodes' answers."""

    def __init__(self, oracle: Oracle, replay: ChainReplay) -> None:
        self._oracle = oracle
        self._replay = replay
        self._reads: dict[int, _PendingRead] = {}
        self._answered: dict[RequestId, str] = {}
        self._seen_height = 0  # The highest block that any answer has shown.

    def called(self, event: ClientCalled) -> None:
        """A client's call reached a node."""
        call = event.call
        if type(call) is ClientWrite:
            request, issued = call.request, self._replay.issued
            if issued.setdefault(request.id, request.operation) != request.operation:
                why = "two writes have one name: a client that begins anew with its numbers needs a new name"
                self._oracle.violated(
                    "once", why, event.at_ms, event.node, request=request.id, step="answer", rule="14"
                )
        elif type(call) is ClientRead:
            self._reads[call.number] = _PendingRead(call, self._seen_height)

    def reported(self, event: NodeReported) -> None:
        """A node answered a client or showed its status."""
        at_ms, node, report = event.at_ms, event.node, event.report
        if type(report) is WriteAnswer:
            if report.kind in {"ok", "refused"}:
                self._check_write(at_ms, node, report)
            else:
                self._oracle.sometimes["writes given up"] += 1
        elif type(report) is ReadAnswer:
            asked = self._reads.pop(report.number, None)
            if asked is not None and report.kind == "ok":
                self._check_read(at_ms, node, asked, report)
            elif asked is not None:
                self._oracle.sometimes["reads given up"] += 1
        elif type(report) is Inspected:
            self._check_status(at_ms, node, report.state)

    def _check_write(self, at_ms: int, node: NodeId, answer: WriteAnswer) -> None:
        oracle, name = self._oracle, (answer.client, answer.seq)
        effect = self._replay.effects.get(name)
        if name in self._answered:
            oracle.sometimes["answers repeated"] += 1
        first = self._answered.setdefault(name, answer.text)
        if first != answer.text:
            why = f"one request was answered {first!r} and then {answer.text!r}"
            oracle.violated("once", why, at_ms, node, request=name, step="answer", rule="14")
        if effect is not None:
            self._seen_height = max(self._seen_height, effect.height)
        if not self._replay.whole:
            return
        if effect is None:
            why = f"node {node} answered {answer.kind} to a write that stands on no chain"
            oracle.violated("durability", why, at_ms, node, request=name, step="answer", rule="11")
            return
        if (effect.outcome is Outcome.OK) != (answer.kind == "ok"):
            why = f"a write was answered {answer.kind}, and became {effect.outcome.value!r} in block {effect.height}"
            rule = "13" if answer.kind == "refused" or effect.outcome is not Outcome.OK else "14"
            oracle.violated("once", why, at_ms, node, slot=effect.height, request=name, step="answer", rule=rule)
        if answer.height != effect.height:
            why = f"node {node} answers that block {answer.height} holds a write, and block {effect.height} does"
            oracle.violated("true-word", why, at_ms, node, slot=effect.height, request=name, step="answer", rule="11")

    def _check_read(self, at_ms: int, node: NodeId, asked: _PendingRead, answer: ReadAnswer) -> None:
        oracle, height = self._oracle, answer.height
        at = oracle.nodes[node]
        if height > at.height:
            why = f"node {node} answers a read at block {height}, and has applied {at.height}"
            oracle.violated("reads", why, at_ms, node, slot=height, step="answer", rule=READS)
        elif asked.linearizable:
            if height < asked.floor:
                why = (
                    f"node {node} answers a linearizable read as of block {height}; before it was asked, a client knew "
                    f"what block {asked.floor} did"
                )
                oracle.violated("reads", why, at_ms, node, slot=asked.floor, step="answer", rule=READS)
            self._seen_height = max(self._seen_height, height)
        if not asked.linearizable:
            if height < oracle.chosen_prefix:
                oracle.sometimes["stale local reads"] += 1
            if height < at.read_height:
                why = f"a local read of node {node} goes back from block {at.read_height} to {height}"
                oracle.violated("reads", why, at_ms, node, slot=height, step="answer", rule=READS)
            at.read_height = max(at.read_height, height)
        if self._replay.whole:
            whole = asked.kind == "whole"
            right = self._replay.whole_view(height) if whole else self._replay.view(answer.shown, asked.name, height)
            if answer.result != right:
                why = f"node {node} shows another blog than the replay of its {height} blocks"
                oracle.violated("blog", why, at_ms, node, slot=height, step="answer", rule=BLOG)

    def _check_status(self, at_ms: int, node: NodeId, state: NodeStatus) -> None:
        if state.height > self._oracle.nodes[node].height:
            return  # Newer than the events so far: it cannot be checked.
        known = self._replay.hashes.get(state.height)
        if known is not None and state.hash not in (known, self._oracle.nodes[node].tip):
            why = f"node {node} shows another chain"
            self._oracle.violated("chain", why, at_ms, node, slot=state.height, step="answer", rule=WORDS)
        if self._replay.whole and (state.posts, state.comments) != self._replay.counts(state.height):
            why = f"node {node} counts other posts and comments than the replay of its {state.height} blocks"
            self._oracle.violated("blog", why, at_ms, node, slot=state.height, step="answer", rule=BLOG)

    def check_blog(self, at_ms: int, node: NodeId, blog: Blog) -> None:
        """Compare a node's blog in memory with the replay of the blocks that it has applied."""
        height = self._oracle.nodes[node].height
        if not self._replay.whole:
            return
        shown = [
            [
                thread.post.title,
                thread.post.username,
                thread.post.content,
                [[comment.username, comment.content] for comment in thread.comments],
            ]
            for thread in blog.view_all()
        ]
        if shown != self._replay.whole_view(height):
            why = f"the blog of node {node} is not the replay of its {height} blocks"
            self._oracle.violated("blog", why, at_ms, node, slot=height, step="block", rule=BLOG)
