"""The leader's heartbeats, and which followers acknowledge them (rule 6)."""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Core
from paxos.learner import Learner
from paxos.messages import Heartbeat, HeartbeatAck
from paxos.rules import rule
from paxos.timeouts import Timeouts


class Heartbeats:
    """Rounds of heartbeats at one `ballot`. `round` numbers them across all leaderships of this incarnation."""

    def __init__(self, core: Core, timeouts: Timeouts, learner: Learner) -> None:
        self.core = core
        self.timeouts = timeouts
        self.learner = learner
        self.ballot: Ballot = NO_BALLOT
        self.round = 0
        self._acked: dict[NodeId, int] = {}
        self._acked_ms: dict[NodeId, int] = {}
        self._mute_ms: dict[NodeId, int] = {}  # When nodes with amnesia were heard: they are told, and never counted.

    def clear(self) -> None:
        """Forget all acknowledgements: a leadership begins or ends."""
        self._acked.clear()
        self._acked_ms.clear()
        self._mute_ms.clear()

    def send(self, prefix: Slot) -> None:
        """Start a round: send a heartbeat that announces the decided `prefix` to all followers."""
        self.round += 1
        self.core.send_now(
            self.core.others,
            Heartbeat(
                sender=self.core.me,
                ballot=self.ballot,
                decided=prefix,
                round=self.round,
                stamp=self.core.now,
                heard=self.heard() if not self._mute_ms else self.heard() + self._mute(),
                round_trip_ms=self.timeouts.round_trip_ms(),
            ),
        )

    def answered(self, node: NodeId) -> None:
        """`node` has answered this leader in some way: with a promise or a vote."""
        self._acked_ms[node] = self.core.now

    def on_ack(self, message: HeartbeatAck) -> None:
        """A follower acknowledged a heartbeat of this ballot."""
        if message.ballot != self.ballot:
            return
        self.timeouts.measured(message.sender, message.stamp)
        self.learner.want(message.decided, message.sender)
        now, sender = self.core.now, message.sender
        if not message.votes:
            self._mute_ms[sender] = now
            self._acked.pop(sender, None)
            self._acked_ms.pop(sender, None)
            return
        self.timeouts.heard_after(now - self._acked_ms.get(sender, now))
        self._acked_ms[sender] = now
        self._acked[sender] = max(message.round, self._acked.get(sender, 0))

    def heard(self) -> tuple[NodeId, ...]:
        """The other nodes whose answers reached this leader within one and a half election timeouts.

        That is longer than a follower waits: a few lost answers should not end a leadership that followers still hear.
        """
        oldest = self.core.now - 3 * self.timeouts.election_ms() // 2
        acked_ms = self._acked_ms
        return tuple([node for node in self.core.others if acked_ms.get(node, oldest) > oldest])

    def _mute(self) -> tuple[NodeId, ...]:
        oldest = self.core.now - 3 * self.timeouts.election_ms() // 2
        return tuple(node for node, at in sorted(self._mute_ms.items()) if at > oldest and node not in self._acked_ms)

    @rule("6")
    def has_majority(self) -> bool:
        """True when enough nodes to decide, this one included, have answered lately."""
        return self.core.quorums.completes_accept(len(self.heard()) + 1)

    def is_acknowledged(self, round_: int) -> bool:
        """True when a majority, this node included, has acknowledged `round_` or a later round."""
        return self.core.quorums.completes_accept(sum(acked >= round_ for acked in self._acked.values()) + 1)
