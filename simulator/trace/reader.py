"""Reads a trace, plain or gzipped, line by line. Each mistake is reported with its file and line."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import msgspec

from chain.block import Block
from paxos.messages import AnyMessage
from simulator.cluster.history import Event as HistoryEvent
from simulator.errors import InputError
from simulator.files.bounded_lines import check_nesting, is_torn, opened_lines
from simulator.files.names import expanded
from simulator.trace.events import BlocksApplied, Event, MessageDelivered, MessageLost, MessageSent
from simulator.trace.format import (
    READABLE,
    VERSION,
    AnyLine,
    AppliedLine,
    Cut,
    DeliveredLine,
    Header,
    History,
    LostLine,
)
from simulator.trace.message_store import MessageStore, opened_store
from simulator.trace.validation import LineValidator

_decode = msgspec.json.Decoder[AnyLine](AnyLine).decode
_decode_header = msgspec.json.Decoder(Header).decode
_FIRST_BYTES = 4_096


class Trace:
    """A trace file whose header has been read. Each method reads the file once, from its beginning.

    A last line without an end is left out if it is torn. Reading raises `InputError` at any other malformed line,
    naming the file and the line, and `ReadingTimedOut` after `until`, a moment of `time.monotonic`.
    """

    def __init__(self, path: Path, header: Header, until: float | None = None) -> None:
        self.path = path
        self.header = header
        self._until = until

    def lines(self) -> Iterator[Event]:
        """Every line in order, with messages and blocks filled in; `History` entries and a `Cut` included."""
        try:
            with opened_store() as messages:
                yield from self._lines(messages)
        except OSError as error:
            why = error.strerror or error
            raise InputError(f"{self.path}: its messages need a temporary file, which cannot be used: {why}.") from None

    def _lines(self, messages: MessageStore) -> Iterator[Event]:
        blocks: dict[int, Block] = {}
        validator = LineValidator(self.header.to_settings())
        with opened_lines(self.path, self._until, torn=True) as file:
            for number, text in enumerate(file, 1):
                if number == 1:
                    continue
                line = _parsed(self.path, number, text)
                if line is None:
                    return
                if wrong := validator.mistake(line):
                    raise _bad(self.path, number, wrong)
                match line:
                    case MessageSent():
                        messages.put(line.number, line.message)
                        yield line
                    case DeliveredLine() | LostLine():
                        message = messages.get(line.number)
                        if message is None:
                            raise _bad(self.path, number, f"message {line.number} arrives and was never sent")
                        yield _arrival(line, message)
                    case AppliedLine():
                        whole = _restored(self.path, number, line, blocks)
                        yield BlocksApplied(at_ms=line.at_ms, node=line.node, clock=line.clock, blocks=whole)
                    case _:
                        yield line

    def events(self) -> Iterator[Event]:
        """The events of the run: all lines except the history and the cut."""
        for line in self.lines():
            if not isinstance(line, History | Cut):
                yield line

    def history(self) -> list[HistoryEvent]:
        """The clients' history."""
        return [line.entry for line in self.lines() if isinstance(line, History)]


def read_trace(name: str | Path, until: float | None = None) -> Trace:
    """Open a trace and read its header. See `Trace` for `until`.

    Raises:
        InputError: the file cannot be read, or it does not begin with the header of a trace.
    """
    path = expanded(name)
    with opened_lines(path, until) as file:
        first = next(file, b"")
    try:
        header = _decode_header(first)
    except (ValueError, RecursionError) as error:
        raise _bad(path, 1, f'a trace begins with its header, {{"trace":{VERSION},…}}: {error}') from None
    if header.trace not in READABLE:
        known = " and ".join(map(str, READABLE))
        raise _bad(path, 1, f"this is a trace of version {header.trace}, and only versions {known} can be read")
    try:
        nodes = header.to_settings().nodes
    except msgspec.ValidationError as error:
        raise _bad(path, 1, f"its settings are none of a cluster: {error}") from None
    for quorum in (header.prepare_quorum, header.accept_quorum):
        if not 0 <= quorum <= nodes:
            raise _bad(
                path, 1, f"a quorum of {quorum} of {nodes} nodes is none: write 0 for a majority, or 1 to {nodes}"
            )
    return Trace(path, header, until)


def is_trace(name: str | Path) -> bool:
    """True when the file begins with the header of a trace; a history does not.

    Raises:
        InputError: the file cannot be read.
    """
    with opened_lines(expanded(name)) as file:
        return next(file, b"")[:_FIRST_BYTES].lstrip().startswith(b'{"trace":')


def _parsed(path: Path, number: int, text: bytes) -> AnyLine | None:
    """The line; None if it is the torn end of a file whose writer was killed."""
    try:
        check_nesting(text)
        return cast("AnyLine", _decode(text))
    except (ValueError, RecursionError) as error:
        if is_torn(text, error):
            return None
        raise _bad(path, number, f"no event of a trace ({error})") from None


def _arrival(line: DeliveredLine | LostLine, message: AnyMessage) -> MessageDelivered | MessageLost:
    at_ms, node, clock, source, number = line.at_ms, line.node, line.clock, line.source, line.number
    if isinstance(line, DeliveredLine):
        return MessageDelivered(at_ms=at_ms, node=node, clock=clock, source=source, number=number, message=message)
    return MessageLost(at_ms=at_ms, node=node, clock=clock, source=source, number=number, message=message, why=line.why)


def _bad(path: Path, number: int, what: str) -> InputError:
    return InputError(f"{path}, line {number}: {what}.")


def _restored(path: Path, number: int, line: AppliedLine, blocks: dict[int, Block]) -> tuple[Block, ...]:
    found = []
    for block in line.blocks:
        if isinstance(block, Block):
            blocks[block.height] = block
            found.append(block)
        elif block in blocks:
            found.append(blocks[block])
        else:
            raise _bad(path, number, f"block {block} is meant, and no line before has told it")
    return tuple(found)
