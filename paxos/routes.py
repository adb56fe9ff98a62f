"""Ways around links that are cut one way (rule 7): link-state routing, as in OSPF (RFC 2328), on one shortest path.

Every node holds the newest link state of every other. Between two nodes with a way there and a way back, all nodes on
both ways are known to each other, so a way that exists is found. While no node is cut off, no message looks for a way.
"""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, NodeId
from paxos.core import Core
from paxos.messages import AnyMessage, LinkState, Path, Relay, Routed
from paxos.rules import rule

BEATS_A_ROUND = 4
"""While a node is cut off, all nodes send their link states every so many heartbeat intervals."""
ROUNDS_VALID = 5
"""A link state, and a link in it, counts for so many rounds without news: a few may be lost."""


class Routes:
    """The link states, and the ways that they show. `active` is true while some node is cut off.

    Invariant: of each node the state of the highest version is kept, and no version makes a state fresh twice; so a
    state that no node renews ages out everywhere.
    """

    def __init__(self, core: Core) -> None:
        self.core = core
        self.active = False
        self.round_ms = BEATS_A_ROUND * core.config.heartbeat_ms
        self.valid_ms = ROUNDS_VALID * self.round_ms
        self._states: dict[NodeId, LinkState] = {}
        self._renewed_ms: dict[NodeId, int] = {}
        self._found: dict[NodeId, Path] = {}
        self._found_ms = -1  # When these ways were found; -1: a state has come since.

    # Link states

    def take(self, state: LinkState) -> bool:
        """Keep a state if it is newer than the known one. True when it was."""
        known = self._states.get(state.node)
        if known is not None and state.version <= known.version:
            return False
        self._states[state.node] = state
        if known is None:  # In the order of their nodes.
            self._states = dict(sorted(self._states.items()))
        self._renewed_ms[state.node] = self.core.now
        self._found_ms = -1
        return True

    def all_states(self) -> tuple[LinkState, ...]:
        """Every state, old ones too: a node that has restarted learns from it which versions it has used."""
        return tuple(self._states.values())

    def fresh(self) -> list[LinkState]:
        """The states that were renewed lately, in the order of their nodes."""
        oldest, renewed_ms = self.core.now - self.valid_ms, self._renewed_ms
        return [state for node, state in self._states.items() if renewed_ms[node] > oldest]

    def leader(self) -> LinkState | None:
        """The state of the leader with the highest ballot among those to which there is a way."""
        ways = self._ways()
        leaders = [state for state in self.fresh() if state.leads != NO_BALLOT and state.node in ways]
        return max(leaders, key=lambda state: state.leads, default=None)

    # Ways

    def reaches(self, to: NodeId) -> bool:
        """True unless the link states show no way to `to`."""
        return not self.active or to in self._ways()

    @rule("7")
    def way(self, to: NodeId) -> Path:
        """The nodes on the way to `to`, which is the last: `to` alone for the link between the two."""
        if not self.active:
            return (to,)
        return self._ways().get(to) or (to,)

    def _ways(self) -> dict[NodeId, Path]:
        """A shortest way to each node that can be reached: the same until a state comes or time passes."""
        if self._found_ms != self.core.now:
            self._found, self._found_ms = self._find_ways(), self.core.now
        return self._found

    def _find_ways(self) -> dict[NodeId, Path]:
        """Find the ways breadth first."""
        me, states = self.core.me, self.fresh()
        ways: dict[NodeId, Path] = {me: ()}
        found = [me]
        for node in found:  # It grows.
            for state in states:
                if state.node not in ways and node in state.hears:
                    ways[state.node] = (*ways[node], state.node)
                    found.append(state.node)
        return ways

    def back(self, path: Path) -> tuple[NodeId, Path]:
        """Where an answer goes for a question that came along `path`: the next node, and the path from there.

        It goes straight to the origin when a way there is known, else back as the question came.
        """
        if self.active and path[0] in self._ways():
            return path[0], ()
        return path[-1], path[:-1]

    # Sending

    def send(self, to: NodeId, message: Routed) -> None:
        """Send `message` to `to` on the way that is known."""
        first, wrapped = self.wrap(to, message)
        self.core.send_now((first,), wrapped)

    def send_durable(self, to: NodeId, message: Routed) -> None:
        """The same once all earlier records are durable."""
        first, wrapped = self.wrap(to, message)
        self.core.send((first,), wrapped)

    def wrap(self, to: NodeId, message: Routed) -> tuple[NodeId, AnyMessage]:
        """The first node on the way to `to`, and what to send to it."""
        way = self.way(to)
        if len(way) == 1:
            return to, message
        return way[0], Relay(sender=self.core.me, path=way[1:], message=message)

    @rule("7")
    def pass_on(self, relay: Relay) -> None:
        """Send a relay to the next node on its path."""
        self.core.send_now((relay.path[0],), Relay(sender=self.core.me, path=relay.path[1:], message=relay.message))
