"""The lines of the Maelstrom node protocol: one JSON object a line, `src`, `dest` and a `body` with a `type`.

A request has a `msg_id`, and its answer repeats it as `in_reply_to`. An error is an answer with a code. A *definite*
error says that the operation did not happen and never will; after any other its fate is unknown.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import msgspec

from simulator.errors import InputError

LONGEST_LINE = 1 << 24
"""No line of a correct program is longer, in bytes."""


class ErrorCode(IntEnum):
    """The codes of Maelstrom's table that are used here."""

    TIMEOUT = 0
    NODE_NOT_FOUND = 1
    NOT_SUPPORTED = 10
    TEMPORARILY_UNAVAILABLE = 11
    MALFORMED_REQUEST = 12
    CRASH = 13
    ABORT = 14
    KEY_DOES_NOT_EXIST = 20
    KEY_ALREADY_EXISTS = 21
    PRECONDITION_FAILED = 22
    TXN_CONFLICT = 30


DEFINITE = frozenset(ErrorCode) - {ErrorCode.TIMEOUT, ErrorCode.CRASH}
"""Every other code, those that a program makes up included, leaves the fate of its operation open."""

Body = dict[str, Any]


class Envelope(msgspec.Struct, frozen=True):
    """One message: from `src` to `dest`."""

    src: str
    dest: str
    body: Body

    @property
    def type(self) -> str:
        """The type of its body; "" when there is none."""
        kind = self.body.get("type")
        return kind if isinstance(kind, str) else ""


_decode = msgspec.json.Decoder(Envelope).decode
_encode = msgspec.json.Encoder().encode


def encode_line(envelope: Envelope) -> bytes:
    """The line of a message, newline included."""
    return _encode(envelope) + b"\n"


def decode_line(line: bytes) -> Envelope:
    """The message of a line.

    Raises:
        InputError: it is none.
    """
    try:
        return _decode(line)
    except (ValueError, RecursionError) as error:
        shown = line[:80].decode("utf-8", "replace").strip()
        raise InputError(f"{shown!r} is no message of the Maelstrom protocol ({error})") from None


def error_body(code: ErrorCode, text: str) -> Body:
    """The body of an error."""
    return {"type": "error", "code": int(code), "text": text}


def canonical(value: Any) -> bytes:
    """A JSON value as text: equal values of one type have equal texts."""
    return msgspec.json.encode(value, order="sorted")


class Lines:
    """Puts what comes from a pipe together into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends; empty ones are left out.

        Raises:
            InputError: a line has no end.
        """
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > LONGEST_LINE:
            raise InputError(f"a line of more than {LONGEST_LINE >> 20} MiB is no message of the Maelstrom protocol")
        return [line for line in whole if line.strip()]

    def end(self) -> list[bytes]:
        """The last line, if the pipe ended without a newline."""
        return self.feed(b"\n")
