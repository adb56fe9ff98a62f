"""Triggered calls: clients ask a node that has just won an election, and the one that it replaces.

The new leader may not know yet what its predecessor decided; the old one may not know yet that it is replaced, and
goes on for as long as nobody tells it. Both must answer linearizable reads rightly. Calls at random times seldom meet
these few milliseconds. Like triggered faults they are recorded as plain calls when they have happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

from paxos.ballot import NO_BALLOT, NOBODY, Ballot, NodeId
from paxos.messages import Heartbeat
from simulator.tools.explore.draw_calls import TITLES, USERS, WRITES
from simulator.tools.explore.schedule import Call, Look, TriggeredCalls, Write
from simulator.trace.events import Event, MessageSent
from simulator.trace.observer import ByMessage, Handler, Observer

FIRST_CLIENT = 100
"""The clients of triggered calls have numbers from here on."""


def draw_triggered_calls(dice: Random, heals_ms: int) -> tuple[TriggeredCalls, ...]:
    """Draw some until `heals_ms`, in order of time."""
    every_ms = dice.choice((100, 400, 1_000))
    laid: list[TriggeredCalls] = []
    at_ms = dice.randint(0, every_ms)
    while at_ms < heals_ms and len(laid) < 10:
        laid.append(TriggeredCalls(at_ms, dice.choice((1, 1, 2)), dice.randrange(1 << 30)))
        at_ms += dice.randint(1, 2 * every_ms)
    return tuple(laid)


def calls_of(trigger: TriggeredCalls, at_ms: int, new: NodeId, old: NodeId) -> list[Call]:
    """The calls from `at_ms` on at the `new` leader and the `old` one (0: there was none), in order of time."""
    dice = Random(f"asking {trigger.seed}")
    nodes = [node for node in (new, old) if node]
    client = FIRST_CLIENT + dice.randint(0, 3)
    calls: list[Call] = [Look(at_ms, client + place, node, "all", "", True) for place, node in enumerate(nodes)]
    at = at_ms
    for number in range(dice.randint(0, 2)):
        at += dice.choice((0, 1, 3, 20))
        content = f"w{trigger.seed}n{number}"
        kind, user, title = dice.choice(WRITES), dice.choice(USERS), dice.choice(TITLES)
        calls.append(Write(at, client, dice.choice(nodes), kind, user, title, content, session=1))
    for number in range(dice.randint(1, 4)):
        at += dice.choice((1, 2, 5, 20, 80))
        calls.append(Look(at, client + 2 + number, dice.choice(nodes), "all", "", True))
    return calls


class LeaderWatch(Observer):
    """Watches who begins to lead. `fired` collects what fired: its time, the new leader, the old one, the trigger."""

    def __init__(self, triggers: tuple[TriggeredCalls, ...]) -> None:
        self.fired: list[tuple[int, NodeId, NodeId, TriggeredCalls]] = []
        self._laid = list(triggers)
        self._left = [trigger.count for trigger in triggers]
        self._newest: Ballot = NO_BALLOT

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: ByMessage({Heartbeat: self._sent})}

    def _sent(self, event: MessageSent) -> None:
        message = event.message
        if type(message) is not Heartbeat or message.ballot <= self._newest:
            return
        old = self._newest.owner
        self._newest = message.ballot
        if not self._laid or self._laid[0].from_ms > event.at_ms:
            return
        self._left[0] -= 1
        if not self._left[0]:
            self._left.pop(0)
            self.fired.append((event.at_ms, event.node, old if old != event.node else NOBODY, self._laid.pop(0)))
