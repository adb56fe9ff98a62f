"""A run that `paxsim prove` found, as a scenario for `paxsim run --world virtual`: held messages are let go by hand.

A step of the search becomes a line or two. Time stands still while messages are held; before a second leader it passes
for one election timeout, so that nobody refuses a candidate because of the first. Messages that the search leaves out
stay held. Whether the scenario shows the violation is found out by running it.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.cluster.message_text import KINDS
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Action, ClusterModel

SILENCE = "sleep 210ms"
"""Longer than an election timeout, and shorter than the time after which a leader without answers steps down."""
NAME = "every-schedule"


class Shown(msgspec.Struct, frozen=True):
    """The files that were written, and what the checks of the virtual world say: the invariants broken, by name."""

    scenario: str
    trace: str
    broken: tuple[str, ...]


def scenario_of(model: ClusterModel, steps: Sequence[Action], why: str, rule: str | None) -> str:
    """The text of the scenario; `steps` lead to the violation `why`."""
    lines = [f"# Found by paxsim prove: {why}."]
    if rule is not None:
        lines.append(f"# break: {rule}")
    lines += [f"set nodes {model.nodes}", "set difficulty 0", "set world virtual", "hold"]
    kinds = {kind: name for name, kind in KINDS.items()}
    campaigns = 0
    for (what, node, argument), opened in zip(steps, _elections(model, steps), strict=True):
        lines.append(f"# {model.tell((what, node, argument))}")
        if opened and campaigns:
            lines.append(SILENCE)
        campaigns += opened
        if what == "write":
            lines.append(f"@{node} post alice t{argument} x &")
        elif what == "campaign" and not opened:
            lines.append(SILENCE)
        elif what == "campaign":
            lines += ["wait held within 5s"] if campaigns == 1 else []
        elif what in ("deliver", "deliver a copy", "crash at"):
            assert isinstance(argument, int)
            source, to, message = model.steps_of.messages.values[argument]
            lines.append(f"deliver {source}>{to} {kinds[type(message)]}")
        if opened:
            others = [other for other in range(1, model.nodes + 1) if other != node]
            lines.append(f"deliver {','.join(f'{node}>{other}' for other in others)} pre-vote")
            lines.append(f"deliver {','.join(f'{other}>{node}' for other in others)} pre-vote-reply")
        if what.startswith("crash"):
            lines += [f"crash {node}", f"restart {node}"]
    return "\n".join([*lines, "check", ""])


def write_down(folder: Path, text: str, *, nodes: int, rule: str | None) -> Shown:
    """Write the scenario, run it in the virtual world, and keep its trace beside it.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, trace = folder / f"{NAME}.paxsim", folder / f"{NAME}.jsonl"
    path.write_text(text, encoding="utf-8")
    settings = Settings(nodes=nodes, difficulty=0, break_rule=rule, data="")
    result = run_scenario(load_scenario(str(path)), settings, world="virtual", trace=str(trace))
    broken = tuple(name for name, verdict in result.checks.items() if verdict not in ("ok", "unknown"))
    return Shown(str(path), str(trace), broken)


def _elections(model: ClusterModel, steps: Sequence[Action]) -> list[bool]:
    """Which of these steps open a ballot."""
    state, found = next(iter(model.first())), []
    for name in steps:
        after = next(after for step, after in model.steps(state) if step == name)
        found.append(after[model.nodes] > state[model.nodes])
        state = after
    return found
