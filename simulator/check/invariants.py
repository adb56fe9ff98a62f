"""All invariants of the protocol, judged while a world runs, or afterwards from its trace.

An `InvariantChecker` is an `Observer`: it sees what nodes write, sync, send and apply, and what clients are told, and
never acts. It knows nothing of clocks, links or files, and takes no node's word for what is chosen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.check.violation import INVARIANTS, Violation
from simulator.faults import Fault
from simulator.host import ClientCall, NodeReport
from simulator.settings import Settings
from simulator.storage.storage import Recovered


class InvariantChecker:
    """See `Observer` for the calls. `replay` is the command that verdicts name; a world may set it at any time.

    `violations` holds the first violation of each invariant, in the order in which they were found; it is empty as long
    as all is well. `sometimes` counts what a run did, so that each "never" can be paired with a "this did happen".
    """

    def __init__(self, settings: Settings, *, prepare_quorum: int = 0, accept_quorum: int = 0) -> None:
        self.replay = ""
        self.violations: dict[str, Violation] = {}
        self.sometimes: Counter[str] = Counter()

    def verdicts(self) -> dict[str, str]:
        """Each invariant by name: "ok", or the sentence that says what was violated, when and where."""
        found = dict.fromkeys(INVARIANTS, "ok")
        found.update({name: violation.sentence(self.replay) for name, violation in self.violations.items()})
        return found

    def declare(self, violation: Violation) -> None:
        """Note a violation, also one that somebody else found (progress, linearizability). The first one stays."""
        self.violations.setdefault(violation.invariant, violation)

    def asked(self, at_ms: int, node: NodeId, call: ClientCall) -> None:
        """See `Observer`."""

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """See `Observer`."""

    def sent(self, at_ms: int, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def delivered(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def lost(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""

    def woken(self, at_ms: int, node: NodeId, timer: Timer) -> None:
        """See `Observer`."""

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """See `Observer`."""

    def recorded(self, at_ms: int, node: NodeId, records: Sequence[JournalRecord]) -> None:
        """See `Observer`."""

    def synced(self, at_ms: int, node: NodeId) -> None:
        """See `Observer`."""

    def applied(self, at_ms: int, node: NodeId, blocks: Sequence[Block]) -> None:
        """See `Observer`."""

    def ended(self, at_ms: int, node: NodeId, how: str) -> None:
        """See `Observer`."""

    def struck(self, at_ms: int, fault: Fault) -> None:
        """See `Observer`."""
