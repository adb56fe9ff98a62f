"""What one `prove` does: apart from its tests, so that a process need not load pytest."""

from __future__ import annotations

from pathlib import Path

from simulator.tools.prove.command import Bounds, Budgets, Proof, Report, Wishes

BUDGETS = Budgets(writes=1, elections=1, crashes=1)


def proof_of(folder: Path | None, bounds: Bounds, **more: object) -> Report:
    """What one command does."""
    wishes = Wishes(**{"nodes": 3, "budgets": BUDGETS, "bounds": bounds, "folder": folder, **more})  # type: ignore[arg-type]
    proof = Proof(wishes)
    try:
        return proof.run(lambda _progress: None)
    finally:
        proof.close()
