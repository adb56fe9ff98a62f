"""What this node knows of the leader: who leads, at which ballot, heard directly or named by peers.

Peers that do not hear the leader either pass its name on with a hop count, so that a node at the end of a row of links
knows whom its neighbours follow. This knowledge carries no safety: ballots decide what is promised and accepted.
"""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, NOBODY, Ballot, NodeId
from paxos.core import Core
from paxos.timeouts import Timeouts


class LeaderView:
    """The believed leader (`leader`, 0: none) and its `ballot`, which is known when the leader was heard directly.

    When it was not, `vias` maps each peer that named the leader to that peer's distance from it in hops. A node that
    leads is its own `leader`.
    """

    def __init__(self, core: Core, timeouts: Timeouts) -> None:
        self.core = core
        self.timeouts = timeouts
        self.leader: NodeId = NOBODY
        self.ballot = NO_BALLOT
        self.vias: dict[NodeId, int] = {}
        self._heard_ms: int | None = None
        self._unheard_ms: int | None = None  # Since when the leader's heartbeats leave this node out.

    def hears_leader(self) -> bool:
        """True when another node that leads was heard within the election timeout."""
        if self._heard_ms is None:
            return False
        silent_ms = self.core.now - self._heard_ms
        return silent_ms < self.core.config.election_ms or silent_ms < self.timeouts.election_ms()

    def reaches_leader(self) -> bool:
        """True when the leader is heard and no run of its heartbeats denies that it hears this node."""
        unheard = self._unheard_ms
        return self.hears_leader() and (unheard is None or self.core.now - unheard < self.timeouts.resend_ms())

    def heard_by_leader(self, *, heard: bool) -> None:
        """A heartbeat of the leader says whether this node's answers reach it: its link may be cut one way."""
        if heard:
            self._unheard_ms = None
        elif self._unheard_ms is None:
            self._unheard_ms = self.core.now

    def silent_ms(self) -> int | None:
        """Milliseconds since the leader was last heard; None when it is not heard directly."""
        return None if self._heard_ms is None else self.core.now - self._heard_ms

    def heard(self, ballot: Ballot, leader: NodeId) -> None:
        """Note a message of a leader at `ballot`."""
        now = self.core.now
        if leader == self.leader and self._heard_ms is not None:
            self.timeouts.heard_after(now - self._heard_ms)
        if leader != self.leader or ballot != self.ballot:
            self.leader, self.ballot, self._unheard_ms = leader, ballot, None
            self.core.note("follows", f"node {self.core.me} follows node {leader} at ballot {ballot}")
        self._heard_ms = now

    def lead(self, ballot: Ballot) -> None:
        """This node leads at `ballot`."""
        self.leader, self.ballot, self._heard_ms = self.core.me, ballot, None

    def forget(self) -> None:
        """No leader is known any more."""
        self.leader, self.ballot, self._heard_ms = NOBODY, NO_BALLOT, None
        self.vias = {}

    def hint(self, leader: NodeId, via: NodeId, hops: int) -> None:
        """Peer `via`, `hops` hops away from `leader`, names it as the leader; this node does not hear it.

        Drop hints whose hop count reaches the cluster size: they loop. Drop hints of another leader than the known one
        if they come from farther away.
        """
        own = self.core.me
        if leader in (NOBODY, own) or self.leader == own or self.hears_leader() or hops >= len(self.core.nodes) - 1:
            return
        if leader != self.leader:
            if self.vias and hops > min(self.vias.values()):
                return
            self.leader, self.ballot, self._heard_ms = leader, NO_BALLOT, None
            self.vias = {}
        self.vias[via] = hops

    def ways(self) -> list[NodeId]:
        """The peers that named the leader, the nearest to it first."""
        return sorted(self.vias, key=lambda via: (self.vias[via], via))

    def leader_for(self, asker: NodeId) -> tuple[NodeId, int]:
        """The leader and its distance in hops, to answer `asker` with; what only `asker` has told is left out."""
        if self.leader == self.core.me:
            return self.core.me, 0
        if self.hears_leader():
            return self.leader, 1
        hops = [distance for via, distance in self.vias.items() if via != asker]
        return (self.leader, min(hops) + 1) if hops else (NOBODY, 0)
