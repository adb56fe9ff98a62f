"""Linearizable reads at the leader: each is confirmed by a round of heartbeats that was sent after it arrived.

These are the read-only operations of Chandra et al. 2007, §5.2, without leases: no clock is trusted
(`docs/decisions/0009`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from paxos.ballot import NodeId, Slot
from paxos.core import Core
from paxos.heartbeats import Heartbeats
from paxos.messages import Path, ReadAt
from paxos.routes import Routes

Asker = tuple[Path, tuple[int, ...]]
"""The way back to the origin of some reads (empty: this node), and their numbers there."""


class Reads:
    """Invariant: no read is served unless a majority has followed this ballot after the read arrived.

    `confirm_own` is called with the numbers of this node's own reads and the slot at which they may be served.
    """

    def __init__(
        self, core: Core, heartbeats: Heartbeats, routes: Routes, confirm_own: Callable[[Sequence[int], Slot], None]
    ) -> None:
        self.core = core
        self.heartbeats = heartbeats
        self.routes = routes
        self._confirm_own = confirm_own
        self.new: list[Asker] = []
        self.rounds: deque[tuple[int, Slot, list[Asker]]] = deque()  # Heartbeat round, slot, and who asked.

    def ask(self, path: Path, numbers: tuple[int, ...]) -> None:
        """Add reads whose origin lies back along `path`; an empty path is this node itself."""
        self.new.append((path, numbers))

    def begin_round(self, slot: Slot) -> None:
        """A round of heartbeats has just been sent: all new reads wait for it, to be served at `slot`."""
        self.rounds.append((self.heartbeats.round, slot, self.new))
        self.new = []

    def serve(self) -> None:
        """Answer the reads whose round is confirmed."""
        while self.rounds and self.is_confirmed(self.rounds[0][0]):
            _, slot, askers = self.rounds.popleft()
            for path, numbers in askers:
                if path:
                    self._answer(path, numbers, slot, self.core.me)
                else:
                    self._confirm_own(numbers, slot)

    def is_confirmed(self, round_: int) -> bool:
        """A majority has acknowledged a heartbeat that was sent after the read arrived."""
        return self.heartbeats.is_acknowledged(round_)

    def send_back(self) -> None:
        """The leadership ends: tell other nodes that their reads were not served here."""
        for path, numbers in [*self.new, *(asker for _, _, askers in self.rounds for asker in askers)]:
            if path:
                self._answer(path, numbers, -1, 0)

    def clear(self) -> None:
        """Forget all reads."""
        self.new.clear()
        self.rounds.clear()

    def _answer(self, path: Path, numbers: tuple[int, ...], slot: Slot, leader: NodeId) -> None:
        to, back = self.routes.back(path)
        self.routes.send(to, ReadAt(sender=self.core.me, path=back, reads=numbers, slot=slot, leader=leader))
