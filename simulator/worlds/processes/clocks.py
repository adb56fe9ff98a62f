"""The clocks of a cluster of real processes, which can stand still: the supervisor's, and that of each node.

While messages are held by hand, nothing happens by itself: the supervisor's clock stands still, and it tells every
node to stop its own. Time then passes only in steps (see `time_steps`). A running clock is the machine's monotonic
clock, less the time for which the cluster stood still.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from math import ceil

import msgspec

CLOCK = 1_001
"""The address of a frame that sets a node's clock; no node has this number. Its message is a `ClockSetting`."""
SETTLED = 1 << 29
"""The address of a node's answer to a `ClockSetting` with a number. Its message is a `Settled`."""


class ClockSetting(msgspec.Struct, frozen=True, array_like=True):
    """What a node's clock does from now on. Times are those of nodes, in milliseconds.

    It stands at `still_ms`, or runs `behind_ms` behind the machine's clock when that is None. With a `number`, the
    node answers once it has done everything that is due by then.
    """

    number: int = 0
    still_ms: int | None = None
    behind_ms: float = 0.0


RUNNING = ClockSetting()
"""A clock that has never stood still."""


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """A node has done everything that is due. Its clock shows `now_ms`, its next timer is due at `due_ms`, if any."""

    number: int
    now_ms: int
    due_ms: int | None


encode_clock = msgspec.msgpack.Encoder().encode
decode_setting = msgspec.msgpack.Decoder(ClockSetting).decode
decode_settled = msgspec.msgpack.Decoder(Settled).decode


class ClusterClock:
    """Milliseconds of cluster time since this was made. Reading it needs no lock.

    `still` is true while it stands still: it then moves in `move_to` alone. It never goes back. `number` is that of the
    newest setting which nodes shall answer.
    """

    def __init__(self) -> None:
        self._origin_ms = time.monotonic_ns() // 1_000_000  # Whole, so that a node's whole milliseconds stay whole.
        self._behind_ms = 0.0  # The time for which it has stood still, less what `move_to` has made up for.
        self._still_ms: float | None = None
        self.number = 0

    @property
    def still(self) -> bool:
        """True while it stands still."""
        return self._still_ms is not None

    def now_ms(self) -> float:
        """The time now."""
        still_ms = self._still_ms
        return still_ms if still_ms is not None else time.monotonic() * 1000 - self._origin_ms - self._behind_ms

    def stop(self) -> None:
        """Stand still."""
        self._still_ms = float(ceil(self.now_ms()))

    def move_to(self, at_ms: float) -> None:
        """Move on to `at_ms`, unless it is later already, and stand still there."""
        if self._still_ms is not None:
            self._still_ms = max(self._still_ms, at_ms)

    def go_on(self) -> None:
        """Run again, from where it stands."""
        still_ms = self._still_ms
        if still_ms is not None:
            self._behind_ms = time.monotonic() * 1000 - self._origin_ms - still_ms
            self._still_ms = None

    def setting(self) -> ClockSetting:
        """The same for the nodes."""
        number, still_ms = self.number, self._still_ms
        if still_ms is None:
            return ClockSetting(number=number, behind_ms=self._behind_ms)
        return ClockSetting(number=number, still_ms=self._origin_ms + int(still_ms))

    def of_node(self, node_ms: int) -> float:
        """The cluster time at which a node's clock shows `node_ms`, while the clocks stand still."""
        return node_ms - self._origin_ms


class NodeClock:
    """A node's clock, in whole milliseconds. It never goes back, even when it is told to."""

    def __init__(self, setting: ClockSetting, machine_ms: Callable[[], int]) -> None:
        self._machine_ms = machine_ms
        self._newest_ms = 0
        self._setting = setting

    def set(self, setting: ClockSetting) -> None:
        """Do what `setting` says from now on."""
        self._setting = setting

    def now_ms(self) -> int:
        """What it shows."""
        setting = self._setting
        shown = setting.still_ms
        if shown is None:
            shown = int(self._machine_ms() - setting.behind_ms)
        self._newest_ms = max(self._newest_ms, shown)
        return self._newest_ms

    def seconds_until(self, due_ms: int) -> float | None:
        """How long until it shows `due_ms`; None: it stands still before."""
        if self._setting.still_ms is None:
            return max(0.0, (due_ms + self._setting.behind_ms) / 1000 - time.monotonic())
        return 0.0 if due_ms <= self.now_ms() else None
