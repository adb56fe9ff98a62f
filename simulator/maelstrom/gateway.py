"""Our node under the Maelstrom protocol: its messages become calls of clients and messages of peers, and back.

The gateway is the node's `Host`. It owns no pipe and no clock: `gateway_loop` feeds it lines and times, and a test does
too. Before `init` there is no node, because only `init` says which of how many it is.

Writes and `cas` go through the replicated log; a read asks the leader for its prefix and waits until that is applied
here. A write that is given up may still take effect, so its error is *timeout* (0), which leaves that open. A read that
is given up changes nothing: without a majority its error is the definite *temporarily unavailable* (11).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import msgspec

from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage, Request
from simulator.cluster.message_text import KINDS
from simulator.maelstrom.messages import Body, Envelope, ErrorCode, canonical, decode_line, encode_line, error_body
from simulator.maelstrom.store import StoreOperation, StoreOutcome, Swap, Write
from simulator.maelstrom.store_codec import store_text
from simulator.node.client_api import (
    ClientRead,
    ClientWrite,
    NodeFailed,
    NodeReport,
    NoteLine,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.drivable import Drivable
from simulator.node.host import Host
from simulator.settings import MAX_NODES

LARGEST_VALUE = 64 * 1024
"""The most that a key and its values may take together, in bytes."""

Build = Callable[[str, NodeId, int, Host], Drivable]
"""Makes the node: its name, its number, the number of nodes, its host."""

_KIND_NAMES = {kind: name for name, kind in KINDS.items()}
_REFUSALS = {
    StoreOutcome.NO_KEY.value: ErrorCode.KEY_DOES_NOT_EXIST,
    StoreOutcome.MISMATCH.value: ErrorCode.PRECONDITION_FAILED,
}
_FIELDS = {"read": ("key",), "write": ("key", "value"), "cas": ("key", "from", "to")}
Asker = tuple[str, int]
"""Who asked: the client, and the number of its request."""


class Gateway:
    """One node. `write` sends a line; `client` names this incarnation's own requests on the log."""

    def __init__(self, build: Build, write: Callable[[bytes], None], dice: Random, client: str) -> None:
        self.due_ms: dict[Timer, int] = {}
        self.failed = ""
        self.node: Drivable | None = None
        self._build = build
        self._write = write
        self._dice = dice
        self._client = client
        self._now_ms = 0
        self._name = ""
        self._names: Sequence[str] = ()
        self._numbers: dict[str, NodeId] = {}
        self._sent = 0
        self._asked = 0
        self._writes: dict[int, tuple[Asker, str]] = {}  # By seq: who asked, and the type of the answer.
        self._reads: dict[int, Asker] = {}

    @property
    def waits(self) -> bool:
        """True while some client of this node waits for an answer."""
        return bool(self._writes or self._reads)

    # What comes in

    def handle(self, line: bytes, now_ms: int) -> None:
        """Handle one line.

        Raises:
            InputError: it is no message of the protocol.
            NodeStopped: the node has stopped; all who wait have been told.
        """
        envelope = decode_line(line)
        self._now_ms = now_ms
        if "paxos" in envelope.body:
            self._receive(envelope, now_ms)
        else:
            self._ask(envelope, now_ms)

    def turn(self, now_ms: int) -> None:
        """Fire what is due, and end the batch."""
        self._now_ms = now_ms
        if self.node is None:
            return
        due = sorted((at, timer) for timer, at in self.due_ms.items() if at <= now_ms)
        for _, timer in due:
            del self.due_ms[timer]
            self.node.wake(timer, now_ms)
        self.node.flush(now_ms)

    def _receive(self, envelope: Envelope, now_ms: int) -> None:
        """A message of a peer. One that comes before `init` is lost, as on any network."""
        if self.node is None or envelope.src not in self._numbers:
            return
        try:
            message = msgspec.convert(envelope.body["paxos"], AnyMessage)
        except msgspec.ValidationError as error:
            _log(f"a message of {envelope.src} was dropped: {error}")
            return
        self.node.receive(message, now_ms)

    def _ask(self, envelope: Envelope, now_ms: int) -> None:
        number = envelope.body.get("msg_id")
        if not isinstance(number, int):
            _log(f"a message of {envelope.src!r} without a msg_id was dropped: nobody waits for its answer")
            return
        asker = (envelope.src, number)
        if envelope.type == "init":
            self._init(asker, envelope.body, now_ms)
        elif envelope.type == "echo":
            self._answer(asker, {"type": "echo_ok", "echo": envelope.body.get("echo")})
        elif envelope.type not in _FIELDS:
            self._refuse(asker, ErrorCode.NOT_SUPPORTED, f"this node serves init, echo, {', '.join(_FIELDS)}")
        elif self.node is None:
            self._refuse(asker, ErrorCode.TEMPORARILY_UNAVAILABLE, "this node has had no init")
        else:
            self._call(self.node, asker, envelope, now_ms)

    def _init(self, asker: Asker, body: Body, now_ms: int) -> None:
        try:
            name, names = msgspec.convert([body.get("node_id"), body.get("node_ids")], tuple[str, list[str]])
        except msgspec.ValidationError as error:
            self._refuse(asker, ErrorCode.MALFORMED_REQUEST, f"an init names node_id and node_ids: {error}")
            return
        if name not in names or len(set(names)) != len(names) or len(names) > MAX_NODES:
            why = f"node_ids must hold node_id, each name once, and {MAX_NODES} at most"
            self._refuse(asker, ErrorCode.MALFORMED_REQUEST, why)
            return
        if self.node is None:
            self._name, self._names = name, names
            self._numbers = {one: place for place, one in enumerate(names, 1)}
            self.node = self._build(name, self._numbers[name], len(names), self)
            self.node.start(now_ms)
        self._answer(asker, {"type": "init_ok"})

    def _call(self, node: Drivable, asker: Asker, envelope: Envelope, now_ms: int) -> None:
        missing = [field for field in _FIELDS[envelope.type] if field not in envelope.body]
        if missing:
            self._refuse(asker, ErrorCode.MALFORMED_REQUEST, f"a {envelope.type} needs {' and '.join(missing)}")
            return
        texts = [canonical(envelope.body[field]).decode() for field in _FIELDS[envelope.type]]
        if sum(map(len, texts)) > LARGEST_VALUE:
            self._refuse(asker, ErrorCode.MALFORMED_REQUEST, f"key and values take more than {LARGEST_VALUE} bytes")
            return
        self._asked += 1
        if envelope.type == "read":
            self._reads[self._asked] = asker
            node.call(ClientRead(self._asked, "key", texts[0], linearizable=True), now_ms)
            return
        operation: StoreOperation = Write(*texts) if envelope.type == "write" else Swap(*texts)
        self._writes[self._asked] = (asker, f"{envelope.type}_ok")
        text = store_text(operation, self._client, self._asked)
        node.call(ClientWrite(Request(self._client, self._asked, text)), now_ms)

    # The host of the node

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        body = {"type": _KIND_NAMES[type(message)], "paxos": msgspec.to_builtins(message)}
        for number in to:
            self._write(encode_line(Envelope(self._name, self._names[number - 1], body)))

    def push(self) -> None:
        """See `Host`. Lines leave when they are written."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`."""
        self.due_ms[timer] = self._now_ms + self._dice.randint(min_ms, max_ms)

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        match report:
            case WriteAnswer(seq=seq):
                self._answer_write(report, self._writes.pop(seq, None))
            case ReadAnswer(number=number):
                self._answer_read(report, self._reads.pop(number, None))
            case NodeFailed(text):
                self.failed = text
                self._give_up(text)
            case NoteLine(kind, text):
                _log(f"{kind}: {text}")

    def _answer_write(self, answer: WriteAnswer, waiting: tuple[Asker, str] | None) -> None:
        if waiting is None:
            return
        asker, word = waiting
        if answer.kind == "ok":
            self._answer(asker, {"type": word})
        else:
            self._refuse(asker, _REFUSALS.get(answer.text, ErrorCode.TIMEOUT), answer.text)

    def _answer_read(self, answer: ReadAnswer, asker: Asker | None) -> None:
        if asker is None:
            return
        if answer.kind == "no-majority":
            self._refuse(asker, ErrorCode.TEMPORARILY_UNAVAILABLE, answer.text)
        elif answer.kind != "ok":
            self._refuse(asker, ErrorCode.TIMEOUT, answer.text)
        elif answer.result is None:
            self._refuse(asker, ErrorCode.KEY_DOES_NOT_EXIST, "there is no such key")
        else:
            self._answer(asker, {"type": "read_ok", "value": msgspec.Raw(str(answer.result).encode())})

    def _give_up(self, text: str) -> None:
        """The node stops: whether what clients wait for happens is unknown."""
        waiting = [asker for asker, _ in self._writes.values()] + list(self._reads.values())
        self._writes.clear()
        self._reads.clear()
        for asker in waiting:
            self._refuse(asker, ErrorCode.CRASH, text)

    def _refuse(self, asker: Asker, code: ErrorCode, text: str) -> None:
        self._answer(asker, error_body(code, text))

    def _answer(self, asker: Asker, body: dict[str, Any]) -> None:
        self._sent += 1
        body |= {"msg_id": self._sent, "in_reply_to": asker[1]}
        self._write(encode_line(Envelope(self._name, asker[0], body)))


def _log(text: str) -> None:
    """Standard error is the node's log under Maelstrom."""
    sys.stderr.write(f"{text}\n")
