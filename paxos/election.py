"""Who leads, as far as this node knows, and its own bids to lead: rules 1 to 5.

Phase 1 follows Lamport 2001, §2.2 and §3 (one PREPARE for all slots at once). Before it a candidate canvasses: it asks
who would promise, and opens a ballot only when a majority would, so that a node with a bad link cannot unseat a leader
that works (Ng et al., *Omni-Paxos*, EuroSys 2023, name the partial partitions in which it otherwise does).
It knows nothing of what is proposed: whoever wins hands the promises to the proposer.
"""

from __future__ import annotations

from typing import Literal

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, NOBODY, Ballot, NodeId
from paxos.core import LOOK_MS, Core
from paxos.effects import Timer
from paxos.learner import Learner
from paxos.messages import Canvass, CanvassReply, Prepare, Promise, Reject, StepDown
from paxos.timeouts import Timeouts

FIRST_LOOK_MS = 60
"""A node that has just started looks for a leader within this time: asking disturbs nobody."""
LONGEST_SPREAD = 8
"""The most election timeouts over which rivals spread their next attempts."""

Phase = Literal["following", "canvassing", "preparing", "leading"]


class Election:
    """Invariants: a ballot is opened once, above every ballot seen; `leading` only with a quorum of its promises.

    `leader` is who this node believes leads (0: nobody) and `leader_ballot` its ballot where it was heard directly;
    where it was not, `vias` are the peers that named it, each with its own distance to it in hops.
    """

    def __init__(self, core: Core, timeouts: Timeouts, acceptor: Acceptor, learner: Learner) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.phase: Phase = "following"
        self.ballot = NO_BALLOT
        self.seen = acceptor.promised
        self.leader: NodeId = NOBODY
        self.leader_ballot = NO_BALLOT
        self.vias: dict[NodeId, int] = {}
        self.promises: dict[NodeId, Promise] = {}
        self.elections = 0
        self.leaderships = 0
        self._heard_ms: int | None = None
        self._pledged: tuple[NodeId, int] | None = None  # To whom the last promise was given, and when.
        self._would_grant: dict[NodeId, int] = {}
        self._would_refuse: set[NodeId] = set()
        self._refused: set[NodeId] = set()
        self._failures = 0
        self._asked_ms = 0
        self._outbid = False

    @property
    def leading(self) -> bool:
        """True from a quorum of promises on until stepping down."""
        return self.phase == "leading"

    # Following

    def start(self) -> None:
        """Look for a leader soon."""
        self.core.set_timer(Timer.ELECTION, 1, FIRST_LOOK_MS)

    def hears_leader(self) -> bool:
        """A leader other than this node has spoken to it within the election timeout."""
        return self._heard_ms is not None and self.core.now - self._heard_ms < self.timeouts.election_ms()

    def follow(self, ballot: Ballot, leader: NodeId) -> bool:
        """A leader speaks at `ballot`. True when this node follows it; False: the ballot is stale."""
        if ballot < self.acceptor.promised or (ballot < self.leader_ballot and self.hears_leader()):
            return False
        now = self.core.now
        if leader == self.leader and self._heard_ms is not None:
            self.timeouts.heard_after(now - self._heard_ms)
        if leader != self.leader or ballot != self.leader_ballot:
            self.leader, self.leader_ballot = leader, ballot
            self.core.note("follows", f"node {self.core.me} follows node {leader} at ballot {ballot}")
        self._heard_ms = now
        self.see(ballot)
        if self.phase != "following":
            self._stand_down()
        self._failures = 0
        return True

    def see(self, ballot: Ballot) -> None:
        """Remember the highest ballot heard of: the next bid goes above it."""
        self.seen = max(self.seen, ballot)

    def on_step_down(self, message: StepDown) -> None:
        """The leader says that it leads no longer: look for another soon."""
        self.see(message.ballot)
        if message.sender == self.leader and message.ballot >= self.leader_ballot:
            self._forget_leader()
            if self.phase == "following":
                self.core.set_timer(Timer.ELECTION, 0, self.timeouts.election_ms() // 2)

    def stepped_down(self) -> None:
        """This node leads no longer. Without a majority it makes room; outbid, it asks at once to bid higher (rule 2).

        Somebody who comes back with a high ballot cannot vote for this leader. That must cost a ballot and no leader:
        unless others follow somebody else by now, this node goes on, above what it was refused for.
        """
        outbid, self._outbid = self._outbid, False
        self.phase = "following"
        self._forget_leader()
        if outbid:
            self.pre_vote()
        else:
            self.announce_step_down()
            self.core.set_timer(Timer.ELECTION, 1, self.timeouts.election_ms())

    def announce_step_down(self) -> None:
        """Whoever can still be reached is told that this node's last ballot leads no longer (rule 6)."""
        self.core.send_now(self.core.others, StepDown(sender=self.core.me, ballot=self.ballot))

    def alarm(self) -> None:
        """The ELECTION alarm: silence for too long, or an attempt that came to nothing."""
        if self.phase == "leading":
            return
        if self.phase == "following":
            timeout = self.timeouts.election_ms()
            if self.hears_leader() and self._heard_ms is not None:
                left = max(1, timeout - (self.core.now - self._heard_ms))
                self.core.set_timer(Timer.ELECTION, left, left + timeout)
            else:
                self.pre_vote()
        else:
            self._failed()

    # Before phase 1: who would promise?

    def wanted(self) -> None:
        """A client waits and nobody is known to lead: bid now (rule 1), unless a bid has just failed (rule 5)."""
        idle = self.phase == "following" and self.leader == NOBODY and not self._failures
        if idle and not self._pledge_stands(NOBODY):
            self.pre_vote()

    def pre_vote(self) -> None:
        """Ask everybody, itself included, who would promise."""
        self.phase = "canvassing"
        self._would_refuse.clear()
        self.vias = {}
        timeout = self.timeouts.election_ms()
        now = self.core.now
        self._would_grant = {node: at for node, at in self._would_grant.items() if now - at < timeout}
        self._would_grant[self.core.me] = now
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)
        self._ask(self.core.others)
        self._open_if_enough()

    def ask_again(self) -> None:
        """The RESEND alarm of a candidate: whoever has not answered in time may not have been reached."""
        if self.phase not in ("canvassing", "preparing"):
            return
        if self.core.now - self._asked_ms < self.timeouts.resend_ms():
            self._ask_again_later()
        elif self.phase == "canvassing":
            self._ask(tuple(node for node in self.core.others if node not in self._would_grant))
        else:
            self._prepare(tuple(node for node in self.core.others if node not in self.promises))

    def on_pre_vote(self, message: Canvass) -> None:
        """Answer whether a promise would be given: not while a leader is alive, nor right after another promise."""
        sender = message.sender
        self.learner.want(message.decided, sender)
        if sender == self.leader and not self.leading and message.promised >= self.leader_ballot:
            self._forget_leader()  # It has led, and would not ask if it still did.
        leader, hops = self._leader_for(sender)
        self.core.send_now(
            (sender,),
            CanvassReply(
                sender=self.core.me,
                stamp=message.stamp,
                willing=(leader == NOBODY or hops > 1) and not self._pledge_stands(sender),
                leader=leader,
                hops=hops,
                promised=max(self.seen, self.acceptor.promised),
                decided=self.learner.decided,
            ),
        )

    def answered(self, message: CanvassReply) -> None:
        """One answer to a canvass of ours, perhaps of an earlier one: what it says is no older than the question."""
        sender = message.sender
        self.timeouts.measured(sender, message.stamp)
        self.learner.want(message.decided, sender)
        self.see(message.promised)
        if message.willing:
            self._would_grant[sender] = self.core.now
            self._would_refuse.discard(sender)
            self.hint(message.leader, sender, message.hops)
            if self.phase == "canvassing":
                self._open_if_enough()
            return
        self._would_grant.pop(sender, None)
        self._would_refuse.add(sender)
        self.hint(message.leader, sender, message.hops)
        hopeless = len(self._would_refuse) > len(self.core.nodes) - self.core.prepare_quorum
        if self.phase == "canvassing" and hopeless and self.leader:
            self._stand_down()  # Rule 2: follow the leader that others hear.

    def hint(self, leader: NodeId, via: NodeId, hops: int) -> None:
        """`via`, which is `hops` from it, says that `leader` leads, which this node does not hear itself.

        A rumour that has passed more nodes than there are has gone in a circle and is not believed.
        """
        if leader in (NOBODY, self.core.me) or self.leading or self.hears_leader() or hops >= len(self.core.nodes) - 1:
            return
        if leader != self.leader:
            if self.vias and hops > min(self.vias.values()):
                return  # Somebody nearer to a leader has named another.
            self.leader, self.leader_ballot, self._heard_ms = leader, NO_BALLOT, None
            self.vias = {}
        self.vias[via] = hops

    def ways(self) -> list[NodeId]:
        """The peers that named the leader, the nearest to it first."""
        return sorted(self.vias, key=lambda via: (self.vias[via], via))

    def _leader_for(self, asker: NodeId) -> tuple[NodeId, int]:
        """Who leads, and how many hops from here; what only the asker itself has told is not told back."""
        if self.leading:
            return self.core.me, 0
        if self.hears_leader():
            return self.leader, 1
        hops = [distance for via, distance in self.vias.items() if via != asker]
        return (self.leader, min(hops) + 1) if hops else (NOBODY, 0)

    def _ask(self, nodes: tuple[NodeId, ...]) -> None:
        if nodes:
            question = Canvass(
                sender=self.core.me,
                stamp=self.core.now,
                decided=self.learner.decided,
                promised=self.acceptor.promised,
            )
            self.core.send_now(nodes, question)
        self._asked_ms = self.core.now
        self._ask_again_later()

    def _ask_again_later(self) -> None:
        delay_ms = min(self.timeouts.resend_ms(), LOOK_MS)
        self.core.set_timer(Timer.RESEND, delay_ms, delay_ms + delay_ms // 4)

    def _open_if_enough(self) -> None:
        if len(self._would_grant) >= self.core.prepare_quorum:
            self.open_ballot()

    # Phase 1

    def next_ballot(self) -> Ballot:
        """Rule 3: above every ballot seen, whoever owned it."""
        return max(self.seen, self.acceptor.promised).above(self.core.me)

    def open_ballot(self) -> None:
        """Bid: PREPARE to all, the node's own acceptor first, once the ballot is safe on disk."""
        self.phase = "preparing"
        self._forget_leader()
        self.ballot = self.next_ballot()
        self.see(self.ballot)
        self.promises.clear()
        self._refused.clear()
        self._would_grant.clear()
        self.elections += 1
        self.core.note("election", f"node {self.core.me} bids to lead with ballot {self.ballot}")
        self.acceptor.open(self.ballot)
        decided = self.learner.decided
        own = self.acceptor.promise_for(self.ballot, decided + 1, decided, self.core.now)
        self.core.send((self.core.me,), own)
        self._prepare(self.core.others)
        timeout = self.timeouts.election_ms()
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)

    def _prepare(self, nodes: tuple[NodeId, ...]) -> None:
        if nodes:
            first = self.learner.decided + 1
            self.core.send(
                nodes, Prepare(sender=self.core.me, ballot=self.ballot, first_slot=first, stamp=self.core.now)
            )
        self._asked_ms = self.core.now
        self._ask_again_later()

    def prepared(self, message: Prepare) -> None:
        """Another node bids: promise, unless a leader is alive (rule 2) or a higher promise stands (rule 3)."""
        sender, ballot = message.sender, message.ballot
        self.see(ballot)
        if sender == self.leader and ballot > self.leader_ballot:
            self._forget_leader()  # It would not bid if it led.
        if self.leading and ballot != self.ballot:
            self.acceptor.refuse(sender, ballot, self.core.me, self.learner.decided)
            return
        if self.leader not in (NOBODY, sender) and self.hears_leader():
            self.acceptor.refuse(sender, ballot, self.leader, self.learner.decided)
            return
        if self.acceptor.promise(message, self.learner.decided):
            self._pledged = (sender, self.core.now)
            if self.phase != "following":
                self._stand_down()

    def promised(self, message: Promise) -> bool:
        """A promise came in. True when it is the one that makes this node the leader of its ballot."""
        self.timeouts.measured(message.sender, message.stamp)
        self.learner.want(message.decided, message.sender)
        if self.phase != "preparing" or not self.is_for_my_ballot(message.ballot):
            return False
        self.count_promise(message)
        if not self.enough_promises():
            return False
        self.phase = "leading"
        self.leader, self.leader_ballot, self._heard_ms = self.core.me, self.ballot, None
        self._failures = 0
        self.leaderships += 1
        return True

    def is_for_my_ballot(self, ballot: Ballot) -> bool:
        """An answer counts for the ballot that it names and no other."""
        return ballot == self.ballot

    def count_promise(self, message: Promise) -> None:
        """One promise a node: a repeated one counts once."""
        self.promises[message.sender] = message

    def enough_promises(self) -> bool:
        """Phase 1 is over when a majority, of distinct nodes, has promised this ballot."""
        return len(self.promises) >= self.core.prepare_quorum

    def refused(self, message: Reject) -> bool:
        """A bid or a vote was refused. True when this node led with that ballot and leads no longer."""
        self.see(message.promised)
        self.learner.want(message.decided, message.sender)
        if self.is_stale_refusal(message):
            return False
        if self.leading:
            self._outbid = message.promised > self.ballot
            return self._outbid
        if self.phase == "preparing":
            self._refused.add(message.sender)
            self.hint(message.leader, message.sender, 1)
            if len(self.core.nodes) - len(self._refused) < self.core.prepare_quorum:
                self._failed()
        return False

    def is_stale_refusal(self, message: Reject) -> bool:
        """A refusal of another ballot than the one this node bids or leads with says nothing about it."""
        return message.ballot != self.ballot

    # Giving up

    def _failed(self) -> None:
        """An attempt came to nothing: wait longer than last time, and not as long as a rival (rule 5)."""
        self.phase = "following"
        if not self.vias:
            self._forget_leader()
        self._failures += 1
        shortest, longest = self.pause_ms()
        self.core.set_timer(Timer.ELECTION, shortest, longest)

    def pause_ms(self) -> tuple[int, int]:
        """The bounds of the pause after a failed attempt: random, growing, capped."""
        spread = min(1 << min(self._failures - 1, 10), LONGEST_SPREAD)
        return 1, self.timeouts.election_ms() * spread // 2 + 1

    def _stand_down(self) -> None:
        self.phase = "following"
        timeout = self.timeouts.election_ms()
        self.core.set_timer(Timer.ELECTION, timeout, 2 * timeout)

    def _forget_leader(self) -> None:
        self.leader, self.leader_ballot, self._heard_ms = NOBODY, NO_BALLOT, None
        self.vias = {}

    def _pledge_stands(self, asker: NodeId) -> bool:
        """A promise was given to somebody else a moment ago: let that bid come to its end first."""
        if self._pledged is None:
            return False
        to, at = self._pledged
        return to != asker and self.core.now - at < self.timeouts.election_ms()
