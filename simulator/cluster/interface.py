"""The interface of a cluster, in real and in virtual time: code that uses it works in both worlds.

A cluster is `settings.nodes` nodes and the network between them. Calls return at once. Virtual time passes in `wait`
alone; in real time, `wait` sleeps until something changes. While messages are held by hand (`Hold`), time stands still
in both worlds, for nodes and clients alike: it passes in `wait` alone. `tests/simulator/worlds/contract` tests every
promise of this interface in both worlds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, Protocol

import msgspec

from blog.operations import Operation
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.history import Event
from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.cluster.meter import Figures
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.node.status import NodeStatus
from simulator.settings import Settings

LogMark = tuple[int, int, int]
"""A place in the running log. (0, 0, 0) is its beginning."""


class AnswerKind(StrEnum):
    """How a request ended. After TIMEOUT and NO_MAJORITY its outcome is unknown, unless it was never `sent`."""

    OK = "ok"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NO_MAJORITY = "no-majority"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A read: the whole blog, what one user wrote, or one post; `name` is the user or the title.

    "any" reads the post titled `name`, or else what the user `name` wrote. "whole" is "all" with every content and
    comment: its result is `blog.answers.whole_result`, of which the history keeps what "all" would have returned.
    """

    kind: Literal["all", "whole", "user", "title", "any"]
    name: str = ""
    linearizable: bool = False


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a client, as `text` for people and as data.

    `result` is what a read returned, in the form of the histories (`tests/histories/README.md`); `shown` names the
    read's operation there. `height` is the block after which the answer holds (0 if unknown). `sent` is false when the
    request never left, so that it certainly had no effect.
    """

    kind: AnswerKind
    text: str
    result: object = None
    shown: Literal["", "view_all", "view_user", "view_title"] = ""
    height: int = 0
    sent: bool = True


class Ticket:
    """A request. `answer` is None until the answer has arrived; `number` counts requests from 1.

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
        """True once the answer has arrived."""
        return self.answer is not None


class Simulated(Protocol):
    """What only a simulated cluster can do."""

    @property
    def steps(self) -> int:
        """How many batches of nodes and moments of the world there have been."""
        ...

    def ask_again(self, ticket: Ticket, node: int, *, answered: bool = False) -> None:
        """Send the write of `ticket` to `node` too, as a client does that got no answer.

        With `answered` it is sent although the answer has come, as by a client on whose way it was lost.
        """
        ...


class Moment(msgspec.Struct, frozen=True):
    """A moment of a simulated run that left events: the world's `step`, and its events from `first` to before `end`."""

    step: int
    first: int
    end: int


class Rewindable(Protocol):
    """A simulated cluster that can be made again from its seed, so that a person can go back in its time.

    `lock` is held while time passes and while the cluster is made again; whoever reads from another thread holds it.
    `generation` counts how often the cluster was made.
    """

    generation: int

    @property
    def lock(self) -> AbstractContextManager[object]:
        """See the class."""
        ...

    @property
    def steps(self) -> int:
        """How many batches of nodes and moments of the world there have been."""
        ...

    def is_midway(self) -> bool:
        """True while events of this very millisecond are still to come."""
        ...

    def begin_anew(self) -> None:
        """Make the cluster again, at time 0: the same calls give the same run."""
        ...

    def moments(self) -> int:
        """How many moments left events so far."""
        ...

    def moment(self, number: int) -> Moment:
        """The moment of this number, counted from 0."""
        ...

    def events_so_far(self) -> int:
        """How many events there were."""
        ...

    def event(self, index: int) -> Any:
        """The event of this index, counted from 0: one of `simulator.trace.events`."""
        ...

    def violated(self) -> str:
        """The first violation of an invariant so far, as a sentence; "" for none."""
        ...

    def is_busy(self, node: int) -> bool:
        """True while a node that is up waits for its disk."""
        ...

    def next_batch(self) -> tuple[int, Sequence[object]] | None:
        """The node that is to act next and what it gets: messages as (source, message), a timer, or a client's call.

        None when the world itself is next, or a node that cannot act.
        """
        ...


