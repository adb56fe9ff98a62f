"""A run that `paxsim prove` found, as a scenario for `paxsim run --world virtual`: held messages are let go by hand.

A step of the search becomes a line or two. Time stands still while messages are held; before a second leader it passes
for one election timeout, so that nobody refuses a candidate because of the first. Messages that the search leaves out
stay held. Whether the scenario shows the violation is found out by running it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations
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


def scenario_of(
    model: ClusterModel, steps: Sequence[Action], why: str, rule: str | None, *, at_once: Collection[int] = ()
) -> str:
    """The text of the scenario; `steps` lead to the violation `why`.

    `at_once` are the writes after which no election timeout passes: their nodes follow nobody, and campaign themselves.
    """
    lines = [f"# Found by paxsim prove: {why}."]
    if rule is not None:
        lines.append(f"# break: {rule}")
    lines += [f"set nodes {model.nodes}", "set difficulty 0", "set world virtual", "hold"]
    kinds = {kind: name for name, kind in KINDS.items()}
    campaigns = 0
    for action, opened in zip(steps, _elections(model, steps), strict=True):
        what, node, argument, _ = action
        lines.append(f"# {model.tell(action)}")
        if opened and campaigns and not (what.endswith("write") and argument in at_once):
            lines.append(SILENCE)
        campaigns += opened
        sent = model.message(action)
        if what.endswith("write"):
            lines.append(f"@{node} post alice t{argument} x &")
        elif what.endswith(("campaign", "campaign again")) and not opened:
            lines.append(SILENCE)
        elif what.endswith("campaign"):
            lines += ["wait held within 5s"] if campaigns == 1 else []
        elif what == "fetch":
            lines += [f"deliver {node}>{argument} catchup", f"deliver {argument}>{node} catchup-reply"]
        elif sent is not None and what != "lose":
            lines.append(f"deliver {sent[0]}>{sent[1]} {kinds[type(sent[2])]}")
        if opened:
            others = [other for other in range(1, model.nodes + 1) if other != node]
            lines.append(f"deliver {','.join(f'{node}>{other}' for other in others)} pre-vote")
            lines.append(f"deliver {','.join(f'{other}>{node}' for other in others)} pre-vote-reply")
        if what.startswith("crash"):
            lines += [f"crash {node}", f"restart {node}"]
    return "\n".join([*lines, "check", ""])


def write_down(
    folder: Path, model: ClusterModel, steps: Sequence[Action], why: str, *, nodes: int, rule: str | None
) -> Shown:
    """Write the scenario, run it in the virtual world, and keep its trace beside it.

    Time that passes may end a campaign that the run needs, or be needed to end a leadership: the first way to let it
    pass that shows the violation is kept.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, trace = folder / f"{NAME}.paxsim", folder / f"{NAME}.jsonl"
    settings = Settings(nodes=nodes, difficulty=0, break_rule=rule, data="")
    writes = [argument for what, _, argument, _ in steps if what.endswith("write")]
    broken: tuple[str, ...] = ()
    for count in range(len(writes) + 1):
        for at_once in combinations(writes, count):
            text = scenario_of(model, steps, why, rule, at_once=at_once)
            path.write_text(text, encoding="utf-8")
            result = run_scenario(load_scenario(str(path)), settings, world="virtual", trace=str(trace))
            broken = tuple(name for name, verdict in result.checks.items() if verdict not in ("ok", "unknown"))
            if broken:
                return Shown(str(path), str(trace), broken)
    return Shown(str(path), str(trace), broken)


def _elections(model: ClusterModel, steps: Sequence[Action]) -> list[bool]:
    """Which of these steps open a ballot."""
    state, found = next(iter(model.first())), []
    for name in steps:
        after = next(after for step, after in model.steps(state) if step == name)
        found.append(model.elections_in(after) > model.elections_in(state))
        state = after
    return found
