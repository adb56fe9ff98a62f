"""Which lines of the running log a person wants to see."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from simulator.cluster.events import ClusterEvent

LogWhat = Literal["all", "elections", "faults", "messages", "answers", "node"]

LOG_WORDS: tuple[LogWhat, ...] = get_args(LogWhat)
"""The words that name a part of the log."""

ELECTIONS = frozenset({"election", "leader", "step-down"})
CHATTER = frozenset({"sent", "answer"})
"""The kinds of which there are hundreds a second under load: messages, and answers to clients."""


class LogFilter(msgspec.Struct, frozen=True):
    """A part of the running log. `node` is the node that "node" means, and 0 otherwise."""

    what: LogWhat = "all"
    node: int = 0

    @property
    def title(self) -> str:
        """The part in words: "elections", "node 3"."""
        return f"node {self.node}" if self.what == "node" else self.what

    @property
    def takes_chatter(self) -> bool:
        """True when messages or answers may pass."""
        return self.what not in {"elections", "faults"}

    def takes(self, event: ClusterEvent) -> bool:
        """True when the event belongs to this part."""
        match self.what:
            case "elections":
                return event.kind in ELECTIONS
            case "faults":
                return event.kind not in CHATTER and event.kind not in ELECTIONS and event.kind != "follows"
            case "messages":
                return event.kind == "sent"
            case "answers":
                return event.kind == "answer"
            case "node":
                return event.node == self.node or self.node in event.to
            case _:
                return True


EVERYTHING = LogFilter()
