"""How link states spread: a node that is cut off sends its own, and then all nodes send theirs (rule 7).

A node sends its link states once a round, and sooner when they change, but at most once a heartbeat interval. This goes
on while some node is cut off. Then each node sends once more, and falls silent.
"""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.core import Core
from paxos.effects import Timer
from paxos.election import Election
from paxos.leader_view import LeaderView
from paxos.learner import Learner
from paxos.messages import LinkState, LinkStates
from paxos.recovery import Recovery
from paxos.routes import Routes
from paxos.rules import rule

ALARMS_UNTIL_CUT_OFF = 2
"""After so many election alarms without a leader in between, no ordinary election helps."""

Links = tuple[tuple[NodeId, ...], Ballot, bool]
"""The part of a link state whose change is sent at once: the nodes heard, the ballot led with, and `cut_off`."""


class LinkGossip:
    """Sends this node's link states and takes those of others into `routes`."""

    def __init__(
        self, core: Core, routes: Routes, *, view: LeaderView, learner: Learner, election: Election, recovery: Recovery
    ) -> None:
        self.core = core
        self.routes = routes
        self.view = view
        self.learner = learner
        self.election = election
        self.recovery = recovery
        self._version = 0
        self._alarms = 0
        self._sent: Links | None = None  # What this node has sent last of itself.
        self._sent_ms: int | None = None

    # Events

    @rule("7")
    def election_alarm(self) -> None:
        """The ELECTION timer fired: if it does so again and again without a leader, this node is cut off."""
        self._alarms = self._alarms + 1 if self.is_cut_off() else 0
        if self._alarms >= ALARMS_UNTIL_CUT_OFF:
            self._begin()

    @rule("7")
    def recovery_alarm(self) -> None:
        """The RECOVERY timer fired: if too few answer what this node asks, it is cut off from them."""
        if self.recovery.waits_for_others:
            self._begin()

    @rule("7")
    def leader_heard(self) -> None:
        """A heartbeat came: if the leader does not hear this node, it is cut off too."""
        if not self.view.reaches_leader():
            self._begin()

    def heard(self, message: LinkStates) -> None:
        """Link states of a peer came: take the newer ones, and pass on what is news."""
        routes, was_active, news = self.routes, self.routes.active, False
        before = {state.node: state for state in routes.fresh()}
        hears_leader = self.view.hears_leader()
        for state in message.states:
            if state.node == self.core.me:
                self._version = max(self._version, state.version)  # An earlier incarnation may have used it.
            elif routes.take(state):
                known = before.get(state.node)
                news = news or known is None or _links(known) != _links(state)
                if not hears_leader:
                    self.learner.want(state.decided, state.node)
        routes.active = self._is_anybody_cut_off()
        if routes.active and not hears_leader and not self.election.leading:
            leader = routes.leader()
            if leader is not None:
                self.election.named(leader.node, leader.leads)
        if routes.active and (news or not was_active or _links(self._own()) != self._sent):
            self._send_soon()

    def alarm(self) -> None:
        """The LINKS timer fired: the next round, or the last one when nobody is cut off any more."""
        self._send()

    # Helpers

    def is_cut_off(self) -> bool:
        """True when this node does not lead and lacks a link to or from the leader, or the answers to its question."""
        cut_off = not self.election.leading and not self.view.reaches_leader()
        return cut_off or self.recovery.waits_for_others

    def _is_anybody_cut_off(self) -> bool:
        return self.is_cut_off() or any(state.cut_off for state in self.routes.fresh())

    def _begin(self) -> None:
        if not self.routes.active:
            self.routes.active = True
            self._send_soon()

    def _send_soon(self) -> None:
        """Send now, or when a heartbeat interval has passed since the last time."""
        gap_ms = self.core.config.heartbeat_ms
        left_ms = 0 if self._sent_ms is None else self._sent_ms + gap_ms - self.core.now
        if left_ms <= 0:
            self._send()
        else:
            self.core.set_timer(Timer.LINKS, left_ms, left_ms)

    @rule("7")
    def _send(self) -> None:
        """Send all link states to all peers, and set the timer for the next round if somebody is still cut off."""
        routes = self.routes
        self._version += 1
        own = self._own()
        self._sent, self._sent_ms = _links(own), self.core.now
        self.core.send_now(self.core.others, LinkStates(sender=self.core.me, states=(own, *routes.all_states())))
        routes.active = self._is_anybody_cut_off()
        if routes.active:
            self.core.set_timer(Timer.LINKS, routes.round_ms, routes.round_ms)

    def _own(self) -> LinkState:
        leading = self.election.leading
        return LinkState(
            node=self.core.me,
            version=self._version,
            hears=self.core.heard_within(self.routes.valid_ms),
            leads=self.view.ballot if leading else NO_BALLOT,
            decided=self.learner.stated,
            cut_off=self.is_cut_off(),
        )


def _links(state: LinkState) -> Links:
    return state.hears, state.leads, state.cut_off
