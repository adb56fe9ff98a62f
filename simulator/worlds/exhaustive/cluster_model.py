"""The model of a cluster of our own nodes: every order of deliveries, losses, duplicates, crashes, alarms and writes.

A state is a tuple of small numbers: one for each node, one for each budget used, one for each message on its way,
sorted. See `node_steps` for what one node does, and `cluster_rules` for what must hold.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_rules import disagreement, wrong_together
from simulator.worlds.exhaustive.model import Model, Property, always
from simulator.worlds.exhaustive.node_steps import Event, NodeSteps, Step

Numbers = tuple[int, ...]
Action = tuple[str, int, object]
"""What happens, to which node, and what with it: ("deliver", 2, message number), ("write", 1, number), …"""

ELECTIONS, WRITES, CRASHES, LOSSES, DUPLICATES = range(5)
WRONG = 5
"""The places of the budgets used, after those of the nodes; the last is the number of a sentence: what went wrong."""


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """How much may happen in one run. An election is a ballot opened; a crash is followed by a restart at once."""

    writes: int = 1
    elections: int = 2
    crashes: int = 0
    losses: int = 0
    duplicates: int = 0

    def as_tuple(self) -> Numbers:
        """In the order of a state."""
        return self.elections, self.writes, self.crashes, self.losses, self.duplicates


class ClusterModel(Model[Numbers, Action]):
    """`only_agreement`: a state is wrong only when two nodes have different blocks, and not for what leads there."""

    def __init__(self, settings: Settings, budgets: Budgets, *, only_agreement: bool = False) -> None:
        self.nodes = settings.nodes
        self.majority = settings.majority
        self.budgets = budgets.as_tuple()
        self.steps_of = NodeSteps(settings)
        self.only_agreement = only_agreement
        self.sentences = [""]
        self._sentence_numbers = {"": 0}
        self._memo: dict[tuple[int, int, Event], list[Step]] = {}
        self._deliveries: list[list[dict[int, list[Step]]]] = []
        self._receivers: list[int] = []
        self._judged: dict[Numbers, str] = {}
        self._names: dict[tuple[str, int, object], Action] = {}

    def first(self) -> Iterator[Numbers]:
        """All nodes are new."""
        yield (*(self.steps_of.first(node + 1) for node in range(self.nodes)), *(0,) * 6)

    def steps(self, state: Numbers) -> list[tuple[Action, Numbers]]:
        """See `Model`. Nothing follows a state in which something is wrong."""
        nodes, head = self.nodes, self.nodes + WRONG + 1
        found: list[tuple[Action, Numbers]] = []
        used = state[nodes:head]
        if used[WRONG]:
            return found
        self._know_messages()
        crash_left = used[CRASHES] < self.budgets[CRASHES]
        last = -1
        for at in range(head, len(state)):
            number = state[at]
            if number == last:
                continue
            last = number
            place = self._receivers[number]
            own = state[place]
            known = self._deliveries[number]
            rest = state[head:at] + state[at + 1 :]
            done = known[0].get(own)
            if done is None:
                done = known[0][own] = self.steps_of.step(place + 1, own, ("deliver", number))
            found += self._after(state, ("deliver", place + 1, number), done, used, rest)
            if used[DUPLICATES] < self.budgets[DUPLICATES]:
                spent = _spent(used, DUPLICATES)
                found += self._after(state, ("deliver a copy", place + 1, number), done, spent, state[head:])
            if used[LOSSES] < self.budgets[LOSSES]:
                found.append((("lose", place + 1, number), (*state[:nodes], *_spent(used, LOSSES), *rest)))
            if crash_left:
                done = known[1].get(own)
                if done is None:
                    done = known[1][own] = self.steps_of.step(place + 1, own, ("crash", "deliver", number))
                found += self._after(state, ("crash at", place + 1, number), done, _spent(used, CRASHES), rest)
        self._inputs(found, state, used, crash_left=crash_left)
        return found

    def _inputs(self, found: list[tuple[Action, Numbers]], state: Numbers, used: Numbers, *, crash_left: bool) -> None:
        """What comes from outside the network: clients, alarms and loss of power."""
        nodes, rest, rounds = self.nodes, state[self.nodes + WRONG + 1 :], used[ELECTIONS]
        for place in range(nodes):
            own = state[place]
            if used[WRITES] < self.budgets[WRITES]:
                number = used[WRITES] + 1
                done = self._step(place, own, ("write", number, rounds))
                found += self._after(state, ("write", place + 1, number), done, _spent(used, WRITES), rest)
            if rounds < self.budgets[ELECTIONS]:
                done = self._step(place, own, ("campaign", rounds))
                found += self._after(state, ("campaign", place + 1, rounds + 1), done, used, rest)
            if crash_left:
                done = self._step(place, own, ("crash",))
                found += self._after(state, ("crash", place + 1, 0), done, _spent(used, CRASHES), rest)

    def _step(self, place: int, own: int, event: Event) -> list[Step]:
        key = (place, own, event)
        done = self._memo.get(key)
        if done is None:
            done = self._memo[key] = self.steps_of.step(place + 1, own, event)
        return done

    def _after(
        self, state: Numbers, action: Action, steps: list[Step], used: Numbers, rest: Numbers
    ) -> Iterator[tuple[Action, Numbers]]:
        """The states after these outcomes. `used` are the budgets after it, `rest` the messages that stay."""
        nodes, place = self.nodes, action[1] - 1
        for after, sent, opened, wrong in steps:
            if after == state[place] and not sent and not wrong:
                continue  # It changes nothing. A message that does not waits: it may change something later.
            if opened:
                if used[ELECTIONS] + opened > self.budgets[ELECTIONS]:
                    continue
                used_now = (used[ELECTIONS] + opened, *used[1:])
            else:
                used_now = used
            bag = tuple(sorted(rest + sent)) if sent else rest
            together = (*state[:place], after, *state[place + 1 : nodes])
            why = self._judged.get(together)
            if why is None:
                why = self._judged[together] = self._judge(together)
            if wrong and not self.only_agreement:
                why = why or f"node {place + 1}: {wrong}"
            if why:
                used_now = (*used_now[:WRONG], self._number_of(why))
            yield action, (*together, *used_now, *bag)

    def fingerprint(self, state: Numbers) -> int:
        """See `Model`."""
        return hash(state)

    def properties(self) -> list[Property[Numbers]]:
        """Nothing is wrong."""
        place = self.nodes + WRONG
        return [always("agreement" if self.only_agreement else "invariants", lambda state: not state[place])]

    # Reading a state

    def rounds(self, state: Numbers) -> int:
        """How many ballots have been opened."""
        return state[self.nodes + ELECTIONS]

    def wrong_in(self, state: Numbers) -> str:
        """What is wrong in a state; empty: nothing."""
        return self.sentences[state[self.nodes + WRONG]]

    def tell(self, action: Action) -> str:
        """One action in words."""
        what, node, argument = action
        if what in ("deliver", "deliver a copy", "lose", "crash at"):
            assert isinstance(argument, int)
            source, to, message = self.steps_of.messages.values[argument]
            text = f"{type(message).__name__.upper()} {source}>{to}{_about(message)}"
            words = {
                "deliver": f"deliver {text}",
                "deliver a copy": f"deliver a copy of {text}",
                "lose": f"lose {text}",
                "crash at": f"node {node} crashes in {text}, before its records are durable, and restarts",
            }
            return words[what]
        return {
            "write": f"a client posts t{argument} at node {node}",
            "campaign": f"the election alarm of node {node} fires",
            "crash": f"node {node} crashes and restarts",
        }[what]

    def _judge(self, together: Numbers) -> str:
        facts = [self.steps_of.facts[number] for number in together]
        why = disagreement(facts)
        return why or ("" if self.only_agreement else wrong_together(facts, self.majority))

    def _number_of(self, sentence: str) -> int:
        number = self._sentence_numbers.get(sentence)
        if number is None:
            number = self._sentence_numbers[sentence] = len(self.sentences)
            self.sentences.append(sentence)
        return number

    def _know_messages(self) -> None:
        messages = self.steps_of.messages.values
        while len(self._receivers) < len(messages):
            self._receivers.append(messages[len(self._receivers)][1] - 1)
            self._deliveries.append([{}, {}])


def _spent(used: Numbers, budget: int) -> Numbers:
    return (*used[:budget], used[budget] + 1, *used[budget + 1 :])


def _about(message: object) -> str:
    ballot = getattr(message, "ballot", None)
    slot = getattr(message, "first_slot", None)
    return (f" at ballot {ballot}" if ballot is not None else "") + (f", slot {slot}" if slot is not None else "")
