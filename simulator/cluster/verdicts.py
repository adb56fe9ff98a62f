"""The words of a verdict on an invariant: "ok", "unknown …", or a sentence that says what was violated."""

from __future__ import annotations

from collections.abc import Mapping

OK = "ok"
_UNKNOWN = "unknown"


def unknown(why: str) -> str:
    """The verdict when the checks could not tell."""
    return f"{_UNKNOWN}: {why}"


def unknown_beyond(at_ms: int, why: str) -> str:
    """The verdict when all is well up to a moment of cluster time, and nothing is known of what followed."""
    return f"{_UNKNOWN} beyond {at_ms / 1000:.1f} s: {why}"


def is_unknown(verdict: str) -> bool:
    """True when the checks could not tell: that is neither ok nor a violation."""
    return verdict.startswith((f"{_UNKNOWN}:", f"{_UNKNOWN} beyond "))


def violations(verdicts: Mapping[str, str]) -> dict[str, str]:
    """The invariants that are violated."""
    return {name: verdict for name, verdict in verdicts.items() if verdict != OK and not is_unknown(verdict)}


def unknowns(verdicts: Mapping[str, str]) -> dict[str, str]:
    """The invariants of which the checks could not tell whether they hold."""
    return {name: verdict for name, verdict in verdicts.items() if is_unknown(verdict)}
