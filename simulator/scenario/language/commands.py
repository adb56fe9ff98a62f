"""The commands of the language as plain data: what a line says, once understood. They carry no behaviour.

A node is written as a `NodeWord`: its number, or a word such as "leader" whose meaning is found when the command runs.
Times are milliseconds, probabilities run from 0 to 1.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from simulator.faults.faults import CrashPoint, DiskFaultKind

NodeWord = int | str
"""A node's number, or `leader`, `follower`, `random`, `majority`, `minority`."""

NodesWord = int | str
"""A `NodeWord`, or `all`, `crashed`, `rest`."""

LinkWord = tuple[NodeWord, NodeWord]
"""A directed link between two nodes as written."""

AnswerWord = Literal["ok", "refused", "timeout", "no-majority"]


class Command(msgspec.Struct, frozen=True, kw_only=True):
    """What one line asks for."""


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
    """The client of the write `number` sends it once more, as one does that got no answer."""

    number: int


class View(Command, frozen=True, kw_only=True):
    """Read the blog; `kind` and `name` as in `cluster.Query`. `brief` shows titles and authors only."""

    kind: Literal["all", "user", "title", "any"] = "all"
    name: str = ""
    linearizable: bool = False
    brief: bool = False
    background: bool = False


InspectWhat = Literal["status", "leader", "node", "chain", "log", "queue", "net", "events", "held"]


class Inspect(Command, frozen=True, kw_only=True):
    """Show something of the cluster. `node` None: the default one (or all, for `queue`); `count`: how many events."""

    what: InspectWhat
    node: NodeWord | None = None
    count: int = 20
    json: bool = False


class NodeFault(Command, frozen=True, kw_only=True):
    """Crash, restart, pause or resume nodes. `point` is the protocol moment at which a crash strikes."""

    action: Literal["crash", "restart", "pause", "resume"]
    nodes: tuple[NodesWord, ...]
    point: CrashPoint | None = None


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
    """The weather of some links; `links` empty means all."""

    links: tuple[LinkWord, ...] = ()
    around: tuple[NodeWord, ...] = ()
    delay_ms: int = 0
    jitter_ms: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0


class NetReset(Command, frozen=True, kw_only=True):
    """Calm weather on all links; cuts and partitions stay."""


class HoldMessages(Command, frozen=True, kw_only=True):
    """From now on messages wait for a person."""


class DeliverMessages(Command, frozen=True, kw_only=True):
    """Let held messages go: one by number, those of some links, all, or the oldest when nothing is said.

    `kind` names what messages of these links are meant, such as "promise"; "" means all of them.
    """

    number: int | None = None
    links: tuple[LinkWord, ...] = ()
    kind: str = ""
    everything: bool = False


class ReleaseMessages(Command, frozen=True, kw_only=True):
    """Deliver everything held and hold no longer."""


class DiskCommand(Command, frozen=True, kw_only=True):
    """Something happens to a node's disk or one of its files."""

    node: NodeWord
    kind: DiskFaultKind
    file: str = ""
    line: int | None = None


class ClockCommand(Command, frozen=True, kw_only=True):
    """A node's clock runs at another rate or jumps (virtual world only)."""

    node: NodeWord
    rate_percent: int = 100
    jump_ms: int = 0


class Load(Command, frozen=True, kw_only=True):
    """`clients` concurrent clients send `rate` requests a second together for `for_ms`; `mix` are weights."""

    rate: int
    for_ms: int
    clients: int = 10
    mix: tuple[tuple[Literal["post", "comment", "view"], int], ...] = (("post", 40), ("comment", 30), ("view", 30))
    background: bool = False


class Sleep(Command, frozen=True, kw_only=True):
    """Let time pass."""

    for_ms: int


class WaitFor(Command, frozen=True, kw_only=True):
    """Let time pass until something is so, `within_ms` at most."""

    what: Literal["leader", "converged", "idle", "height", "down"]
    in_majority: bool = False
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
    """The blog's titles are exactly these, in whatever order."""

    titles: tuple[str, ...]


class TitleFact(Command, frozen=True, kw_only=True):
    """There is this post by this user, with this many comments (None: however many)."""

    title: str
    user: str
    comments: int | None = None


class ElectionsFact(Command, frozen=True, kw_only=True):
    """So far at most this many elections."""

    most: int


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
    """Change a setting before anything else happens; `value` is of the setting's own type."""

    key: str
    value: int | str


class Use(Command, frozen=True, kw_only=True):
    """This node is the default from now on."""

    node: NodeWord


class Help(Command, frozen=True, kw_only=True):
    """List all commands, or show one."""

    word: str = ""


class Quit(Command, frozen=True, kw_only=True):
    """End the session."""


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One understood line: a command, the node it is sent to, the time it waits for.

    `number` counts the file's lines from 1; `text` is the line as written, without its comment.
    """

    number: int
    text: str
    command: Command
    node: NodeWord | None = None
    at_ms: int | None = None
