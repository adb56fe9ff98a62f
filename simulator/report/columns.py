"""The events of a run as columns of small numbers: a hundred thousand of them make a page of a few megabytes."""

from __future__ import annotations

import msgspec

from chain.block import Block
from simulator.analysis.event_text import LOSSES, event_text, operations_words
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.cluster.message_text import describe
from simulator.node.client_api import ClientWrite, NodeReport, NoteLine
from simulator.text.sanitize import safe
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
    NodeReported,
)
from simulator.trace.format import AnyLine

MOST_TEXT = 400
"""So many characters of one event are shown; the trace has the rest."""

KINDS: tuple[str, ...] = tuple(dict.fromkeys(str(kind.__struct_config__.tag) for kind in AnyLine.__args__))
"""The tags of all lines of a trace, each once."""

_KIND = {tag: number for number, tag in enumerate(KINDS)}


class Columns(msgspec.Struct, frozen=True):
    """One entry an event, in the order of the trace. `times` holds differences, which are small.

    `about` is, for a sent message, the set of its targets as bits; for an arrival or a loss, how many events ago the
    message was sent (0: unknown). `texts` are indexes into `words`. `numbers` are the differences of the numbers of the
    sent messages, one for each of these.
    """

    times: list[int]
    nodes: list[int]
    kinds: list[int]
    clocks: list[int]
    about: list[int]
    texts: list[int]
    numbers: list[int]
    words: list[str]


def columns_of(run: RecordedRun) -> Columns:
    """The columns of a run."""
    made = Columns([], [], [], [], [], [], [], [])
    known: dict[str, int] = {}
    earlier = last_number = 0
    for index, event in enumerate(run.events):
        made.times.append(event.at_ms - earlier)
        earlier = event.at_ms
        made.nodes.append(0 if isinstance(event, FaultInjected) else event.node)
        made.kinds.append(_KIND[str(event.__struct_config__.tag)])
        made.clocks.append(event.clock)
        made.about.append(_about(run, index, event))
        if isinstance(event, MessageSent):
            made.numbers.append(event.number - last_number)
            last_number = event.number
        text = shown(_text(event))
        place = known.setdefault(text, len(known))
        if place == len(made.words):
            made.words.append(text)
        made.texts.append(place)
    return made


def shown(text: str) -> str:
    """Text for the page: on one line, without control characters, and not endless."""
    return safe(text if len(text) <= MOST_TEXT else text[: MOST_TEXT - 1] + "…")


def _about(run: RecordedRun, index: int, event: Event) -> int:
    if isinstance(event, MessageSent):
        return sum(1 << target for target in event.to)
    if run.sending[index] != NOWHERE:
        return index - run.sending[index]
    return 0


def _text(event: Event) -> str:
    match event:
        case MessageSent(message=message):
            return describe(message)
        case MessageDelivered():
            return ""  # The page knows the message by where it was sent.
        case MessageLost():
            return LOSSES.get(event.why, "")
        case MessageHeld():
            return "is held"
        case MessageDuplicated():
            return "is duplicated"
        case BlocksApplied(blocks=blocks):
            return "; ".join(map(_block, blocks))
        case NodeReported(report=report):
            return _report(report, event)
        case ClientCalled(call=ClientWrite(request)):
            return f"{request.client}:{request.seq} {operations_words(f'[{request.operation}]')}"
        case _:
            return event_text(event)


def _report(report: NodeReport, event: Event) -> str:
    return f"{report.kind}: {report.text}" if isinstance(report, NoteLine) else event_text(event)


def _block(block: Block) -> str:
    return f"block {block.height} {block.hash[:8]}: {operations_words(block.operations_text)}"
