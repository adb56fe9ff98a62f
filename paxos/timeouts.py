"""Timeouts that follow measured round trips and the jitter of the leader's messages. All times are milliseconds.

After the retransmission timer of Jacobson, *Congestion Avoidance and Control*, 1988. No setting has to change between
a network of 0.1 ms a message and one of 3 s.
"""

from __future__ import annotations

from paxos.ballot import NodeId
from paxos.core import LOOK_MS, Core
from paxos.effects import Timer

LONGEST_SAMPLE_MS = 20_000
"""A longer round trip counts as this: the network is down, not slow."""
LONGEST_GAP_MS = 300
"""A longer silence counts as this: it is an outage, not jitter, and must not slow the next election."""


class Timeouts:
    """Invariant: no timeout is below its configured minimum.

    `round_trips` are this node's own estimates by peer, `reported_ms` is the leader's, `gap_ms` the longest recent gap
    between messages of the leader.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.round_trips: dict[NodeId, int] = {}
        self.reported_ms = 0
        self.gap_ms = 0
        self._own_ms = -1  # The result of `round_trips`; -1: they have changed since.

    def measured(self, peer: NodeId, stamp: int) -> None:
        """`peer` has just answered a message that left at `stamp` on this node's clock.

        The estimate rises at once and falls slowly. A jump of the clock in between, or a sleep of this node, is
        subtracted. Messages of a node to itself are not measured: they would make it part of the fastest majority.
        """
        core = self.core
        if peer == core.me:
            return
        spent = core.now - stamp - (core.leap_ms if stamp < core.leapt_at_ms else 0)
        sample = min(max(spent, 0), LONGEST_SAMPLE_MS)
        known = self.round_trips.get(peer, 0)
        self.round_trips[peer] = sample if sample >= known else (7 * known + sample) // 8
        self._own_ms = -1
        if sample < self.reported_ms:  # An old leader's high estimate must fade too.
            self.reported_ms = (7 * self.reported_ms + sample) // 8

    def leader_reported(self, round_trip_ms: int) -> None:
        """Take over the leader's estimate, and drop older ones of this node."""
        self.reported_ms = min(round_trip_ms, LONGEST_SAMPLE_MS)
        self.round_trips.clear()
        self._own_ms = -1

    def heard_after(self, gap_ms: int) -> None:
        """The leader was heard after `gap_ms` of silence: keep the longest recent gap, which decays slowly."""
        gap = min(gap_ms, LONGEST_GAP_MS)
        self.gap_ms = gap if gap >= self.gap_ms else self.gap_ms - (self.gap_ms - gap + 63) // 64

    def round_trip_ms(self) -> int:
        """The slowest round trip within the fastest majority of nodes; 0 when nothing was measured."""
        own = self._own_ms
        if own < 0:
            known = sorted(self.round_trips.values())
            peers = self.core.quorums.majority - 1
            self._own_ms = own = known[min(peers, len(known)) - 1] if known and peers else 0
        return max(own, self.reported_ms)

    def election_ms(self) -> int:
        """The election timeout: a leader that is silent for so long counts as lost."""
        config = self.core.config
        return max(config.election_ms, 2 * self.round_trip_ms() + 2 * config.heartbeat_ms, 3 * self.gap_ms)

    def resend_ms(self) -> int:
        """The time after which an unanswered message is sent again."""
        return 2 * self.round_trip_ms() + 2 * self.core.config.heartbeat_ms

    def set_candidate_resend(self) -> None:
        """Set the RESEND timer of a candidate."""
        delay_ms = min(self.resend_ms(), LOOK_MS)
        self.core.set_timer(Timer.RESEND, delay_ms, delay_ms + delay_ms // 4)

    def again_ms(self, tries: int) -> int:
        """The time until the next resend after `tries` resends: it doubles each time, up to four times `resend_ms`."""
        return self.resend_ms() << min(tries, 2)

    def no_majority_ms(self) -> int:
        """The time after which a request is given up while no majority is heard."""
        return max(self.core.config.no_majority_ms, 4 * self.round_trip_ms())

    def give_up_ms(self) -> int:
        """The time after which a request is given up in any case."""
        return self.core.config.give_up_ms + 10 * self.round_trip_ms()
