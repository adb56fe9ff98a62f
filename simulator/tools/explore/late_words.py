"""Late words: a copy of a message arrives exactly when what it answers is asked again, under another ballot.

An acknowledgement, a vote, a decided prefix or fetched blocks may come from an earlier ballot, round or incarnation.
That harms a node that does not look at what they belong to, if they come when their number is used again: while a
heartbeat of the same round waits for its acknowledgements, or an ACCEPT for the same slot for its votes. A copy of such
a message is kept, and handed on in the millisecond after its receiver has asked again. Meanwhile the receiver may
have lost its leadership or crashed; afterwards it may be cut off, so that nothing but the late word answers it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from random import Random
from typing import Any

import msgspec

from paxos.ballot import NodeId
from paxos.messages import (
    Accept,
    Accepted,
    AnyMessage,
    AskRead,
    Catchup,
    CatchupReply,
    Decide,
    Forward,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    ReadAt,
    Reject,
    StepDown,
)
from simulator.cluster.message_text import KINDS
from simulator.faults.faults import DeliverHeld, Fault, KeepCopies
from simulator.tools.explore.trigger_actions import ACTIONS, Action, Fired, Victim
from simulator.trace.events import Event, FaultInjected, MessageSent
from simulator.trace.observer import Handler, Observer

Again = Callable[[Any, Any], bool]
"""True when the second message, which the receiver of the first one sends, uses the number of the first one again."""


def _other_ballot(old: Any, new: Any) -> bool:
    return bool(old.ballot != new.ballot)


def _same_round(old: HeartbeatAck, new: Heartbeat) -> bool:
    """A round of another ballot, which an acknowledgement of this round or a later one would cover."""
    return new.ballot != old.ballot and new.round <= old.round


def _same_slot(old: Accepted, new: Accept) -> bool:
    last = new.first_slot + len(new.values) - 1
    return old.ballot != new.ballot and new.first_slot <= old.last_slot and last >= old.first_slot


def _always(_old: Any, _new: Any) -> bool:
    return True


ASKED_AGAIN: dict[type, tuple[type, Again]] = {
    HeartbeatAck: (Heartbeat, _same_round),
    Accepted: (Accept, _same_slot),
    Promise: (Prepare, _other_ballot),
    Reject: (Prepare, _other_ballot),
    Decide: (Accepted, _other_ballot),
    Heartbeat: (Accepted, _other_ballot),
    PreVoteReply: (PreVote, _always),
    ReadAt: (AskRead, _always),
    ForwardReply: (Forward, _always),
    CatchupReply: (Catchup, _always),
    Accept: (Promise, _other_ballot),
    Prepare: (Accepted, _other_ballot),
    StepDown: (HeartbeatAck, _other_ballot),
}
"""For each kind of late message: the message by which its receiver uses the number again."""
_WEIGHTS = {HeartbeatAck: 4, Accepted: 3, Promise: 2, Decide: 2}
LATE_KINDS: tuple[str, ...] = tuple(
    name for name, kind in KINDS.items() for _ in range(_WEIGHTS.get(kind, 1)) if kind in ASKED_AGAIN
)
MEANWHILE: tuple[Action | None, ...] = (
    None, None, "reborn", "reborn", "reborn", "restless", "crash", "exile", "comeback",
)  # fmt: skip
AFTERWARDS: tuple[Action | None, ...] = (
    None, None, "comeback", "comeback", "exile", "deafen", "isolate", "half-mute", "crash",
)  # fmt: skip


class LateWord(msgspec.Struct, frozen=True):
    """From `from_ms` on, copies of `count` messages of `kind` are kept, until their number is used again.

    If it is not `strict`, any later question of the same kind will do. The number is used again `passes` times before
    they are handed on, `later_ms` after that. `meanwhile` and `afterwards` are what happens to their receiver when they
    are kept and when they are handed on; `seed` decides the rest.
    """

    from_ms: int
    kind: str
    count: int
    strict: bool
    passes: int
    later_ms: int
    meanwhile: Action | None
    afterwards: Action | None
    seed: int

    def line(self) -> str:
        """What it counts as."""
        return f"late {self.kind.upper()} when its number was used again"


def draw_late_words(dice: Random, nodes: int, heals_ms: int) -> tuple[LateWord, ...]:
    """Draw late words until `heals_ms`: of one kind or of several."""
    kinds = [dice.choice(LATE_KINDS) for _ in range(dice.choice((1, 2, 4, 6)))]
    every_ms = dice.choice((50, 150, 400))
    laid: list[LateWord] = []
    at_ms = dice.randint(0, 2 * every_ms)
    while at_ms < heals_ms:
        laid.append(
            LateWord(
                from_ms=at_ms,
                kind=dice.choice(kinds),
                count=dice.choice((1, nodes - 1, 2 * nodes)),
                strict=dice.random() < 0.75,
                passes=dice.choice((0, 0, 0, 1, 3, 8)),
                later_ms=dice.choice((0, 0, 0, 0, dice.randint(1, 60), dice.randint(100, 900))),
                meanwhile=dice.choice(MEANWHILE),
                afterwards=dice.choice(AFTERWARDS),
                seed=dice.randrange(1 << 30),
            )
        )
        at_ms += dice.randint(1, 2 * every_ms)
    return tuple(laid)


class _Kept:
    """The copies of one late word, by receiver. `missing` are still to come, `passes` are left for each receiver."""

    def __init__(self, word: LateWord) -> None:
        self.word = word
        self.kind = KINDS[word.kind]
        self.asks, self.again = ASKED_AGAIN[self.kind]
        self.missing = 0
        self.begun = False
        self.copies: dict[NodeId, list[tuple[NodeId, AnyMessage]]] = {}
        self.passes: dict[NodeId, int] = {}


class LateWordWatch(Observer):
    """Watches what is sent. `fired` collects when copies are to be kept and handed on."""

    def __init__(self, words: tuple[LateWord, ...], nodes: int) -> None:
        self.fired: list[Fired] = []
        self._nodes = nodes
        self._laid = list(words)
        self._kept: list[_Kept] = []  # Those whose copies are being kept, or wait.

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: self._sent, FaultInjected: self._injected} if self._laid else {}

    def _sent(self, event: MessageSent) -> None:
        at_ms, message = event.at_ms, event.message
        kind = type(message)
        if self._laid and self._laid[0].from_ms <= at_ms:
            word = self._laid.pop(0)
            self._kept.append(_Kept(word))
            self.fired.append(Fired(at_ms, "", [(0, KeepCopies(word.kind, word.count))]))
        for kept in tuple(self._kept):
            if kind is kept.kind and kept.missing:
                self._keep(kept, event)
            if kind is kept.asks and event.node in kept.copies:
                self._asked_again(kept, event)

    def _injected(self, event: FaultInjected) -> None:
        fault = event.fault
        if isinstance(fault, KeepCopies):
            for kept in self._kept:
                if kept.word.kind == fault.kind and not kept.begun:
                    kept.missing, kept.begun = fault.count, True
                    return

    def _keep(self, kept: _Kept, event: MessageSent) -> None:
        word = kept.word
        for target in event.to[: kept.missing]:
            kept.missing -= 1
            if target not in kept.copies and word.meanwhile is not None:
                self.fired.append(Fired(event.at_ms, "", _faults(word.meanwhile, target, word.seed, self._nodes)))
            kept.copies.setdefault(target, []).append((event.node, event.message))
            kept.passes.setdefault(target, word.passes)

    def _asked_again(self, kept: _Kept, event: MessageSent) -> None:
        """Hand on the copies for this node whose number it uses again."""
        target, word = event.node, kept.word
        late = [source for source, old in kept.copies[target] if not word.strict or kept.again(old, event.message)]
        if not late:
            return
        kept.passes[target] -= 1
        if kept.passes[target] >= 0:
            return
        del kept.copies[target]
        if not (kept.copies or kept.missing):
            self._kept.remove(kept)
        faults: list[tuple[int, Fault]] = []
        if word.afterwards is not None:
            faults += _faults(word.afterwards, target, word.seed + 1, self._nodes)
        faults += [(word.later_ms, DeliverHeld(link=(source, target))) for source in sorted({*late})]
        self.fired.append(Fired(event.at_ms, word.line(), faults))


def _faults(action: Action, node: NodeId, seed: int, nodes: int) -> list[tuple[int, Fault]]:
    return list(ACTIONS[action](Victim(node, nodes, seed)))
