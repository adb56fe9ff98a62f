"""Reads a trace back, plain or gzipped: line by line, each checked, each fault told by file and line.

`Trace.lines` is for those who draw or export, `happenings` for those who replay the calls of `Observer` (the checks
among them), `history` for those who judge what clients saw.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import msgspec

from chain.block import Block
from paxos.messages import AnyMessage
from simulator.cluster.history import Event as HistoryEvent
from simulator.errors import InputError
from simulator.trace.format import (
    VERSION,
    AnyLine,
    Applied,
    Asked,
    Cut,
    Delivered,
    Ended,
    Header,
    History,
    Lost,
    Recorded,
    RecoveredLine,
    Sent,
    Struck,
    Synced,
    Told,
    Woken,
)
from simulator.trace.journal_records import record_of
from simulator.trace.recorder import Happening

_decode = msgspec.json.Decoder[AnyLine](AnyLine).decode
_decode_header = msgspec.json.Decoder(Header).decode
_GZIP = b"\x1f\x8b"
_FIRST_BYTES = 4_096


class Trace:
    """A trace file whose header has been read. Each of its methods reads the file once, from the beginning.

    Reading raises `InputError` at a line that is no event, naming the file and the line.
    """

    def __init__(self, path: Path, header: Header) -> None:
        self.path = path
        self.header = header

    def lines(self) -> Iterator[AnyLine]:
        """Every event in order, `message` filled in where one arrived or was lost, blocks in full."""
        messages: dict[int, AnyMessage] = {}
        blocks: dict[int, Block] = {}
        with _opened(self.path) as file:
            for number, text in enumerate(file, 1):
                if number == 1:
                    continue
                line = _parsed(self.path, number, text)
                if isinstance(line, Sent):
                    messages[line.number] = line.message
                elif isinstance(line, Delivered | Lost):
                    message = messages.get(line.number)
                    if message is None:
                        raise _bad(self.path, number, f"message {line.number} arrives and was never sent")
                    msgspec.structs.force_setattr(line, "message", message)
                elif isinstance(line, Applied):
                    msgspec.structs.force_setattr(line, "blocks", _restored(self.path, number, line, blocks))
                yield line

    def happenings(self) -> Iterator[Happening]:
        """The calls of `Observer` that the events stand for."""
        for line in self.lines():
            happening = _happening(line)
            if happening is not None:
                yield happening

    def history(self) -> list[HistoryEvent]:
        """What clients asked and were told."""
        return [line.entry for line in self.lines() if isinstance(line, History)]


def read_trace(name: str | Path) -> Trace:
    """Open a trace and read its header.

    Raises:
        InputError: there is no such file, it cannot be read, or it does not begin as a trace does.
    """
    path = Path(name).expanduser()
    with _opened(path) as file:
        first = file.readline()
    try:
        header = _decode_header(first)
    except (ValueError, RecursionError) as error:
        raise _bad(path, 1, f'a trace begins with its header, {{"trace":{VERSION},…}}: {error}') from None
    if header.trace != VERSION:
        raise _bad(path, 1, f"this is a trace of version {header.trace}, and only version {VERSION} can be read")
    try:
        header.to_settings()
    except msgspec.ValidationError as error:
        raise _bad(path, 1, f"its settings are none of a cluster: {error}") from None
    return Trace(path, header)


def is_trace(name: str | Path) -> bool:
    """True when the file begins as a trace does; a history does not.

    Raises:
        InputError: the file cannot be read.
    """
    with _opened(Path(name).expanduser()) as file:
        return file.read(_FIRST_BYTES).lstrip().startswith(b'{"trace":')


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    """The file, unpacked if it is gzipped, whatever its name."""
    try:
        with path.open("rb") as plain:
            packed = plain.read(2) == _GZIP
            plain.seek(0)
            if packed:
                with gzip.open(plain) as unpacked:
                    yield cast("IO[bytes]", unpacked)
            else:
                yield plain
    except (OSError, EOFError, zlib.error) as error:
        why = getattr(error, "strerror", None) or error
        raise InputError(f"{str(path)!r} cannot be read: {why}.") from None
    except ValueError as error:
        raise InputError(f"{str(path)!r} cannot be read: {error}.") from None


def _parsed(path: Path, number: int, text: bytes) -> AnyLine:
    try:
        return cast("AnyLine", _decode(text))
    except (ValueError, RecursionError) as error:
        raise _bad(path, number, f"no event of a trace ({error})") from None


def _bad(path: Path, number: int, what: str) -> InputError:
    return InputError(f"{path}, line {number}: {what}.")


def _restored(path: Path, number: int, line: Applied, blocks: dict[int, Block]) -> tuple[Block, ...]:
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


def _happening(line: AnyLine) -> Happening | None:  # noqa: C901  One case a kind of line.
    at, node = line.at_ms, line.node
    match line:
        case Sent(to=to, message=message, number=number):
            return "sent", (at, node, to, message, number)
        case Delivered(source=source, message=message, number=number):
            return "delivered", (at, source, node, message, number)
        case Lost(source=source, message=message, number=number):
            return "lost", (at, source, node, message, number)
        case Asked(call=call):
            return "asked", (at, node, call)
        case Told(report=report):
            return "told", (at, node, report)
        case Woken(timer=timer):
            return "woken", (at, node, timer)
        case RecoveredLine(found=found):
            return "recovered", (at, node, found)
        case Recorded(records=records):
            return "recorded", (at, node, tuple([record_of(entry) for entry in records]))
        case Synced():
            return "synced", (at, node)
        case Applied(blocks=blocks):
            return "applied", (at, node, blocks)
        case Ended(how=how):
            return "ended", (at, node, how)
        case Struck(fault=fault):
            return "struck", (at, fault)
        case History() | Cut():
            return None
