"""A run that `paxsim prove` found, as a scenario for `paxsim run --world virtual`: held messages are let go by hand.

A step of the search becomes a line or two. Time stands still while messages are held; before a second leader it passes
for one election timeout, so that nobody refuses a candidate because of the first. Messages that the search leaves out
stay held. Whether the scenario shows the violation is found out by running it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations, product
from pathlib import Path

import msgspec

from simulator.cluster.message_text import KINDS
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Action, ClusterModel

SILENCES = ("sleep 210ms", "sleep 350ms")
"""Longer than most election timeouts, and shorter than the time after which a leader without answers steps down; and
longer than any."""
SENT_TO_ONE = ("promise", "accepted")
"""Kinds of messages that go to one node. Others go to all."""
NAMES = {"one-value": "one-value-per-ballot"}
"""Invariants of the search that the checks of the virtual world call otherwise."""
NAME = "every-schedule"


class Shown(msgspec.Struct, frozen=True):
    """The files that were written, and what the checks of the virtual world say: the invariants broken, by name."""

    scenario: str
    trace: str
    broken: tuple[str, ...]


def scenario_of(
    model: ClusterModel,
    steps: Sequence[Action],
    why: str,
    rule: str | None,
    *,
    at_once: Collection[int] = (),
    silence: str = SILENCES[0],
) -> str:
    """The text of the scenario; `steps` lead to the violation `why`.

    `at_once` are the writes after which no election timeout passes: their nodes follow nobody, and campaign themselves.
    `silence` is what passes for one election timeout.
    """
    lines = [f"# Found by paxsim prove: {why}."]
    if rule is not None:
        lines.append(f"# break: {rule}")
    lines += [f"set nodes {model.nodes}", "set difficulty 0", "set world virtual", "hold"]
    kinds = {kind: name for name, kind in KINDS.items()}
    campaigns, copied = 0, _copied(model, steps)
    both: set[int] = set()  # Messages of which a copy was let go: a line lets all of a kind on a link go.
    for at, (action, opened) in enumerate(zip(steps, _elections(model, steps), strict=True)):
        what, node, argument, _ = action
        lines += [f"copy {kinds[kind]} {1 if kinds[kind] in SENT_TO_ONE else model.nodes - 1}" for kind in copied[at]]
        lines.append(f"# {model.tell(action)}")
        if opened and campaigns and not (what.endswith("write") and argument in at_once):
            lines.append(silence)
        campaigns += opened
        sent = model.message(action)
        if what.endswith("write"):
            lines.append(f"@{node} post alice t{argument} x &")
        elif what.endswith(("campaign", "campaign again")) and not opened:
            lines.append(silence)
        elif what.endswith("campaign"):
            lines += ["wait held within 5s"] if campaigns == 1 else []
        elif what == "fetch":
            lines += [f"deliver {node}>{argument} catchup", f"deliver {argument}>{node} catchup-reply"]
        elif sent is not None and what != "lose" and argument not in both:
            if what == "deliver a copy":
                both.add(argument)
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
    pass that shows this violation is kept, otherwise the first that shows any.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, trace = folder / f"{NAME}.paxsim", folder / f"{NAME}.jsonl"
    settings = Settings(nodes=nodes, difficulty=0, break_rule=rule, data="")
    writes = [argument for what, _, argument, _ in steps if what.endswith("write")]
    all_at_once = [those for count in range(len(writes) + 1) for those in combinations(writes, count)]
    invariant = next(part for part in why.split(": ") if not part.startswith("node "))

    def carried_out(text: str) -> tuple[str, ...]:
        path.write_text(text, encoding="utf-8")
        result = run_scenario(load_scenario(str(path)), settings, world="virtual", trace=str(trace))
        return tuple(name for name, verdict in result.checks.items() if verdict not in ("ok", "unknown"))

    best = ""
    most: tuple[str, ...] = ()
    for silence, at_once in product(SILENCES, all_at_once):
        text = scenario_of(model, steps, why, rule, at_once=at_once, silence=silence)
        broken = carried_out(text)
        if NAMES.get(invariant, invariant) in broken:
            return Shown(str(path), str(trace), broken)
        if not best or (broken and not most):
            best, most = text, broken
    return Shown(str(path), str(trace), carried_out(best))


def _copied(model: ClusterModel, steps: Sequence[Action]) -> list[list[type]]:
    """By step, kinds of messages to copy from then on: the last step of a sender before a copy is delivered."""
    found: list[list[type]] = [[] for _ in steps]
    for at, action in enumerate(steps):
        sent = model.message(action)
        if action[0] == "deliver a copy" and sent is not None:
            found[max((before for before in range(at) if _acting(model, steps[before]) == sent[0]), default=0)].append(
                type(sent[2])
            )
    return found


def _acting(model: ClusterModel, action: Action) -> int:
    """The node that acts in a step: the one that gets the message, or to which something else happens."""
    sent = model.message(action)
    return action[1] if sent is None else sent[1]


def _elections(model: ClusterModel, steps: Sequence[Action]) -> list[bool]:
    """Which of these steps open a ballot."""
    state, found = next(iter(model.first())), []
    for name in steps:
        after = next(after for step, after in model.steps(state) if step == name)
        found.append(model.elections_in(after) > model.elections_in(state))
        state = after
    return found
