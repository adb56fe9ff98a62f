"""Mutants of the ways around links that are cut one way (rule 7)."""

from __future__ import annotations

from paxos.ballot import NodeId
from paxos.link_gossip import LinkGossip
from paxos.messages import AnyMessage, CatchupReply, ForwardReply, ReadAt, Relay, Routed
from paxos.routes import Routes
from simulator.mutants.registry import mutant

WAY = "rule 7: whoever has a way to the leader and a way back is served"


@mutant(
    "relay-dropped",
    "L",
    wrong="a node does not pass on what others send through it",
    forbidden_by=WAY,
    expects="progress convergence",
)
class RelayDropped(Routes):
    """See its entry."""

    def pass_on(self, relay: Relay) -> None:
        """Drop it."""


@mutant(
    "relay-sent-back",
    "L",
    wrong="a node gives what others send through it back to where it came from",
    forbidden_by=WAY,
    expects="progress convergence",
)
class RelaySentBack(Routes):
    """See its entry."""

    def pass_on(self, relay: Relay) -> None:
        """Send it back."""
        back = Relay(sender=self.core.me, path=relay.path[1:], message=relay.message)
        self.core.send_now((relay.sender,), back)


@mutant(
    "answers-go-straight",
    "L",
    wrong="questions find a way around, and their answers take the link between the two nodes",
    forbidden_by=WAY,
    expects="progress convergence",
)
class AnswersGoStraight(Routes):
    """See its entry."""

    def wrap(self, to: NodeId, message: Routed) -> tuple[NodeId, AnyMessage]:
        """Look for no way for an answer."""
        if isinstance(message, ForwardReply | ReadAt | CatchupReply):
            return to, message
        return super().wrap(to, message)


@mutant(
    "cut-off-in-silence",
    "L",
    wrong="a node that is cut off tells nobody",
    forbidden_by=WAY,
    expects="progress convergence",
)
class CutOffInSilence(LinkGossip):
    """See its entry."""

    def is_cut_off(self) -> bool:
        """Always think that all is well."""
        return False
