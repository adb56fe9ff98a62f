"""Nobody has 1 blocks."""

from __future__ import annotations

from simulator.text.counted import counted


def test_one_is_singular() -> None:
    """Everything else, nothing included, is plural."""
    assert [counted(number, "block") for number in (0, 1, 2)] == ["0 blocks", "1 block", "2 blocks"]
    assert counted(2, "entry", "entries") == "2 entries"
