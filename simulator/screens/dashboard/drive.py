"""Drives the lab without a terminal, for screenshots and tests."""

from __future__ import annotations

import asyncio

from textual.pilot import Pilot

from simulator.screens.dashboard.app import Lab


async def settle(lab: Lab, pilot: Pilot[int]) -> None:
    """Return once every key has been handled, every line carried out, and the results rendered."""
    await pilot.pause()
    await asyncio.to_thread(lab.wait_for_lines)
    for _ in range(2):  # The first look fills panes whose sizes the layout has just set.
        lab.look()
        await pilot.pause()
