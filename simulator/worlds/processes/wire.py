"""The encoding between processes (MessagePack): messages between nodes, calls of clients, reports of nodes.

A sender encodes a message once for all targets. A reader decodes it into its declared type, so that no input can run
code. The tag of each class is a number.
"""

from __future__ import annotations

import msgspec

from paxos.messages import AnyMessage
from simulator.node.client_api import ClientCall, NodeReport

_encode = msgspec.msgpack.Encoder().encode


def encode_message(message: AnyMessage) -> bytes:
    """The bytes of a message between nodes."""
    return _encode(message)


def encode_call(call: ClientCall) -> bytes:
    """The bytes of a client's call to a node."""
    return _encode(call)


def encode_report(report: NodeReport) -> bytes:
    """The bytes of a node's report."""
    return _encode(report)


decode_message = msgspec.msgpack.Decoder[AnyMessage](AnyMessage).decode
"""The message in these bytes. Raises `msgspec.DecodeError` for other bytes."""

decode_call = msgspec.msgpack.Decoder[ClientCall](ClientCall).decode
"""The call in these bytes. Raises `msgspec.DecodeError` for other bytes."""

decode_report = msgspec.msgpack.Decoder[NodeReport](NodeReport).decode
"""The report in these bytes. Raises `msgspec.DecodeError` for other bytes."""
