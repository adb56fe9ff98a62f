"""Digests of the traces of 100 explored seeds and of every built-in scenario in virtual time.

`python -m tests.digests.digests` writes `digests.json`: only in a commit that means to change behaviour.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory

from simulator.scenario.session.library import builtin_scenarios
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial

STORED = Path(__file__).with_name("digests.json")
SEEDS = 100


def seed_digest(seed: int) -> str:
    """The digest of the trace of one seed, as `paxsim explore` draws and runs it."""
    digest = sha256()

    def take(lines: object) -> None:
        for line in lines:  # type: ignore[attr-defined]
            digest.update(line.encode() + b"\n")

    run_trial(draw_schedule(seed), trace=take)
    return digest.hexdigest()[:16]


def scenario_digest(name: str) -> str:
    """The digest of the trace of one built-in scenario in the virtual world, seed 0."""
    (scenario,) = [one for one in builtin_scenarios() if one.name == name]
    with TemporaryDirectory() as directory:
        trace = Path(directory) / "trace.jsonl"
        run_scenario(scenario, Settings(data=directory), world="virtual", trace=str(trace))
        return sha256(trace.read_bytes()).hexdigest()[:16]


def scenario_names() -> list[str]:
    """Every built-in scenario."""
    return [scenario.name for scenario in builtin_scenarios()]


def stored() -> dict[str, dict[str, str]]:
    """The digests as they were stored: of seeds, by number, and of scenarios, by name."""
    document: dict[str, dict[str, str]] = json.loads(STORED.read_text(encoding="utf-8"))
    return document


def main() -> None:
    """Store the digests of the program as it is."""
    document = {
        "seeds": {str(seed): seed_digest(seed) for seed in range(SEEDS)},
        "scenarios": {name: scenario_digest(name) for name in scenario_names()},
    }
    STORED.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
