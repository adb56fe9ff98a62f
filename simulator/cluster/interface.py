"""The one face of a cluster, in real and in virtual time: whatever is written against it works in both worlds.

A cluster is five (or `settings.nodes`) nodes and the network between them. Calls return at once; time passes in
`wait` alone, where the virtual world runs its heap and the real one sleeps until something changes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from blog.operations import Operation
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.history import Event
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.node.status import NodeStatus
from simulator.settings import Settings


class AnswerKind(StrEnum):
    """How a request ended. TIMEOUT and NO_MAJORITY leave its fate unknown, unless the answer was never `sent`."""

    OK = "ok"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_MAJORITY = "no-majority"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A read: the whole blog, what one user wrote, or one post; `name` is the user or the title.

    "any" is the brief's VIEW(x): the post titled x, or else what user x wrote. "whole" is "all" with every content and
    comment: its result is `blog.answers.whole_result`, of which the history keeps what "all" would have given.
    """

    kind: Literal["all", "whole", "user", "title", "any"]
    name: str = ""
    linearizable: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the client was told. `text` is the brief's wording; `result` is a read's outcome.

    `result` is in the form of the blog histories (`tests/histories/README.md`): what `view_all`, `view_user` or
    `view_title` return there; `shown` says which of the three a read was. `height` is the block after which the answer
    holds (0 if unknown). `sent` is false when the request never left, so it certainly had no effect.
    """

    kind: AnswerKind
    text: str
    result: object = None
    shown: Literal["", "view_all", "view_user", "view_title"] = ""
    height: int = 0
    sent: bool = True


class Ticket:
    """A request under way. `answer` is None until the answer is there; `number` counts requests from 1.

    `client` and `seq` name a write; `asked_ms` and `answered_ms` are cluster times.
    """

    __slots__ = ("answer", "answered_ms", "asked_ms", "client", "node", "number", "request", "seq")

    def __init__(
        self, *, number: int, node: int, request: Operation | Query, client: str, seq: int, asked_ms: int
    ) -> None:
        self.number = number
        self.node = node
        self.request = request
        self.client = client
        self.seq = seq
        self.asked_ms = asked_ms
        self.answer: Answer | None = None
        self.answered_ms: int | None = None

    @property
    def done(self) -> bool:
        """True once the answer is there."""
        return self.answer is not None


class Simulated(Protocol):
    """Abilities of a simulated cluster alone."""

    def ask_again(self, ticket: Ticket, node: int) -> None:
        """Send the write of `ticket` to `node` too, as a client does whose answer was lost."""
        ...


class Cluster(Protocol):
    """See the module. Node numbers outside `settings.node_ids` raise `InputError`, as do impossible faults.

    In both worlds a fault is observed before its consequences.
    """

    settings: Settings
    world: Literal["processes", "virtual"]

    @property
    def links(self) -> Links:
        """Every link as it is now. Change them through `apply` alone."""
        ...

    def now_ms(self) -> int:
        """Milliseconds of cluster time since the cluster started."""
        ...

    def submit(self, node: int, operation: Operation, *, process: int | None = None) -> Ticket:
        """Give `node` a write. `process` is the history's client number; None: a fresh one for this request."""
        ...

    def read(self, node: int, query: Query, *, process: int | None = None) -> Ticket:
        """Ask `node` for a view."""
        ...

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Let time pass until `condition()` or for `within_ms`; returns the condition's last value."""
        ...

    def apply(self, fault: Fault) -> None:
        """Carry out a fault now. What cannot be (crashing a node that is down) raises `InputError`."""
        ...

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        """The newest known status of `node`; `detail` asks the node itself for its log too.

        Of a node that is down it shows what is on its disk: what was in memory, counters included, is 0 or empty.
        """
        ...

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """Lines of the node's blockchain.txt for these heights (both included, cut to what there is)."""
        ...

    def held(self) -> list[HeldMessage]:
        """Messages that wait for a person, oldest first."""
        ...

    def in_flight(self) -> int:
        """How many messages are on the links now."""
        ...

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """For each directed link that was used: messages delivered, and messages lost."""
        ...

    def watch_messages(self, on: bool) -> None:
        """From now on the running log holds messages between nodes and answers to clients too, or no longer."""
        ...

    def events(self, last: int) -> Sequence[ClusterEvent]:
        """The newest `last` lines of the running log, oldest first."""
        ...

    def history(self) -> Sequence[Event]:
        """Every client call and return so far, for the checkers."""
        ...

    def check(self) -> dict[str, str]:
        """Each invariant of the protocol by name: "ok", or the sentence that says what was violated."""
        ...

    def trace_lines(self) -> Iterator[str]:
        """Everything so far as the lines of a trace, the header first.

        Raises:
            InputError: this cluster keeps no record of its run.
        """
        ...

    def files(self) -> AbstractContextManager[Path]:
        """A directory with the nodes' files (`node-1` and so on): their own, or a copy of those on simulated disks."""
        ...

    @property
    def simulated(self) -> Simulated | None:
        """What only a simulated cluster can do; None for real processes."""
        ...

    def close(self) -> None:
        """End all nodes. Idempotent."""
        ...
