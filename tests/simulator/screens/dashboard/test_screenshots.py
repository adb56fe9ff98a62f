"""The screenshots of the lab, which the program makes itself."""

from __future__ import annotations

import asyncio

from simulator.screens.dashboard.screenshots import SHOTS, take


def test_a_screenshot_shows_its_story_and_is_reproducible() -> None:
    """The duel by hand shows its held messages; a second run gives the same bytes."""
    duel = next(shot for shot in SHOTS if shot.name == "lab-held")

    newest = asyncio.run(take(duel))

    text = newest.replace("&#160;", " ")
    assert "messages held: " in text
    assert "PREPARE ballot 1.2 first-slot 1" in text
    assert asyncio.run(take(duel)) == newest
