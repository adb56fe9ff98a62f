"""The steps of a run in words."""

from __future__ import annotations

from simulator.worlds.exhaustive.cluster_outcomes import Action
from simulator.worlds.exhaustive.driven_node import Sent


def in_words(action: Action, sent: Sent | None) -> str:
    """One action in words; `sent` is the message that it is about."""
    what, node, argument, which = action
    crash = f"crashes before its records are durable, and restarts (remainder {which + 1})"
    if sent is not None:
        source, to, message = sent
        text = f"{type(message).__name__.upper()} {source}>{to}{_about(message)}"
        return (
            f"node {node} {crash.replace('crashes', f'crashes in {text},')}" if what == "crash at" else f"{what} {text}"
        )
    return {
        "write": f"a client posts t{argument} at node {node}",
        "campaign": f"the election alarm of node {node} fires",
        "campaign again": f"the election alarm of node {node} fires, and it opens a ballot of before again",
        "crash": f"node {node} crashes and restarts (remainder {which + 1})",
        "fetch": f"node {node} fetches the blocks that it lacks from node {argument}",
        "crash at write": f"a client posts t{argument} at node {node}, which {crash}",
        "crash at campaign": f"the election alarm of node {node} fires, and it {crash}",
        "crash at campaign again": f"the election alarm of node {node} fires again, and it {crash}",
    }[what]


def _about(message: object) -> str:
    ballot = getattr(message, "ballot", None)
    slot = getattr(message, "first_slot", None)
    return (f" at ballot {ballot}" if ballot is not None else "") + (f", slot {slot}" if slot is not None else "")