class Cluster(Protocol):
    """See the module. Unknown nodes, impossible faults and calls after `close` raise `InputError`.

    A fault is observed before its consequences: the running log and the trace have a crash before the end of the
    incarnation, and a restart before the first event of the new one.
    """

    settings: Settings
    world: Literal["processes", "virtual"]

    @property
    def links(self) -> Links:
        """The links as they are now. Only `apply` changes them."""
        ...

    def now_ms(self) -> int:
        """Milliseconds of cluster time since the cluster started."""
        ...

    def submit(self, node: int, operation: Operation, *, process: int | None = None, session: int = 0) -> Ticket:
        """Submit a write to `node`. `process` is the client's number in the history; None: any idle number.

        With a `session` from 1 on the writes of a process have one client name and are numbered in it from 1, however
        many are under way. A client that begins anew with its numbers has another session, and with it another name.
        """
        ...

    def read(self, node: int, query: Query, *, process: int | None = None) -> Ticket:
        """Submit a read to `node`. `process` as in `submit`."""
        ...

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Let time pass until `condition()` holds, or for `within_ms`. Returns the condition's last value.

        Time that stands still otherwise goes on when everything that is due has happened.
        """
        ...

    def attend(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Wait in real time until `condition()` holds, for `within_ms`; time that stands still does not pass.

        Returns the condition's last value; a simulated cluster returns it at once.
        """
        ...

    def apply(self, fault: Fault) -> None:
        """Inject a fault now. An impossible one, as to crash a node that is down, changes nothing."""
        ...

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        """The newest known status of `node`; `detail` adds the newest part of its log.

        The status of a node that is down shows what is on its disk. What was in memory is 0 or empty: its role, its
        leader, its queues and its counters.
        """
        ...

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """Lines of the node's blockchain.txt for these heights: both included, cut to the blocks that exist."""
        ...

    def held(self, *, after: int = 0) -> list[HeldMessage]:
        """Messages that wait for a person, oldest first: those with a number above `after`."""
        ...

    def held_message(self, number: int | None = None) -> HeldMessage | None:
        """The message of this number if it waits for a person; the oldest one if no number is given."""
        ...

    def in_flight(self) -> int:
        """How many messages are on the links now."""
        ...

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """For each directed link that was used: messages delivered, and messages lost."""
        ...

    def watch_messages(self, on: bool) -> None:
        """Switch messages between nodes and answers to clients in the running log on or off."""
        ...

    def events(self, last: int, of: LogFilter = EVERYTHING) -> Sequence[ClusterEvent]:
        """The newest `last` lines of this part of the running log, oldest first."""
        ...

    def news(self, after: LogMark, of: LogFilter = EVERYTHING) -> tuple[LogMark, Sequence[ClusterEvent]]:
        """The lines of the running log since `after`, as far as they are kept, and the mark for the next call."""
        ...

    def figures(self) -> Figures:
        """How busy the cluster is."""
        ...

    def warnings(self, *, after: int = 0) -> Sequence[str]:
        """What nobody asked for and somebody must hear of, in order, without the first `after`.

        A node that stopped by itself or did not start, with the reason; a recording that ended before the run; what
        was deleted at the start.
        """
        ...

    def history(self) -> Sequence[Event]:
        """Every client call and return so far, for the checkers."""
        ...

    def check(self) -> dict[str, str]:
        """The verdict on each invariant by name: "ok", or a sentence that says what was violated.

        Or "unknown …" (`simulator.cluster.verdicts`): no violation is known, and not all of the run could be judged.
        """
        ...

    def trace_lines(self) -> Iterator[str]:
        """The events so far as the lines of a trace, the header first.

        Raises:
            InputError: this cluster keeps no record of its run.
        """
        ...

    def keep_trace(self, name: str) -> None:
        """See to it that the trace stands in the file `name` even if this program is killed, but for the last second.

        A simulated cluster does nothing: its run can be made again. `close` ends it; what the file holds then is left.
        """
        ...

    def files(self) -> AbstractContextManager[Path]:
        """A directory with the files of all nodes, in `node-1` and so on; simulated disks are copied there."""
        ...

    @property
    def simulated(self) -> Simulated | None:
        """The abilities of a simulated cluster; None for real processes."""
        ...

    @property
    def rewindable(self) -> Rewindable | None:
        """What going back in time needs; None where time only goes on."""
        ...

    def close(self) -> None:
        """End all nodes and all open requests. Idempotent."""
        ...
