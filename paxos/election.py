"""Elections: when this node follows, asks for pre-votes, campaigns or leads (rules 1 to 5).

Three machines do the work: `LeaderView` knows the leader, `PreVoteRound` asks who would promise, `Campaign` opens
ballots. This class holds the phase and moves between them. It knows nothing of proposals: the winner hands the promises
to the proposer.
"""

from __future__ import annotations

from typing import Literal

from paxos.acceptor import Acceptor
from paxos.ballot import NOBODY, Ballot, NodeId
from paxos.campaign import Campaign
from paxos.core import Core
from paxos.effects import Timer
from paxos.leader_view import LeaderView
from paxos.learner import Learner
from paxos.messages import Prepare, PreVote, PreVoteReply, Promise, Reject, StepDown
from paxos.pre_vote import PreVoteRound
from paxos.rules import rule
from paxos.timeouts import Timeouts

FIRST_LOOK_MS = 60
"""A node that has just started asks for a leader within this time: a pre-vote disturbs nobody."""

Phase = Literal["following", "pre-voting", "preparing", "leading"]


class Election:
    """Invariant: `phase` is "leading" only with a quorum of promises for `campaign.ballot`, until it steps down."""

    def __init__(
        self,
        core: Core,
        timeouts: Timeouts,
        acceptor: Acceptor,
        learner: Learner,
        *,
        view: LeaderView,
        pre_vote: PreVoteRound,
        campaign: Campaign,
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.view = view
        self.pre_vote = pre_vote
        self.campaign = campaign
        self.phase: Phase = "following"
        self._outbid = False

    @property
    def leading(self) -> bool:
        """True from a quorum of promises on until stepping down."""
        return self.phase == "leading"

    # Following

    def start(self) -> None:
        """Set the first election timer."""
        self.core.set_timer(Timer.ELECTION, 1, FIRST_LOOK_MS)

    def sure(self) -> None:
        """This node may vote from now on: a pre-vote in which it could not grant its own begins anew."""
        if self.phase == "pre-voting":
            self.phase = "following"
            self.core.set_timer(Timer.ELECTION, 1, FIRST_LOOK_MS)

    def follow(self, ballot: Ballot, leader: NodeId) -> bool:
        """Handle a message of a leader at `ballot`. True when this node follows it; False when the ballot is stale."""
        view = self.view
        if ballot < self.acceptor.promised or (ballot < view.ballot and view.hears_leader()):
            return False
        if ballot.jumps(self.acceptor.promised):
            return False
        view.heard(ballot, leader)
        self.campaign.see(ballot)
        if self.phase != "following":
            self._stand_down()
        self.campaign.failures = 0
        return True

    def on_step_down(self, message: StepDown) -> None:
        """The leader has stepped down: look for another one soon."""
        self.campaign.see(message.ballot)
        if message.sender == self.view.leader and message.ballot >= self.view.ballot:
            self.view.forget()
            if self.phase == "following":
                self.core.set_timer(Timer.ELECTION, 0, self.timeouts.election_ms() // 2)

    @rule("2", "6")
    def stepped_down(self) -> None:
        """After stepping down: follow, or campaign again when a higher promise refused this node.

        A node that comes back with a high promise cannot vote for this leader. A higher ballot is enough to get its
        vote back; the leader need not change, unless others follow another one by now.
        """
        outbid, self._outbid = self._outbid, False
        self.phase = "following"
        self.view.forget()
        if outbid:
            self.begin_pre_vote()
        else:
            self.announce_step_down()
            self.core.set_timer(Timer.ELECTION, 1, self.timeouts.election_ms())

    @rule("6")
    def announce_step_down(self) -> None:
        """Broadcast STEP-DOWN for our last ballot."""
        self.core.send_now(self.core.others, StepDown(sender=self.core.me, ballot=self.campaign.ballot))

    @rule("1")
    def alarm(self) -> None:
        """The ELECTION timer fired: the leader is silent, or a pre-vote or campaign came to nothing."""
        if self.phase == "leading":
            return
        if self.phase == "following":
            timeout = self.timeouts.election_ms()
            silent_ms = self.view.silent_ms()
            if silent_ms is not None and self.view.hears_leader():
                left = max(1, timeout - silent_ms)
                self.core.set_timer(Timer.ELECTION, left, left + timeout)
            else:
                self.begin_pre_vote()
        else:
            self._failed()

    # Pre-vote

    @rule("1")
    def wanted(self) -> None:
        """A client's request waits and no leader is known: pre-vote now, unless a campaign has just failed (rule 5)."""
        idle = self.phase == "following" and self.view.leader == NOBODY and not self.campaign.failures
        if idle and not self.pre_vote.has_promised_another(NOBODY):
            self.begin_pre_vote()

    def begin_pre_vote(self) -> None:
        """Ask all peers who would promise a ballot."""
        self.phase = "pre-voting"
        self.view.vias = {}
        self.pre_vote.begin()
        timeout = self.timeouts.election_ms()
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)
        self.pre_vote.ask(self.core.others)
        self._campaign_if_granted()

    def ask_again(self) -> None:
        """The RESEND timer of a candidate fired: ask the peers that have not answered once more."""
        if self.phase not in ("pre-voting", "preparing"):
            return
        asking = self.pre_vote if self.phase == "pre-voting" else self.campaign
        if self.core.now - asking.asked_ms < self.timeouts.resend_ms():
            self.timeouts.set_candidate_resend()
        elif self.phase == "pre-voting":
            self.pre_vote.ask(self.pre_vote.unanswered())
        else:
            self.campaign.prepare(self.campaign.unanswered())

    @rule("2")
    def on_pre_vote(self, message: PreVote) -> None:
        """Answer whether this node would promise the sender a ballot."""
        sender, view = message.sender, self.view
        self.learner.want(message.decided, sender)
        if sender == view.leader and not self.leading and message.promised >= view.ballot:
            view.forget()  # A leader never pre-votes, so the sender has stepped down.
        leader, hops = view.leader_for(sender)
        self.core.send_now(
            (sender,),
            PreVoteReply(
                sender=self.core.me,
                stamp=message.stamp,
                would_grant=self.core.votes and self.pre_vote.would_grant(sender, leader, hops),
                leader=leader,
                hops=hops,
                promised=max(self.campaign.seen, self.acceptor.promised),
                decided=self.learner.stated,
            ),
        )

    def on_pre_vote_reply(self, message: PreVoteReply) -> None:
        """Count one answer. It may answer an earlier round: what it states is no older than that question."""
        sender = message.sender
        self.timeouts.measured(sender, message.stamp)
        self.learner.want(message.decided, sender)
        self.campaign.see(message.promised)
        if message.would_grant:
            self.pre_vote.granted(sender)
            self.hint(message.leader, sender, message.hops)
            if self.phase == "pre-voting":
                self._campaign_if_granted()
            return
        self.pre_vote.refused(sender)
        self.hint(message.leader, sender, message.hops)
        if self.phase == "pre-voting" and self.pre_vote.is_lost() and self.view.leader:
            self._stand_down()  # Rule 2: follow the leader that others hear.

    def hint(self, leader: NodeId, via: NodeId, hops: int) -> None:
        """See `LeaderView.hint`."""
        self.view.hint(leader, via, hops)

    @rule("2", "7")
    def named(self, leader: NodeId, ballot: Ballot) -> None:
        """`leader` says by way of others that it leads at `ballot`, and this node does not hear it: follow it."""
        self.campaign.see(ballot)
        self.hint(leader, leader, 1)
        if self.phase == "pre-voting" and self.view.leader == leader:
            self._stand_down()

    def _campaign_if_granted(self) -> None:
        """A node that must not vote asks too, to learn who leads, and opens no ballot: it could not vote for it."""
        if self.pre_vote.is_won() and self.core.votes:
            self.open_ballot()

    # Phase 1

    def open_ballot(self) -> None:
        """Open a ballot and send PREPARE."""
        self.phase = "preparing"
        self.view.forget()
        self.pre_vote.end()
        self.campaign.open()
        timeout = self.timeouts.election_ms()
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)

    @rule("2", "3")
    def on_prepare(self, message: Prepare) -> None:
        """Promise the sender's ballot, unless a leader is heard (rule 2) or a higher promise stands (rule 3)."""
        sender, ballot, view = message.sender, message.ballot, self.view
        self.campaign.see(ballot)
        if not self.core.votes:
            return
        if sender == view.leader and ballot > view.ballot:
            view.forget()  # A leader never sends PREPARE for a higher ballot, so the sender has stepped down.
        if self.leading and ballot != self.campaign.ballot:
            self.acceptor.refuse(sender, ballot, self.core.me, self.learner.stated)
            return
        if view.leader not in (NOBODY, sender) and view.hears_leader():
            self.acceptor.refuse(sender, ballot, view.leader, self.learner.stated)
            return
        if self.acceptor.promise(message, self.learner.decided):
            self.pre_vote.note_promise(sender)
            if self.phase != "following":
                self._stand_down()

    @rule("4")
    def on_promise(self, message: Promise) -> bool:
        """Count a promise. True when it is the one that makes this node the leader of its ballot."""
        self.timeouts.measured(message.sender, message.stamp)
        self.learner.want(message.decided, message.sender)
        campaign = self.campaign
        if self.phase != "preparing" or not campaign.is_for_my_ballot(message.ballot):
            return False
        campaign.count_promise(message)
        if not campaign.enough_promises():
            return False
        self.phase = "leading"
        self.view.lead(campaign.ballot)
        campaign.failures = 0
        campaign.won += 1
        return True

    def on_reject(self, message: Reject) -> bool:
        """A PREPARE or a vote was refused. True when this node led with that ballot and must step down."""
        self.campaign.see(message.promised)
        self.learner.want(message.decided, message.sender)
        if self.campaign.is_stale_refusal(message):
            return False
        if self.leading:
            self._outbid = message.promised > self.campaign.ballot
            return self._outbid
        if self.phase == "preparing":
            lost = self.campaign.count_refusal(message.sender)
            self.hint(message.leader, message.sender, 1)
            if lost:
                self._failed()
        return False

    # Giving up

    @rule("5")
    def _failed(self) -> None:
        """A pre-vote or campaign came to nothing: pause for a random time that grows with each failure."""
        self.phase = "following"
        if not self.view.vias:
            self.view.forget()
        self.campaign.failures += 1
        shortest, longest = self.campaign.pause_ms()
        self.core.set_timer(Timer.ELECTION, shortest, longest)

    def _stand_down(self) -> None:
        self.phase = "following"
        timeout = self.timeouts.election_ms()
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)
