"""How long to wait: time limits that follow measured round trips and the unsteadiness of the leader's messages.

No setting has to change for a network of 3 s a message, nor for one of 0.1 ms: what is measured decides (after the
retransmission timer of Jacobson, *Congestion Avoidance and Control*, 1988). All times are milliseconds.
"""

from __future__ import annotations

from paxos.ballot import NodeId
from paxos.core import LOOK_MS, Core
from paxos.effects import Timer

LONGEST_SAMPLE_MS = 20_000  # Beyond this a network counts as down and not as slow.
LONGEST_GAP_MS = 300  # Beyond this a silence is an outage, not unsteadiness, and must not slow the next election.


class Timeouts:
    """Invariant: no limit is ever below the configured floor."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.round_trips: dict[NodeId, int] = {}
        self.reported_ms = 0
        self.gap_ms = 0

    def measured(self, peer: NodeId, stamp: int) -> None:
        """A message that left at `stamp` on our clock came back from `peer` just now. Quick to rise, slow to fall.

        A leap of the clock in between, or a sleep, was not spent on the way. What a node says to itself measures
        nothing: of three nodes, its own answers would be the fastest majority's.
        """
        core = self.core
        if peer == core.me:
            return
        spent = core.now - stamp - (core.leap_ms if stamp < core.leapt_at_ms else 0)
        sample = min(max(spent, 0), LONGEST_SAMPLE_MS)
        known = self.round_trips.get(peer, 0)
        self.round_trips[peer] = sample if sample >= known else (7 * known + sample) // 8
        if sample < self.reported_ms:  # By a leader that is gone: its successor must not hand a slow spell on for ever.
            self.reported_ms = (7 * self.reported_ms + sample) // 8

    def leader_reported(self, round_trip_ms: int) -> None:
        """The leader's own measure, which a follower trusts above old ones of its own."""
        self.reported_ms = min(round_trip_ms, LONGEST_SAMPLE_MS)
        self.round_trips.clear()

    def heard_after(self, gap_ms: int) -> None:
        """The leader was heard again after a silence: the longest lately counts, and is slowly forgotten."""
        gap = min(gap_ms, LONGEST_GAP_MS)
        self.gap_ms = gap if gap >= self.gap_ms else self.gap_ms - (self.gap_ms - gap + 63) // 64

    def round_trip_ms(self) -> int:
        """The slowest round trip within the fastest majority, as far as it is known; 0 when nothing is."""
        known = sorted(self.round_trips.values())
        peers = self.core.quorums.majority - 1
        own = known[min(peers, len(known)) - 1] if known and peers else 0
        return max(own, self.reported_ms)

    def election_ms(self) -> int:
        """The silence after which a leader counts as lost."""
        config = self.core.config
        return max(config.election_ms, 2 * self.round_trip_ms() + 2 * config.heartbeat_ms, 3 * self.gap_ms)

    def resend_ms(self) -> int:
        """How long an unanswered message is given before it is sent again."""
        return 2 * self.round_trip_ms() + 2 * self.core.config.heartbeat_ms

    def set_candidate_resend(self) -> None:
        """Set the RESEND timer of a candidate."""
        delay_ms = min(self.resend_ms(), LOOK_MS)
        self.core.set_timer(Timer.RESEND, delay_ms, delay_ms + delay_ms // 4)

    def again_ms(self, tries: int) -> int:
        """How long after `tries` sendings more: twice as long each time, up to four times, so that load calms down."""
        return self.resend_ms() << min(tries, 2)

    def no_majority_ms(self) -> int:
        """How long a request waits while no majority is heard from."""
        return max(self.core.config.no_majority_ms, 4 * self.round_trip_ms())

    def give_up_ms(self) -> int:
        """How long a request waits at all."""
        return self.core.config.give_up_ms + 10 * self.round_trip_ms()
