"""What clients are told, held against the replay of the chain: *durability*, *once*, *reads*, *blog*.

An answered write stands on the chain, with the outcome that the replay gives it, and every later answer to the same
request says the same. A read shows the blog exactly as it was after the block that it names: a linearizable one after
every write answered before it was asked, a local one never before what the same node has shown already.
"""

from __future__ import annotations

from blog.blog import Blog, Outcome
from paxos.ballot import NodeId
from simulator.checks.chain_replay import ChainReplay, Name
from simulator.checks.oracle import Oracle
from simulator.node.client_api import (
    ClientCall,
    ClientRead,
    ClientWrite,
    Inspected,
    NodeReport,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.status import NodeStatus


class _Asked:
    """A read under way; `floor` is the height that a linearizable one must have reached."""

    __slots__ = ("floor", "kind", "linearizable", "name")

    def __init__(self, call: ClientRead, floor: int) -> None:
        self.kind = call.kind
        self.name = call.name
        self.linearizable = call.linearizable
        self.floor = floor


class ClientRules:
    """Calls and answers of clients."""

    def __init__(self, oracle: Oracle, replay: ChainReplay) -> None:
        self._oracle = oracle
        self._replay = replay
        self._reads: dict[int, _Asked] = {}
        self._answered: dict[Name, str] = {}
        self._seen_height = 0  # What some client knows to have happened: later reads must show it.

    def asked(self, call: ClientCall) -> None:
        """See `Observer`."""
        if type(call) is ClientWrite:
            request = call.request
            self._replay.issued[request.client, request.seq] = request.operation
        elif type(call) is ClientRead:
            self._reads[call.number] = _Asked(call, self._seen_height)

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """See `Observer`."""
        if type(report) is WriteAnswer:
            if report.kind in {"ok", "refused"}:
                self._judge_write(at_ms, node, report)
            else:
                self._oracle.sometimes["writes given up"] += 1
        elif type(report) is ReadAnswer:
            asked = self._reads.pop(report.number, None)
            if asked is not None and report.kind == "ok":
                self._judge_read(at_ms, node, asked, report)
            elif asked is not None:
                self._oracle.sometimes["reads given up"] += 1
        elif type(report) is Inspected:
            self._judge_state(at_ms, node, report.state)

    def _judge_write(self, at_ms: int, node: NodeId, answer: WriteAnswer) -> None:
        oracle, name = self._oracle, (answer.client, answer.seq)
        effect = self._replay.effects.get(name)
        if name in self._answered:
            oracle.sometimes["answers repeated"] += 1
        first = self._answered.setdefault(name, answer.text)
        if first != answer.text:
            why = f"one request was answered {first!r} and then {answer.text!r}"
            oracle.violated("once", why, at_ms, node, request=name)
        if effect is not None:
            self._seen_height = max(self._seen_height, effect.height)
        if not self._replay.whole:
            return
        if effect is None:
            why = f"node {node} answered {answer.kind} to a write that stands on no chain"
            oracle.violated("durability", why, at_ms, node, request=name)
            return
        if (effect.outcome is Outcome.OK) != (answer.kind == "ok"):
            why = f"a write was answered {answer.kind}, and became {effect.outcome.value!r} in block {effect.height}"
            oracle.violated("once", why, at_ms, node, slot=effect.height, request=name)

    def _judge_read(self, at_ms: int, node: NodeId, asked: _Asked, answer: ReadAnswer) -> None:
        oracle, height = self._oracle, answer.height
        at = oracle.nodes[node]
        if height > at.height:
            why = f"node {node} answers a read at block {height}, and has applied {at.height}"
            oracle.violated("reads", why, at_ms, node, slot=height)
        elif asked.linearizable:
            if height < asked.floor:
                why = (
                    f"node {node} answers a linearizable read as of block {height}; before it was asked, a client knew "
                    f"what block {asked.floor} did"
                )
                oracle.violated("reads", why, at_ms, node, slot=asked.floor)
            self._seen_height = max(self._seen_height, height)
        if not asked.linearizable:
            if height < oracle.chosen_prefix:
                oracle.sometimes["stale local reads"] += 1
            if height < at.read_height:
                why = f"a local read of node {node} goes back from block {at.read_height} to {height}"
                oracle.violated("reads", why, at_ms, node, slot=height)
            at.read_height = max(at.read_height, height)
        if self._replay.whole:
            whole = asked.kind == "whole"
            right = self._replay.whole_view(height) if whole else self._replay.view(answer.shown, asked.name, height)
            if answer.result != right:
                why = f"node {node} shows another blog than the replay of its {height} blocks"
                oracle.violated("blog", why, at_ms, node, slot=height)

    def _judge_state(self, at_ms: int, node: NodeId, state: NodeStatus) -> None:
        if state.height > self._oracle.nodes[node].height:
            return  # A picture of what this checker has not been told of: nothing can be said.
        known = self._replay.hashes.get(state.height)
        if known is not None and known != state.hash:
            self._oracle.violated("chain", f"node {node} shows another chain", at_ms, node, slot=state.height)
        if self._replay.whole and (state.posts, state.comments) != self._replay.counts(state.height):
            why = f"node {node} counts other posts and comments than the replay of its {state.height} blocks"
            self._oracle.violated("blog", why, at_ms, node, slot=state.height)

    def look_at_blog(self, at_ms: int, node: NodeId, blog: Blog) -> None:
        """Compare the whole blog of a node that lives with the replay of what it has applied."""
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
            self._oracle.violated("blog", why, at_ms, node, slot=height)
