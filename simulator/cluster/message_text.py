"""A message between nodes as one short line of text, for a person: `ACCEPT ballot 3.1 slots 7-8 decided 6`.

It never shows what users wrote: a value is shown as its number of requests.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from heapq import merge
from typing import get_args

from paxos.ballot import Ballot
from paxos.messages import (
    Accept,
    Accepted,
    AnyMessage,
    CatchupReply,
    Forward,
    Heartbeat,
    HeartbeatAck,
    Hints,
    LinkStates,
    Promise,
    Relay,
)
from simulator.cluster.events import ClusterEvent, Fate


def _kebab(kind: type) -> str:
    return "".join(f"-{letter}" if letter.isupper() else letter for letter in kind.__name__).lstrip("-").lower()


ROUTINE = (Heartbeat, HeartbeatAck, Hints, LinkStates)
"""Messages that idle nodes send too, some only while a node is cut off. The running log leaves them out."""

KINDS: dict[str, type[AnyMessage]] = {_kebab(kind): kind for kind in get_args(AnyMessage)}
"""The kinds of messages by the names that people type."""

_HIDDEN = {"sender", "stamp", "path"}


def describe(message: AnyMessage) -> str:
    """One line: the message's name in capitals, then its fields."""
    return " ".join([_name(message), *_words(message)])


def sent_line(
    at_ms: int, source: int, to: tuple[int, ...], message: AnyMessage, fates: tuple[Fate, ...] = ()
) -> ClusterEvent:
    """A message from `source` to each of `to`, as a line of the running log."""
    text = f"→ {','.join(map(str, to))}  {describe(message)}"
    return ClusterEvent(at_ms=at_ms, node=source, kind="sent", text=text, to=to, fates=fates)


def in_order(*logs: Iterable[ClusterEvent]) -> list[ClusterEvent]:
    """Several logs merged in order of time."""
    return list(merge(*logs, key=lambda event: event.at_ms))


def _name(message: AnyMessage) -> str:
    return _kebab(type(message)).upper()


@singledispatch
def _words(message: AnyMessage) -> list[str]:
    fields = ((name, getattr(message, name)) for name in message.__struct_fields__ if name not in _HIDDEN)
    return [f"{name.replace('_', '-')} {_short(value)}" for name, value in fields]


@_words.register
def _(message: Accept) -> list[str]:
    requests = sum(len(value) for value in message.values)
    last = message.first_slot + len(message.values) - 1
    return [_ballot(message.ballot), _slots(message.first_slot, last), f"requests {requests}"]


@_words.register
def _(message: Accepted) -> list[str]:
    return [_ballot(message.ballot), _slots(message.first_slot, message.last_slot)]


@_words.register
def _(message: Promise) -> list[str]:
    return [_ballot(message.ballot), f"votes {len(message.accepted)}", f"decided {message.decided}"]


@_words.register
def _(message: Forward) -> list[str]:
    return [f"from {message.path[0] if message.path else message.sender}", f"requests {len(message.requests)}"]


@_words.register
def _(message: CatchupReply) -> list[str]:
    return [_slots(message.first_slot, message.first_slot + len(message.blocks) - 1), f"decided {message.decided}"]


@_words.register
def _(message: Hints) -> list[str]:
    return [_slots(message.first_slot, message.first_slot + len(message.hints) - 1)]


@_words.register
def _(message: LinkStates) -> list[str]:
    return [f"node {state.node} hears {_short(state.hears) or 'nobody'}" for state in message.states[:1]]


@_words.register
def _(message: Relay) -> list[str]:
    return [f"for {message.path[-1]}:" if message.path else "here:", describe(message.message)]


def _short(value: object) -> str:
    if isinstance(value, Ballot):
        return f"{value.round}.{value.owner}"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ",".join(str(item) for item in value) if all(isinstance(i, int) for i in value) else str(len(value))
    return str(value)


def _ballot(ballot: Ballot) -> str:
    return f"ballot {_short(ballot)}"


def _slots(first: int, last: int) -> str:
    return f"slot {first}" if first == last else f"slots {first}-{last}"
