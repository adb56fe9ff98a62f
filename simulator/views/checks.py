"""The verdicts: each invariant of the protocol by name, "ok" or the sentence that describes the violation."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.views.palette import BAD, GOOD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit, join


def checks_view(results: Mapping[str, str]) -> Sheet:
    """A line for each check, in the given order; below them every violation in full."""
    if not results:
        return Sheet(notes=(bit("nothing has been checked yet", QUIET),))
    columns = (Column("", screen=True), Column("check"), Column("verdict"))
    rows = tuple(_row(name, holds=verdict == "ok") for name, verdict in results.items())
    notes = tuple(bit(f"{name}: {verdict}", BAD) for name, verdict in results.items() if verdict != "ok")
    return Sheet(columns=columns, rows=rows, notes=notes, header=False)


def checks_line(results: Mapping[str, str]) -> Cell:
    """All checks in a few words, for the top line of a screen."""
    broken = [name for name, verdict in results.items() if verdict != "ok"]
    if not results:
        return bit("checks: none yet", QUIET)
    if not broken:
        return join(bit("✓", GOOD), bit(f"{len(results)} checks ok", GOOD))
    return join(bit("✗", BAD), bit(f"VIOLATED: {', '.join(broken)}", BAD))


def _row(name: str, *, holds: bool) -> tuple[Cell, ...]:
    if holds:
        return (bit("✓", GOOD), bit(name), bit("ok", GOOD))
    return (bit("✗", BAD), bit(name, BAD), bit("VIOLATED", BAD))
