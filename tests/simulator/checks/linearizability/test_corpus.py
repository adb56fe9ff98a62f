"""Recorded histories with known verdicts: of etcd, Knossos and Porcupine, made by hand, and settled by every order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulator.checks.command import check_files

HISTORIES = Path(__file__).parents[3] / "histories"
MANIFEST: list[dict[str, Any]] = msgspec.json.decode((HISTORIES / "manifest.json").read_bytes())


@pytest.mark.parametrize("entry", MANIFEST, ids=[str(entry["file"]) for entry in MANIFEST])
def test_a_history_with_a_known_verdict_is_judged_right(entry: dict[str, Any]) -> None:
    """No verdict is wrong or unknown, and violations have a reason."""
    [verdict] = check_files([str(HISTORIES / entry["file"])], model=entry["model"], init=entry["init"])

    assert verdict["verdict"] == ("ok" if entry["verdict"] else "violation")
    assert bool(verdict["why"]) is not entry["verdict"]
    assert verdict["operations"] == entry["ops"]


def test_every_recorded_history_is_judged() -> None:
    """The manifest lists every file, and each model has both verdicts."""
    files = {str(path.relative_to(HISTORIES)) for path in HISTORIES.rglob("*.jsonl*")}
    verdicts = {(entry["model"], entry["verdict"]) for entry in MANIFEST}

    assert files == {entry["file"] for entry in MANIFEST}
    assert len(verdicts) == 2 * len({model for model, _ in verdicts})
