"""Driving the lab without a terminal, for pictures and tests."""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from simulator.screens.dashboard.app import Lab


async def settle(lab: Lab, pilot: Pilot[int]) -> None:
    """Return once every key has been taken, every line carried out, and what came of it drawn."""
    await pilot.pause()
    await asyncio.to_thread(lab.wait_for_lines)
    for _ in range(2):  # The first look fills panes that the layout has just given their sizes.
        lab.look()
        await pilot.pause()
