"""The screenshots of the lab are made by the program itself."""

from __future__ import annotations

import asyncio

from simulator.screens.dashboard.screenshots import SHOTS, take


def test_a_status_shows_what_its_story_tells_and_is_the_same_every_time() -> None:
    """The duel by hand: who leads, who wants to, and the messages that wait."""
    duel = next(shot for shot in SHOTS if shot.name == "lab-held")

    newest = asyncio.run(take(duel))

    text = newest.replace("&#160;", " ")
    assert "messages held: " in text
    assert "PREPARE ballot 1.2 first-slot 1" in text
    assert asyncio.run(take(duel)) == newest
