"""The teacher's question: what will this node send now?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from paxos.effects import Timer
from simulator.analysis.event_kind import kinds_sent
from simulator.analysis.event_text import call_text
from simulator.cluster.message_text import describe

if TYPE_CHECKING:
    from simulator.cluster.interface import Rewindable


class Prediction:
    """Asks about one batch after the other, and counts the right answers.

    A node acts on a batch, waits for its disk if it recorded something, and then sends. What it sends from the batch on
    until it can act again is the answer.
    """

    def __init__(self, world: Rewindable) -> None:
        self.asks = False
        self._world = world
        self._node = 0
        self._asked_at = 0
        self._right = 0
        self._guesses = 0

    def is_near(self) -> bool:
        """True when a node is about to act on something that a person can see."""
        batch = self._world.next_batch()
        return batch is not None and any(not isinstance(what, Timer) for what in batch[1])

    def ask(self) -> str:
        """The question about the next batch."""
        batch = self._world.next_batch()
        if batch is None:
            return "nothing happens any more: nobody acts within a minute"
        self._node, self.asks = batch[0], True
        got = "; ".join(_words(what) for what in batch[1])
        return f"node {self._node} gets: {got}. What will it send? guess KIND…, guess nothing, or step to see."

    def begin(self) -> None:
        """The batch is about to be handled."""
        self.asks = False
        self._asked_at = self._world.steps

    def has_acted(self) -> bool:
        """True once the node has handled the batch and its disk has what it recorded."""
        return self._world.steps > self._asked_at and not self._world.is_busy(self._node)

    def answer(self, events: Sequence[Any], guess: tuple[str, ...] | None) -> str:
        """What it sent, and whether a guess was right (None: nobody guessed)."""
        sent = kinds_sent(events, self._node)
        sentence = f"node {self._node} sends {', '.join(sent) or 'nothing'}"
        if guess is None:
            return sentence
        self._guesses += 1
        right = set(guess) == set(sent)
        self._right += right
        return f"{'right' if right else 'no'}: {sentence} ({self._right} of {self._guesses} right)"


def _words(what: Any) -> str:
    match what:
        case (int(source), message):
            return f"{describe(message)} from {source}"
        case Timer():
            return f"timer {what.value}"
        case _:
            return f"a client's call: it {call_text(what)}"
