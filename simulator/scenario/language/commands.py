"""The commands of the language as plain data: the meaning of a line.

A node is a `NodeWord`: its number, or a word such as "leader" that is resolved when the command runs. Times are
milliseconds, probabilities go from 0 to 1.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from simulator.cluster.log_filter import LogWhat
from simulator.faults.faults import CrashPoint, DiskFaultKind

NodeWord = int | str
"""A node's number, or `leader`, `follower`, `random`, `majority`, `minority`."""

NodesWord = int | str
"""A `NodeWord`, or `all`, `crashed`, `rest`."""

LinkWord = tuple[NodeWord, NodeWord]
"""A directed link between two nodes, as written."""

AnswerWord = Literal["ok", "refused", "timeout", "no-majority"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all commands."""


class Post(Command, frozen=True, kw_only=True):
    """Write a post. `background` (a trailing `&`) does not wait for the answer."""

    user: str
    title: str
    content: str
    background: bool = False


class Comment(Command, frozen=True, kw_only=True):
    """Write a comment on the post `title`."""

    user: str
    title: str
    content: str
    background: bool = False


class Again(Command, frozen=True, kw_only=True):
    """The client of write `number` sends it once more, as a client does that got no answer.

    `answered`: it does so although the answer has come, as if that had been lost.
    """

    number: int
    answered: bool = False


class View(Command, frozen=True, kw_only=True):
    """Read the blog; `kind` and `name` as in `cluster.Query`. `brief` shows titles and authors only."""

    kind: Literal["all", "user", "title", "any"] = "all"
    name: str = ""
    linearizable: bool = False
    brief: bool = False
    background: bool = False


InspectWhat = Literal["status", "leader", "node", "chain", "log", "queue", "net", "events", "held"]


class Inspect(Command, frozen=True, kw_only=True):
    """Show something of the cluster. `node` None: the default node (or all, for `queue`); `count`: how many events."""

    what: InspectWhat
    node: NodeWord | None = None
    count: int = 20
    json: bool = False


class ShowLog(Command, frozen=True, kw_only=True):
    """Show a part of the running log; `node` is the one that "node" means. `count` None: what the screen shows."""

    what: LogWhat
    node: NodeWord | None = None
    count: int | None = None
    json: bool = False


class NodeFault(Command, frozen=True, kw_only=True):
    """Crash, restart, pause or resume nodes. `point` is the moment of the protocol at which the crash comes.

    `process_only`: the process is killed, and its machine keeps what it had written.
    """

    action: Literal["crash", "restart", "pause", "resume"]
    nodes: tuple[NodesWord, ...]
    point: CrashPoint | None = None
    process_only: bool = False


class Part(Command, frozen=True, kw_only=True):
    """Cut every link between different groups; unnamed nodes form one more."""

    groups: tuple[tuple[NodesWord, ...], ...]


class LinkFault(Command, frozen=True, kw_only=True):
    """Cut (`cut`) or mend one link; `source` None is the default node (the course's `failLink(2)`)."""

    cut: bool
    source: NodeWord | None
    target: NodeWord
    one_way: bool = False


class HealAll(Command, frozen=True, kw_only=True):
    """All links whole, rules and partitions gone."""


class NetConditions(Command, frozen=True, kw_only=True):
    """The link conditions of some links; `links` empty means all."""

    links: tuple[LinkWord, ...] = ()
    around: tuple[NodeWord, ...] = ()
    delay_ms: int = 0
    jitter_ms: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


class NetReset(Command, frozen=True, kw_only=True):
    """Clear conditions on all links; cuts and partitions stay."""


class HoldMessages(Command, frozen=True, kw_only=True):
    """From now on messages wait for a person."""


class KeepCopies(Command, frozen=True, kw_only=True):
    """Keep copies of the next `count` messages of a kind, to be delivered late (virtual world only)."""

    kind: str
    count: int = 1


class DeliverMessages(Command, frozen=True, kw_only=True):
    """Deliver held messages: one by number, those of some links, all, or the oldest when nothing is named.

    `kind` restricts it to one kind of message, such as "promise"; "" means all kinds.
    """

    number: int | None = None
    links: tuple[LinkWord, ...] = ()
    kind: str = ""
    everything: bool = False


class ReleaseMessages(Command, frozen=True, kw_only=True):
    """Deliver all held messages and stop holding."""


class DiskCommand(Command, frozen=True, kw_only=True):
    """Change a node's disk, or damage one of its files."""

    node: NodeWord
    kind: DiskFaultKind
    file: str = ""
    line: int | None = None
    delay_ms: int = 0


class ClockCommand(Command, frozen=True, kw_only=True):
    """A node's clock runs at another rate or jumps (virtual world only)."""

    node: NodeWord
    rate_percent: int = 100
    jump_ms: int = 0


class Load(Command, frozen=True, kw_only=True):
    """`clients` concurrent clients send `rate` requests a second together for `for_ms`; `mix` holds weights."""

    rate: int
    for_ms: int
    clients: int = 10
    mix: tuple[tuple[Literal["post", "comment", "view"], int], ...] = (("post", 40), ("comment", 30), ("view", 30))
    background: bool = False


class Sleep(Command, frozen=True, kw_only=True):
    """Let time pass."""

    for_ms: int


class WaitFor(Command, frozen=True, kw_only=True):
    """Wait until a condition holds, at most `within_ms`.

    A leader is `steady` when the majority's nodes that are up follow it and none of them campaigns.
    """

    what: Literal["leader", "converged", "idle", "height", "down", "held"]
    in_majority: bool = False
    steady: bool = False
    height: int = 0
    nodes: tuple[NodesWord, ...] = ()
    within_ms: int = 60_000


class LeaderFact(Command, frozen=True, kw_only=True):
    """There is a leader, or this node is it."""

    node: NodeWord | None = None


class LastFact(Command, frozen=True, kw_only=True):
    """How the newest request ended."""

    answer: AnswerWord


class HeightFact(Command, frozen=True, kw_only=True):
    """The chain has this many blocks."""

    height: int


class ChainsFact(Command, frozen=True, kw_only=True):
    """The chains are equal, block for block."""


class TitlesFact(Command, frozen=True, kw_only=True):
    """The blog's titles are exactly these, in any order."""

    titles: tuple[str, ...]


class TitleFact(Command, frozen=True, kw_only=True):
    """This post by this user exists, with this many comments (None: any number)."""

    title: str
    user: str
    comments: int | None = None


class ElectionsFact(Command, frozen=True, kw_only=True):
    """There were at most so many elections so far, or since the newest line that injected a fault."""

    most: int
    since_fault: bool = False


class CheckFact(Command, frozen=True, kw_only=True):
    """Every invariant holds and the history is linearizable."""


Fact = LeaderFact | LastFact | HeightFact | ChainsFact | TitlesFact | TitleFact | ElectionsFact | CheckFact


class Expect(Command, frozen=True, kw_only=True):
    """The scenario fails unless the fact holds (or, `negated`, does not). `within_ms` None: it must hold at once."""

    fact: Fact
    negated: bool = False
    on: tuple[NodesWord, ...] = ()
    within_ms: int | None = None


class Check(Command, frozen=True, kw_only=True):
    """Judge all invariants and the history so far."""


class Verify(Command, frozen=True, kw_only=True):
    """Audit the nodes' files."""


class Why(Command, frozen=True, kw_only=True):
    """Explain the last trouble, a slot, a node or a request by the events that led to it."""

    what: Literal["last", "slot", "node", "request"] = "last"
    number: int = 0
    node: NodeWord | None = None


class Report(Command, frozen=True, kw_only=True):
    """Write the run so far as one self-contained page."""

    path: str


class RunFile(Command, frozen=True, kw_only=True):
    """Carry out a scenario file, or a built-in one by name, here."""

    name: str


class Save(Command, frozen=True, kw_only=True):
    """Write the session so far as a scenario file."""

    path: str


class Trace(Command, frozen=True, kw_only=True):
    """Write every event so far as a trace."""

    path: str


class SetKey(Command, frozen=True, kw_only=True):
    """Change a setting before the first other command; `value` has the setting's type."""

    key: str
    value: int | str


class TimeFlow(Command, frozen=True, kw_only=True):
    """Virtual time stands still (`rate` 0), or passes at `rate` times the speed of real time."""

    rate: float


class Step(Command, frozen=True, kw_only=True):
    """Go on by `count` moments at which something happens."""

    count: int = 1


class Back(Command, frozen=True, kw_only=True):
    """Go back by `count` moments or typed lines, or by `by_ms` of virtual time."""

    count: int = 1
    by_ms: int | None = None


JumpWhat = Literal["election", "decision", "fault", "violation", "slot", "time", "end"]


class Jump(Command, frozen=True, kw_only=True):
    """Go to the next (or, `backward`, the last) moment of a kind, to where a slot is decided, to a time, or to the end.

    The end is the newest moment that this run had before a person went back. `number` is the slot or the milliseconds.
    """

    what: JumpWhat
    number: int = 0
    backward: bool = False


class Branch(Command, frozen=True, kw_only=True):
    """Drop the lines that were typed after this moment, and go on from here."""


class Predict(Command, frozen=True, kw_only=True):
    """Ask before each step what a node will do, or ask no more."""

    on: bool


class Guess(Command, frozen=True, kw_only=True):
    """What a person thinks that the node will send: kinds of messages; none: nothing."""

    kinds: tuple[str, ...] = ()


TimeCommand = TimeFlow | Step | Back | Jump | Branch | Predict | Guess
"""The commands about the time of a virtual world."""


class Use(Command, frozen=True, kw_only=True):
    """This node is the default from now on."""

    node: NodeWord


class Help(Command, frozen=True, kw_only=True):
    """List all commands, or show one."""

    word: str = ""


class Quit(Command, frozen=True, kw_only=True):
    """End the session."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One parsed line: a command, the node it is sent to, the time it waits for, and the client and its session.

    `number` counts the file's lines from 1; `text` is the line as written, without its comment, and `untimed` is that
    without its `at …`. `at_step` is the step of a virtual world that it waits for, where a time is not exact; with
    both it waits for the time after that step, and not for what is due then.
    """

    number: int
    text: str
    command: Command
    node: NodeWord | None = None
    at_ms: int | None = None
    at_step: int | None = None
    client: tuple[int, int] | None = None
    untimed: str = ""
