"""Which handlers an observer list has for a message of some kind."""

from __future__ import annotations

from collections.abc import Mapping

from paxos.ballot import Ballot
from paxos.messages import Decide, Heartbeat, StepDown
from simulator.trace.events import Event, MessageSent
from simulator.trace.observer import ByMessage, Handler, Observer, ObserverList, replay

BALLOT = Ballot(1, 1)
DECIDE = MessageSent(at_ms=1, node=1, to=(2,), number=1, message=Decide(sender=1, ballot=BALLOT, decided=0))
STEP_DOWN = MessageSent(at_ms=2, node=1, to=(2,), number=2, message=StepDown(sender=1, ballot=BALLOT))


class Everything(Observer):
    """Keeps all that is sent."""

    def __init__(self) -> None:
        self.seen: list[Event] = []

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: self.seen.append}


class StepDowns(Everything):
    """Keeps the step-downs alone."""

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: ByMessage({StepDown: self.seen.append})}


def test_an_observer_of_one_kind_sees_no_other() -> None:
    """In a world, which asks by the kind of message, and in a replay, which does not."""
    all_of_them, step_downs = Everything(), StepDowns()
    by_message = ObserverList([step_downs, all_of_them]).by_message(MessageSent)

    for event in (DECIDE, STEP_DOWN):
        for handle in by_message[type(event.message)]:
            handle(event)
    replay([DECIDE, STEP_DOWN], step_downs)

    assert all_of_them.seen == [DECIDE, STEP_DOWN]
    assert step_downs.seen == [STEP_DOWN, STEP_DOWN]


def test_a_kind_that_nobody_handles_has_no_handlers() -> None:
    """A world makes no event of such a message."""
    by_message = ObserverList([StepDowns()]).by_message(MessageSent)

    assert by_message[Heartbeat] == ()
    assert len(by_message[StepDown]) == 1
    assert ObserverList([]).by_message(MessageSent)[StepDown] == ()
