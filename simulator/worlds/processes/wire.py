"""What crosses a process border, as bytes: messages between nodes, calls of clients, reports of nodes (MessagePack).

A message is encoded once by its sender, whoever it is for, and decoded once into its declared type by its reader:
nothing that arrives can run code. Every class bears a number as its tag, so a frame says what it holds.
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
    """The bytes of what a node tells clients and onlookers."""
    return _encode(report)


decode_message = msgspec.msgpack.Decoder[AnyMessage](AnyMessage).decode
"""The message in these bytes. Raises `msgspec.DecodeError` for anything else."""

decode_call = msgspec.msgpack.Decoder[ClientCall](ClientCall).decode
"""The call in these bytes. Raises `msgspec.DecodeError` for anything else."""

decode_report = msgspec.msgpack.Decoder[NodeReport](NodeReport).decode
"""The report in these bytes. Raises `msgspec.DecodeError` for anything else."""
