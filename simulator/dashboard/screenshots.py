"""`python -m simulator.dashboard.screenshots FOLDER` makes the README's pictures of the lab, as SVG.

The cluster behind them is the canned one, so the same pictures come out on every machine.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import NamedTuple

from simulator.dashboard.app import Lab
from simulator.dashboard.demo import CannedConsole, CannedSource
from simulator.dashboard.drive import settle
from simulator.dashboard.runner import Sayings


class Shot(NamedTuple):
    """One picture: its file's name, the screen's size, the keys pressed before, and whether messages are held."""

    name: str
    size: tuple[int, int]
    keys: tuple[str, ...] = ()
    holding: bool = False


SHOTS = (
    Shot("lab", (160, 46), (*"status", "enter")),
    Shot("lab-80x24", (80, 24)),
    Shot("lab-node", (160, 46), ("f1",)),
    Shot("lab-held", (80, 24), (*"held", "enter"), holding=True),
    Shot("lab-chain", (160, 46), (*"chain", "enter")),
)


async def _take(shot: Shot) -> str:
    sayings = Sayings()
    lab = Lab(CannedSource(holding=shot.holding), CannedConsole(sayings), sayings)
    async with lab.run_test(size=shot.size) as pilot:
        await pilot.press(*shot.keys)
        await settle(lab, pilot)
        return lab.export_screenshot(title="paxsim")


def main(arguments: list[str]) -> int:
    """Write every picture into the folder that is named."""
    if len(arguments) != 1:
        sys.stderr.write("usage: python -m simulator.dashboard.screenshots FOLDER\n")
        return 2
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for shot in SHOTS:
        (folder / f"{shot.name}.svg").write_text(asyncio.run(_take(shot)), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
