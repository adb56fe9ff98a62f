"""Calls of clients to a node, and a node's reports: the structs that cross between a node and its world."""

from __future__ import annotations

import msgspec

from paxos.messages import Request
from simulator.node.status import NodeStatus


class ClientWrite(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """A client's write."""

    request: Request


class ClientRead(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """A client's read, named by `number`. `kind` and `name` are those of `cluster.interface.Query`."""

    number: int
    kind: str
    name: str
    linearizable: bool


class Inspect(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """Asks for a new `NodeStatus`; the report repeats `number`."""

    number: int
    detail: bool


ClientCall = ClientWrite | ClientRead | Inspect


class WriteAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=1):
    """`kind` and `text` as in `cluster.Answer`; `height` is the block that holds the request, 0 when unknown."""

    client: str
    seq: int
    kind: str
    text: str
    height: int


class ReadAnswer(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """`result` and `shown` as in `cluster.Answer`; `height` is the chain height at which the blog was read."""

    number: int
    kind: str
    text: str
    result: object
    shown: str
    height: int


class Inspected(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """The status that an `Inspect` asked for, or (number 0) one that the node sends because it changed."""

    number: int
    state: NodeStatus


class NoteLine(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """A line for the running log."""

    kind: str
    text: str


class NodeFailed(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """The node stops: its disk or files have failed, or a peer broke the protocol. `text` is one sentence."""

    text: str


NodeReport = WriteAnswer | ReadAnswer | Inspected | NoteLine | NodeFailed
