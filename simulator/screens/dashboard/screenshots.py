"""`python -m simulator.screens.dashboard.screenshots FOLDER` makes the screenshots of README and docs, as SVG.

They show the program itself: its console carries out a list of lines on five nodes in virtual time, so that the same
screenshots come out on every machine.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from simulator.cluster.log_filter import LogFilter
from simulator.screens.console.live import LineConsole
from simulator.screens.dashboard.app import PROMPT, Lab
from simulator.screens.dashboard.drive import settle
from simulator.screens.dashboard.lab import LabOutput, LabScreen
from simulator.screens.dashboard.prompt import Prompt
from simulator.screens.dashboard.runner import Pending
from simulator.screens.dashboard.running_log import LogReader
from simulator.screens.dashboard.snapshot import LabState, open_node, take_snapshot
from simulator.settings import Settings
from simulator.worlds.open import open_cluster

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

DAY = (
    "wait leader",
    'post alice Hello "first, post"',
    '@3 post bob Paxos "who decides?"',
    'comment carol Hello "welcome!"',
    "sleep 3s",
    "crash 4",
    "net 1-2 delay 40ms",
    "net 3>5 drop 20%",
    "faillink 2 5",
    '@2 comment alice Paxos "a majority does"',
    "pause 5",
    "sleep 200ms",
)
"""An ordinary day, with something for every part of the screen to show."""

DUEL = (
    "hold",
    "deliver 1>3,1>4 pre-vote",
    "deliver 3>1,4>1 pre-vote-reply",
    "deliver 2>3,2>4 pre-vote",
    "deliver 3>2,4>2 pre-vote-reply",
    "deliver 1>3,1>4 prepare",
    "deliver 3>1,4>1 promise",
    '@1 post alice Duel "will anybody ever propose this?" &',
    "deliver 2>3,2>4 prepare",
    "sleep 30ms",
)
"""Two candidates in the middle of a duel."""


class Shot(NamedTuple):
    """One screenshot: its file's name, the screen's size, the lines typed, and the key pressed at the end, if any."""

    name: str
    size: tuple[int, int]
    story: tuple[str, ...]
    key: str = ""


SHOTS = (
    Shot("lab", (160, 46), (*DAY, "view")),
    Shot("lab-80x24", (80, 24), DAY),
    Shot("lab-node", (160, 46), DAY, "f1"),
    Shot("lab-held", (80, 24), DUEL),
    Shot("lab-chain", (160, 46), (*DAY, "chain")),
)


class StillSource:
    """The state of a cluster in which nothing happens but what is typed; it is read when `look` is called."""

    def __init__(self, cluster: Cluster) -> None:
        self.nodes = cluster.settings.nodes
        self._cluster = cluster
        self._node = 0
        self._log = LogReader(cluster)
        self._state = LabState(cluster=take_snapshot(cluster))

    def look(self) -> None:
        """Read the state."""
        opened = open_node(self._cluster, self._node) if self._node else None
        snapshot = take_snapshot(self._cluster, self._log.read())
        self._state = LabState(cluster=snapshot, checks=self._cluster.check(), opened=opened)

    def newest(self) -> LabState:
        """The newest state."""
        return self._state

    def open(self, node: int) -> None:
        """Open `node` from now on; 0: none."""
        self._node = node
        self.look()

    def choose(self, wanted: LogFilter) -> None:
        """Read this part of the running log from now on."""
        self._log.of = wanted
        self.look()

    def close(self) -> None:
        """Nothing to end."""


async def take(shot: Shot) -> str:
    """The SVG of one screenshot."""
    cluster = open_cluster("virtual", Settings(data="", seed=2))
    try:
        pending_output = Pending()
        source = StillSource(cluster)
        lab = Lab(
            source,
            LineConsole(cluster, LabOutput(pending_output), screen=LabScreen(pending_output), indent=len(PROMPT)),
            pending_output,
        )
        async with lab.run_test(size=shot.size) as pilot:
            lab.prompt.cursor_blink = False  # Otherwise it would depend on the moment whether it is seen.
            for line in shot.story:
                lab.post_message(Prompt.Entered(line))
                await settle(lab, pilot)
            source.look()
            if shot.key:
                await pilot.press(shot.key)
            await settle(lab, pilot)
            return lab.export_screenshot(title="paxsim")
    finally:
        cluster.close()


def main(arguments: list[str]) -> int:
    """Write all screenshots into the named folder."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m simulator.screens.dashboard.screenshots FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        (folder / f"{shot.name}.svg").write_text(asyncio.run(take(shot)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
