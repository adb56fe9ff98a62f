"""The verdicts: each invariant by name, "ok", the sentence that describes the violation, or why nothing is known."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.cluster.verdicts import OK, is_unknown, unknowns, violations
from simulator.views.palette import BAD, GOOD, ODD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit, join


def checks_view(results: Mapping[str, str]) -> Sheet:
    """A line for each check, in the given order; below them every violation in full."""
    if not results:
        return Sheet(notes=(bit("nothing has been checked yet", QUIET),))
    columns = (Column("", screen=True), Column("check"), Column("verdict"))
    rows = tuple(_row(name, verdict) for name, verdict in results.items())
    notes = tuple(
        bit(f"{name}: {verdict}", ODD if is_unknown(verdict) else BAD)
        for name, verdict in results.items()
        if verdict != OK
    )
    return Sheet(columns=columns, rows=rows, notes=notes, header=False)


def checks_line(results: Mapping[str, str]) -> Cell:
    """All checks in a few words, for the top line of a screen."""
    broken, open_ones = violations(results), unknowns(results)
    if not results:
        return bit("checks: none yet", QUIET)
    if broken:
        return join(bit("✗", BAD), bit(f"VIOLATED: {', '.join(broken)}", BAD))
    if open_ones:
        return join(bit("?", ODD), bit(f"{len(open_ones)} checks unknown", ODD))
    return join(bit("✓", GOOD), bit(f"{len(results)} checks ok", GOOD))


def _row(name: str, verdict: str) -> tuple[Cell, ...]:
    if verdict == OK:
        return (bit("✓", GOOD), bit(name), bit("ok", GOOD))
    if is_unknown(verdict):
        return (bit("?", ODD), bit(name, ODD), bit("unknown", ODD))
    return (bit("✗", BAD), bit(name, BAD), bit("VIOLATED", BAD))
