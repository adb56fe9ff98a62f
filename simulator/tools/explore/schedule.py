"""A hostile schedule as data: which faults are injected when, and what clients call when.

A schedule is frozen. Its `repr` is Python, `msgspec` encodes it as JSON, and `lines` prints it as a scenario. A fault
that is impossible when its time comes (crashing a node that is down) is skipped.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from blog.operations import Comment, Operation, Post
from paxos.ballot import NodeId
from simulator.cluster.interface import Query
from simulator.faults.faults import Crash, Fault
from simulator.faults.link_faults import change_links
from simulator.faults.links import Links
from simulator.settings import Settings
from simulator.tools.explore.late_words import LateWord
from simulator.tools.explore.leavers import Leaver
from simulator.tools.explore.permanent_faults import reached
from simulator.tools.explore.triggered_faults import TriggeredFault


class ScheduledFault(msgspec.Struct, frozen=True):
    """A fault and its time, in milliseconds from the start."""

    at_ms: int
    fault: Fault

    def line(self) -> str:
        """The scenario line."""
        return self.fault.line()


class Write(msgspec.Struct, frozen=True, tag=True):
    """Client `client` gives `node` a post or a comment. All contents differ, so each write can be recognised.

    With a `session` the client has several under way in one name: see `Cluster.submit`.
    """

    at_ms: int
    client: int
    node: int
    kind: Literal["post", "comment"]
    user: str
    title: str
    content: str
    session: int = 0

    def operation(self) -> Operation:
        """The operation for the blog."""
        if self.kind == "post":
            return Post(username=self.user, title=self.title, content=self.content)
        return Comment(username=self.user, title=self.title, content=self.content)

    def line(self) -> str:
        """The scenario line."""
        client = f"{self.client}.{self.session}" if self.session else f"{self.client}"
        return f"@{self.node} as {client} {self.kind} {self.user} {self.title} {self.content} &"


class Again(msgspec.Struct, frozen=True, tag=True):
    """The client of the write of `content` sends the same request to `node`, unless it knows the outcome.

    `answered`: it sends it although the write was answered, as if the answer had been lost.

    The scenario line names the write by its number, which only the whole schedule knows.
    """

    at_ms: int
    client: int
    node: int
    content: str
    answered: bool = False

    def line(self) -> str:
        """A comment, since the number is not known here."""
        return f"# client {self.client} sends {self.content!r} again, to node {self.node}"


class Look(msgspec.Struct, frozen=True, tag=True):
    """Client `client` reads at `node`."""

    at_ms: int
    client: int
    node: int
    kind: Literal["all", "user", "title"]
    name: str
    linearizable: bool

    def query(self) -> Query:
        """The query."""
        return Query(kind=self.kind, name=self.name, linearizable=self.linearizable)

    def line(self) -> str:
        """The scenario line."""
        what = "blog" if self.kind == "all" else f"view {self.kind} {self.name}"
        return f"@{self.node} as {self.client} {what}" + (" --linearizable &" if self.linearizable else " &")


Call = Write | Again | Look


class TriggeredCalls(msgspec.Struct, frozen=True):
    """From `from_ms` on, when a node begins to lead for the `count`-th time, clients ask it and the one it replaces.

    `seed` decides what they ask: see `triggered_calls`.
    """

    from_ms: int
    count: int
    seed: int


WriteKind = Literal["post", "comment"]
LookKind = Literal["all", "user", "title"]


class Schedule(msgspec.Struct, frozen=True, kw_only=True):
    """One run from its start to the end of its faults. Faults and calls are in order of time.

    At `heals_ms` every fault ends and everything is repaired; then the `permanent` faults are injected, and stay.
    `trial.py` says what is demanded from then on. `triggers`, `late_words` and `asks`, in order of time, become
    scheduled faults and calls when they fire; what the `leaver` does takes the place of `permanent`.
    `lost_files` are the nodes whose files were gone at the healing: they are restarted then. A run finds them out.
    `profile` names how the schedule was drawn.
    """

    settings: Settings
    faults: tuple[ScheduledFault, ...] = ()
    calls: tuple[Call, ...] = ()
    heals_ms: int
    triggers: tuple[TriggeredFault, ...] = ()
    late_words: tuple[LateWord, ...] = ()
    leaver: Leaver | None = None
    asks: tuple[TriggeredCalls, ...] = ()
    permanent: tuple[Fault, ...] = ()
    lost_files: tuple[NodeId, ...] = ()
    profile: str = "by hand"

    def in_order(self) -> Iterator[ScheduledFault | Call]:
        """Faults and calls in order of time; at one moment faults come first."""
        moments: list[tuple[int, int, int, ScheduledFault | Call]] = []
        moments += [(scheduled.at_ms, 0, place, scheduled) for place, scheduled in enumerate(self.faults)]
        moments += [(call.at_ms, 1, place, call) for place, call in enumerate(self.calls)]
        moments.sort(key=lambda moment: moment[:3])
        return (what for _, _, _, what in moments)

    def lines(self) -> list[str]:
        """The schedule as a scenario, with the healing, the permanent faults and the expectations at the end.

        In the virtual world it takes the same course as the schedule itself, to the millisecond.
        """
        settings = self.settings
        lines = [
            f"# Drawn as {self.profile!r} from seed {settings.seed}: faults until {self.heals_ms} ms, then peace.",
            "set world virtual",
            f"set nodes {settings.nodes}",
            f"set seed {settings.seed}",
            f"set difficulty {settings.difficulty}",
            f"set ops-per-block {settings.ops_per_block}",
            f"set window {settings.window}",
            *settings.limits.set_lines(),
        ]
        if settings.break_rule:
            lines.insert(1, f"# break: {settings.break_rule}")
        return [*lines, *self._lines_of_faults(), *self._lines_of_recovery()]

    def _lines_of_faults(self) -> Iterator[str]:
        numbers: dict[str, int] = {}  # The number of a write at a console: requests count from 1.
        asked = 0
        for what in self.in_order():
            line = what.line()
            if isinstance(what, Write | Look):
                asked += 1
            if isinstance(what, Write):
                numbers[what.content] = asked
            elif isinstance(what, Again) and what.content in numbers:
                line = f"@{what.node} again {numbers[what.content]}" + (" --answered" if what.answered else "")
            yield line if line.startswith("#") else f"at {what.at_ms}ms {line}"

    def _lines_of_recovery(self) -> list[str]:
        nodes = self.settings.node_ids
        mending = ["release", "heal"]
        for node in nodes:
            mending += [f"disk {node} ok", f"clock {node} rate 100% jump 0ms"]
        mending += [
            "resume all",
            *(f"crash {node}" for node in self.lost_files),
            "restart crashed",
            *(fault.line() for fault in self.permanent),
        ]
        links = Links(nodes)
        for fault in self.permanent:
            if not isinstance(fault, Crash):
                change_links(links, fault)
        up = [node for node in nodes if Crash(node) not in self.permanent]
        mending += [f'@{node} post nobody "peace {node}" again &' for node in up]
        served = reached(links, up)
        lines = [*(f"at {self.heals_ms}ms {line}" for line in mending), "sleep 1s"]
        for node in served:
            lines += [f'@{node} post nobody "peace still {node}" again', "expect last ok"]
        return [*lines, f"expect chains equal on {','.join(map(str, served))} within 30s", "expect check ok"]
