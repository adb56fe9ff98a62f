"""`python -m simulator.screens.dashboard.demo`: the lab's screen over a canned cluster, without nodes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import msgspec

from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.cluster.meter import LoadProgress
from simulator.screens.dashboard.app import Lab
from simulator.screens.dashboard.runner import Pending
from simulator.screens.dashboard.running_log import RunningLog
from simulator.screens.dashboard.snapshot import LabState, Opened, Snapshot
from simulator.views import samples
from simulator.views.demo import VIEWS
from simulator.views.sheet import bit


class CannedSource:
    """A fixed moment, except for the clock, which ticks at each look."""

    def __init__(self, *, holding: bool = False) -> None:
        self.nodes = 5
        self._states = tuple(samples.states())
        self._node = 0
        self._now_ms = 31_250
        self._holding = holding
        self.choose(EVERYTHING)

    def newest(self) -> LabState:
        """The moment of `simulator.views.samples`."""
        opened = None
        if self._node:
            state = self._states[self._node - 1]
            events = [event for event in samples.events() if event.node == self._node]
            opened = Opened(state=state, chain=tuple(samples.chain_lines(state.height)), events=events)
        cluster = Snapshot(
            now_ms=self._now_ms,
            world="canned",
            states=self._states,
            links=samples.links(holding=self._holding),
            in_flight=3,
            held=tuple(samples.held()) if self._holding else (),
            log=self._log.lines(),
            figures=samples.figures(),
            counts=samples.counts(),
        )
        return LabState(cluster=cluster, checks=samples.checks(), opened=opened)

    def open(self, node: int) -> None:
        """Open `node`."""
        self._node = node

    def choose(self, wanted: LogFilter) -> None:
        """Read this part of the running log from now on."""
        self._log = RunningLog(wanted)
        self._log.feed(samples.events())

    def change(self, node: int, **fields: object) -> None:
        """Change how `node` looks from now on."""
        states = list(self._states)
        states[node - 1] = msgspec.structs.replace(states[node - 1], **fields)
        self._states = tuple(states)

    def close(self) -> None:
        """Nothing to end."""


class CannedConsole:
    """Prints views by name, and repeats anything else."""

    def __init__(self, pending_output: Pending) -> None:
        self._pending_output = pending_output

    def run(self, line: str) -> bool:
        """Show a view by its name."""
        if line in VIEWS:
            self._pending_output.write(VIEWS[line]())
        else:
            self._pending_output.write(bit(f"you typed: {line}"))
        return line != "quit"

    def complete(self, before: str) -> Sequence[str]:
        """The names of the views."""
        return [*VIEWS, "quit"]

    def interrupt(self) -> None:
        """Nothing takes time here."""

    def loads(self) -> Sequence[LoadProgress]:
        """A load that has come two thirds of its way."""
        return samples.loads()

    def time_words(self) -> str:
        """The clock is as real as it looks."""
        return ""


def main() -> int:
    """Run the demo."""
    pending_output = Pending()
    return Lab(CannedSource(holding="--hold" in sys.argv), CannedConsole(pending_output), pending_output).run() or 0


if __name__ == "__main__":
    sys.exit(main())
