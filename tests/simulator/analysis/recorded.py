"""Recorded runs for tests: a scenario, carried out in virtual time, and its trace."""

from __future__ import annotations

from pathlib import Path

from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings


def trace_of(lines: str, folder: Path, *, break_rule: str | None = None, seed: int = 0) -> Path:
    """The trace of these lines of a scenario."""
    source = folder / "run.paxsim"
    source.write_text(f"# A run.\n{lines}\n", encoding="utf-8")
    out = folder / "run.trace"
    settings = Settings(data=str(folder / "data"), seed=seed, break_rule=break_rule)
    run_scenario(load_scenario(str(source)), settings, world="virtual", trace=str(out))
    return out


def trace_of_lesson(name: str, folder: Path) -> Path:
    """The trace of a built-in scenario."""
    out = folder / f"{name}.trace"
    run_scenario(load_scenario(name), Settings(data=str(folder / "data")), world="virtual", trace=str(out))
    return out
