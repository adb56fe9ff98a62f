"""What a leader does whatever it proposes: signs of life, a majority that hears them, and confirmed reads (rule 6).

Linearizable reads are confirmed by a round of heartbeats sent after they arrived, and no clock is trusted
(`docs/decisions/0009`; the read-only operations of Chandra et al. 2007, §5.2, without their leases).
It knows nothing of slots in flight, nor of how what it may vouch for came to be decided.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Core
from paxos.learner import Learner
from paxos.messages import Heartbeat, HeartbeatAck, ReadAt
from paxos.timeouts import Timeouts

Path = tuple[NodeId, ...]
"""The nodes that a request has passed, its origin first."""


class Read:
    """Linearizable reads that arrived together: servable at `slot` once a majority has acknowledged `round`."""

    __slots__ = ("askers", "round", "slot")

    def __init__(self, slot: Slot, round_: int, askers: list[tuple[Path, tuple[int, ...]]]) -> None:
        self.slot = slot
        self.round = round_
        self.askers = askers


class Leadership(ABC):
    """Invariant: no read is served unless a majority has followed this ballot after the read arrived.

    `serve_own` is told reads of this node's own clients with the slot at which they may be served.
    """

    def __init__(
        self, core: Core, timeouts: Timeouts, learner: Learner, serve_own: Callable[[Sequence[int], Slot], None]
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.learner = learner
        self.leading = False
        self.recovered = False
        self.ballot: Ballot = NO_BALLOT
        self._serve_own = serve_own
        self._floor: Slot = 0  # The last slot that was recovered.
        self._round = 0
        self._acked: dict[NodeId, int] = {}
        self._acked_ms: dict[NodeId, int] = {}
        self._new_reads: list[tuple[Path, tuple[int, ...]]] = []
        self._reads: deque[Read] = deque()

    @abstractmethod
    def announced_prefix(self) -> Slot:
        """The decided prefix that may be said at this ballot."""

    def _clear(self) -> None:
        self._acked.clear()
        self._acked_ms.clear()
        self._new_reads.clear()
        self._reads.clear()
        self._floor = 0

    # Signs of life

    def has_majority(self) -> bool:
        """Enough nodes to decide anything, itself among them, have answered lately."""
        return len(self.heard()) + 1 >= self.core.accept_quorum

    def heard(self) -> tuple[NodeId, ...]:
        """The other nodes whose answers reached this leader within one and a half election timeouts.

        A little longer than a follower waits: lost answers alone must not end a leadership that followers still hear.
        """
        oldest = self.core.now - 3 * self.timeouts.election_ms() // 2
        return tuple(node for node in self.core.others if self._acked_ms.get(node, oldest) > oldest)

    def heartbeat(self) -> None:
        """Tell everybody that this node leads."""
        self._round += 1
        self.core.send_now(
            self.core.others,
            Heartbeat(
                sender=self.core.me,
                ballot=self.ballot,
                decided=self.announced_prefix(),
                round=self._round,
                stamp=self.core.now,
                heard=self.heard(),
                round_trip_ms=self.timeouts.round_trip_ms(),
            ),
        )

    def acknowledged(self, message: HeartbeatAck) -> None:
        """A follower still follows, and heard our heartbeat of this round."""
        if message.ballot != self.ballot:
            return
        self.timeouts.measured(message.sender, message.stamp)
        self.learner.want(message.decided, message.sender)
        now, sender = self.core.now, message.sender
        self.timeouts.heard_after(now - self._acked_ms.get(sender, now))
        self._acked_ms[sender] = now
        self._acked[sender] = max(message.round, self._acked.get(sender, 0))

    # Linearizable reads

    def ask_read(self, path: Path, numbers: tuple[int, ...]) -> None:
        """Reads whose origin lies back along `path`; an empty one is this node itself."""
        self._new_reads.append((path, numbers))

    def may_read(self) -> bool:
        """Rule 4: not before everything that was recovered is decided."""
        return self.recovered and self.learner.decided >= self._floor

    def flush_reads(self) -> None:
        """The end of a batch: one round for all new reads, and answers for those that are confirmed."""
        if self._new_reads and self.may_read():
            self._confirm_new_reads()
        if self._reads:
            self._serve_reads()

    def send_reads_back(self) -> None:
        """The end of a leadership: reads of other nodes' clients may be tried elsewhere."""
        for path, numbers in [*self._new_reads, *(asker for read in self._reads for asker in read.askers)]:
            if path:
                self._answer_read(path, numbers, -1)

    def _confirm_new_reads(self) -> None:
        self.heartbeat()
        self._reads.append(Read(self.learner.decided, self._round, self._new_reads))
        self._new_reads = []

    def _serve_reads(self) -> None:
        while self._reads and self.is_confirmed(self._reads[0].round):
            read = self._reads.popleft()
            for path, numbers in read.askers:
                if path:
                    self._answer_read(path, numbers, read.slot)
                else:
                    self._serve_own(numbers, read.slot)

    def is_confirmed(self, round_: int) -> bool:
        """A majority, this node among it, has acknowledged a heartbeat that was sent after the read arrived."""
        return sum(acked >= round_ for acked in self._acked.values()) + 1 >= self.core.accept_quorum

    def _answer_read(self, path: Path, numbers: tuple[int, ...], slot: Slot) -> None:
        leader = self.core.me if slot >= 0 else 0
        self.core.send_now(
            (path[-1],), ReadAt(sender=self.core.me, path=path[:-1], reads=numbers, slot=slot, leader=leader)
        )
