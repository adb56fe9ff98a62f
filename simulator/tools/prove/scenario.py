"""A run that `paxsim prove` found, as a scenario for `paxsim run --world virtual`: held messages are let go by hand.

A step of the search becomes a line or two. Time stands still while messages are held; before a second leader it passes
for one election timeout, so that nobody refuses a candidate because of the first. Messages that the search leaves out
stay held. Whether the scenario shows the violation is found out by running it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import combinations, permutations, product
from pathlib import Path

import msgspec

from simulator.cluster.message_text import KINDS
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.trace.events import MessageSent
from simulator.worlds.exhaustive.cluster_model import Action, ClusterModel
from simulator.worlds.exhaustive.run_events import STEP_MS, events_of

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
    opened: Sequence[bool] | None = None,
    at_sync: bool = True,
    ending: Sequence[int] = (),
) -> str:
    """The text of the scenario; `steps` lead to the violation `why`.

    `at_once` are the writes after which no election timeout passes: their nodes follow nobody, and campaign themselves.
    `silence` is what passes for one election timeout. `opened` says which steps open a ballot.
    `at_sync`: who crashes at a message does so before its records are synced, otherwise right after it.
    `ending`: the first of these nodes is elected by the others in the end, and writes: what was decided must stand.
    """
    opens = _elections(model, steps) if opened is None else opened
    lines = [f"# Found by paxsim prove: {why}."]
    if rule is not None:
        lines.append(f"# break: {rule}")
    lines += [f"set nodes {model.nodes}", "set difficulty 0", "set world virtual", "hold"]
    kinds = {kind: name for name, kind in KINDS.items()}
    campaigns, copied = 0, _copied(model, steps)
    both: set[int] = set()  # Messages of which a copy was let go: a line lets all of a kind on a link go.
    for at, (action, campaign) in enumerate(zip(steps, opens, strict=True)):
        what, node, argument, _ = action
        lines += [f"copy {kinds[kind]} {1 if kinds[kind] in SENT_TO_ONE else model.nodes - 1}" for kind in copied[at]]
        lines.append(f"# {model.tell(action)}")
        if campaign and campaigns and not (what.endswith("write") and argument in at_once):
            lines.append(silence)
        campaigns += campaign
        sent = model.message(action)
        at_point = [f"crash {node} --at before-sync"] if at_sync and what.startswith("crash at") else []
        lines += at_point if not campaign else []
        if what.endswith("write"):
            lines.append(f"@{node} post alice t{argument} x &")
        elif what.endswith(("campaign", "campaign again")) and not campaign:
            lines.append(silence)
        elif what.endswith("campaign"):
            lines += ["wait held within 5s"] if campaigns == 1 else []
        elif what == "fetch":
            lines += [f"deliver {node}>{argument} catchup", f"deliver {argument}>{node} catchup-reply"]
        elif sent is not None and what != "lose" and argument not in both:
            if what == "deliver a copy":
                both.add(argument)
            lines.append(f"deliver {sent[0]}>{sent[1]} {kinds[type(sent[2])]}")
        if campaign:
            others = [other for other in range(1, model.nodes + 1) if other != node]
            lines.append(f"deliver {','.join(f'{node}>{other}' for other in others)} pre-vote")
            lines += at_point
            lines.append(f"deliver {','.join(f'{other}>{node}' for other in others)} pre-vote-reply")
        if what.startswith("crash"):
            lines += [f"restart {node}"] if at_point else [f"crash {node}", f"restart {node}"]
    return "\n".join([*lines, *_ending(ending), "check", ""])


def _ending(nodes: Sequence[int]) -> list[str]:
    """One more election among these nodes, which make up a majority, and a write by the leader."""
    if not nodes:
        return []
    leader, *others = nodes
    there = ",".join(f"{leader}>{other}" for other in others)
    back = ",".join(f"{other}>{leader}" for other in others)
    return [
        f"# what was decided must stand: node {leader} is elected by {','.join(map(str, others))}, and writes",
        SILENCES[-1],
        f"deliver {there} pre-vote",
        f"deliver {back} pre-vote-reply",
        f"deliver {there} prepare",
        f"deliver {back} promise",
        f"@{leader} post alice after x &",
        f"deliver {there} accept",
        f"deliver {back} accepted",
    ]


def write_down(
    folder: Path, model: ClusterModel, steps: Sequence[Action], why: str, *, nodes: int, rule: str | None
) -> Shown:
    """Write the scenario, run it in the virtual world, and keep its trace beside it.

    Time that passes may end a campaign that the run needs, or be needed to end a leadership: the first way to let it
    pass that shows this violation is kept, otherwise the first that shows any. Each is tried in the order of the search
    and in that of `campaigns_late`. If none shows any, one more election follows the run: the search looks at what
    nodes hold, the checks there at what they do, and what is lost is missed only by who needs it.

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
    opened = _elections(model, steps)
    late = campaigns_late(model, steps, opened)
    orders = [range(len(steps))] if late == list(range(len(steps))) else [range(len(steps)), late]
    points = (True, False) if any(what.startswith("crash at") for what, _, _, _ in steps) else (False,)
    for order, at_sync, silence, at_once in product(orders, points, SILENCES, all_at_once):
        those, opens = [steps[at] for at in order], [opened[at] for at in order]
        text = scenario_of(model, those, why, rule, at_once=at_once, silence=silence, opened=opens, at_sync=at_sync)
        broken = carried_out(text)
        if NAMES.get(invariant, invariant) in broken:
            return Shown(str(path), str(trace), broken)
        if not best or (broken and not most):
            best, most = text, broken
    if not most and not any(what.startswith("crash") for what, _, _, _ in steps):
        for ending in permutations(range(1, nodes + 1), model.majority):
            text = scenario_of(model, steps, why, rule, opened=opened, ending=ending)
            broken = carried_out(text)
            if broken:
                return Shown(str(path), str(trace), broken)
    return Shown(str(path), str(trace), carried_out(best))


def campaigns_late(model: ClusterModel, steps: Sequence[Action], opened: Sequence[bool]) -> list[int]:
    """The places of these steps in another order, in which the same happens: ballots are opened as late as they can be.

    Steps of one node keep their order, a message comes after it was sent, and ballots and writes keep theirs.
    """
    sent_in = {
        event.number - 1: event.at_ms // STEP_MS - 1
        for event in reversed(events_of(model, steps))
        if isinstance(event, MessageSent)
    }
    touched = [{_acting(model, action)} | ({action[2]} if action[0] == "fetch" else set()) for action in steps]
    after: list[set[int]] = []
    for at, action in enumerate(steps):
        before = {other for other in range(at) if touched[other] & touched[at]}
        before |= {other for other in range(at) if opened[at] and opened[other]}
        before |= {other for other in range(at) if "write" in action[0] and "write" in steps[other][0]}
        if model.message(action) is not None and sent_in.get(action[2], -1) >= 0:
            before.add(sent_in[action[2]])
        after.append(before)
    order: list[int] = []
    while len(order) < len(steps):
        ready = [at for at in range(len(steps)) if at not in order and after[at] <= set(order)]
        order.append(next((at for at in ready if not opened[at]), ready[0]))
    return order


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
