"""The encoding between processes (MessagePack): messages between nodes, calls of clients, reports of nodes.

A sender encodes a message once for all targets. A reader decodes it into its declared type, so that no input can run
code. The tag of each class is a number. Calls and reports are coalesced: each of their messages is a list, encoded
and decoded at once, because no link fault parts them.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from paxos.messages import AnyMessage
from simulator.node.client_api import ClientCall, NodeReport

_encode = msgspec.msgpack.Encoder().encode


def encode_message(message: AnyMessage) -> bytes:
    """The bytes of a message between nodes."""
    return _encode(message)


def encode_calls(calls: Sequence[ClientCall]) -> bytes:
    """The bytes of clients' calls to a node."""
    return _encode(calls)


def encode_reports(reports: Sequence[NodeReport]) -> bytes:
    """The bytes of a node's reports."""
    return _encode(reports)


decode_message = msgspec.msgpack.Decoder[AnyMessage](AnyMessage).decode
"""The message in these bytes. Raises `msgspec.DecodeError` for other bytes."""

decode_calls = msgspec.msgpack.Decoder(list[ClientCall]).decode
"""The calls in these bytes. Raises `msgspec.DecodeError` for other bytes."""

decode_reports = msgspec.msgpack.Decoder(list[NodeReport]).decode
"""The reports in these bytes. Raises `msgspec.DecodeError` for other bytes."""
