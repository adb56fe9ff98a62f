"""Amnesia, and how a node gets over it (rule 17). The argument for safety is in `docs/recovery.md`.

A node that lost promises or votes begins a new *era*. It asks all others what they know, and they remember the era,
durably, before they answer. With the answers of a majority of the other nodes, none of which has amnesia itself or is
known to have lost its memory since, it takes the highest of their promises as its own, catches up past every slot that
they have voted in, and votes again. After Liskov & Cowling, *Viewstamped Replication Revisited* (2012), §4.3, with the
crash vectors of Michael et al. (DISC 2017), without which that recovery is not safe.

A node whose memory looks whole asks as well: what others heard from it may say that it is not, and so may what they
know of the blocks that it has read (`chain_proof`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.chain_proof import MOST_VOTES, Chain, ChainProof
from paxos.core import Core
from paxos.effects import Disbelieve, Effect, Send, Timer
from paxos.eras import Eras, era_of, newest, with_era
from paxos.learner import Learner
from paxos.messages import Accepted, AskMemory, Memory, Promise
from paxos.records import AmnesiaRecord, EraRecord, JournalRecord, RecoveredRecord
from paxos.routes import Routes
from paxos.rules import rule
from paxos.timeouts import Timeouts

TRIES_UNTIL_CUT_OFF = 2
"""After so many questions without enough answers, answers are looked for on other ways (rule 7)."""


class Recovery:
    """Invariants: eras only rise, and an era that this node tells of is on its disk or on that of who told it.

    `nonce` names this incarnation, `nonces` the one in which each node began its era. `began` is called with a node
    that begins a new one: its earlier messages count no longer. `promises` and `votes` hold what was heard last.
    `sure` is called when this node's chain has been compared and it may vote; `marked` is the last block that it had.
    """

    def __init__(
        self,
        core: Core,
        timeouts: Timeouts,
        acceptor: Acceptor,
        learner: Learner,
        *,
        routes: Routes,
        chain: Chain,
        marked: Slot,
        nonce: int,
        nonces: Mapping[NodeId, int],
        began: Iterable[Callable[[NodeId], None]],
        sure: Callable[[], None],
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.routes = routes
        self.chain = chain
        self.marked = marked
        self.proof: ChainProof  # From `start` on.
        self.nonce = nonce
        self.nonces: dict[NodeId, int] = dict(nonces)
        self.promises: dict[NodeId, Ballot] = {}
        self.votes: dict[NodeId, Accepted] = {}
        self.answers: dict[NodeId, Memory] = {}
        self.answered: dict[NodeId, None] = {}  # Who has answered, with amnesia or without.
        self.asking = False
        self._forgetful_ms: dict[NodeId, int] = {}  # When nodes with amnesia last said so.
        self._recorded = core.eras  # The eras that this node's own journal holds.
        self._era = 0
        self._tries = 0
        self._began = tuple(began)
        self._sure = sure

    # Asking

    def start(self, *, new: bool) -> None:
        """Start an incarnation: ask the others, unless this node has no past at all."""
        self.proof = ChainProof(self.core, self.chain, self.learner.decided, new=new)
        self.learner.serves = self.proof.believed
        if self.core.amnesia:
            self.begin_era()
        elif not new and self.core.others:
            self._ask_all()

    @rule("17")
    def begin_era(self) -> None:
        """Begin a new era, in which this node votes only once it has recovered."""
        self._era = era_of(self.core.eras, self.core.me) + 1
        self.core.note("amnesia", f"node {self.core.me} does not vote: {self.core.amnesia}")
        self._ask_all()

    @rule("17")
    def lose(self, why: str) -> None:
        """What a peer heard from this node is not in its memory: it has amnesia from now on, also after a restart."""
        core = self.core
        core.effects = [effect for effect in core.effects if not _is_vote(effect)]  # It answers nobody any more.
        core.amnesia = why
        core.persist(AmnesiaRecord(why))
        self.begin_era()

    def alarm(self) -> None:
        """The RECOVERY timer fired: ask those again that have not answered, or answered without a memory."""
        if not (self.asking or self.wants_words):
            return
        was_unsure = self.core.unsure
        self.proof.stop_waiting()
        if was_unsure:
            self._sure()
        self.learner.serves = self.proof.believed
        silent = (node for node in self.core.others if node not in self.answers or node not in self.proof.words)
        self._ask(tuple(silent))

    @property
    def wants_words(self) -> bool:
        """True while others have not yet said enough of the blocks that this node has read."""
        return not self.proof.settled

    @property
    def waits_for_others(self) -> bool:
        """True when too few answer: a link may be cut, and there may be another way."""
        if self._tries < TRIES_UNTIL_CUT_OFF:
            return False
        return not self.proof.believed or (bool(self.core.amnesia) and len(self.answers) < self.needed())

    def _ask_all(self) -> None:
        self.asking = True
        self.answers.clear()
        self.answered.clear()
        self._tries = 0
        self._ask(self.core.others)

    def _ask(self, nodes: tuple[NodeId, ...]) -> None:
        core = self.core
        if nodes:
            lost = bool(core.amnesia)
            era = self._era if lost else era_of(core.eras, core.me)
            question = AskMemory(
                sender=core.me, era=era, nonce=self.nonce, lost=lost, stamp=core.now, decided=self.proof.height
            )
            for node in nodes:
                self.routes.send_durable(node, question)
        delay_ms = self.timeouts.again_ms(self._tries) << 1
        self._tries = min(self._tries + 1, 2)
        core.set_timer(Timer.RECOVERY, delay_ms, 2 * delay_ms)

    # Answering

    @rule("17")
    def asked(self, message: AskMemory) -> None:
        """A peer has started: remember its new era before it may rely on that, and tell it what this node knows."""
        core, sender = self.core, message.sender
        if message.lost:
            self._forgetful_ms[sender] = core.now
        else:
            self._forgetful_ms.pop(sender, None)
        era = self.remember(message)
        vote = self.votes.get(sender)
        whole = not core.amnesia and era == message.era
        end = min(self.chain.height, message.decided)
        beyond = sorted(slot for slot in self.acceptor.accepted if end < slot <= message.decided)[:MOST_VOTES]
        self.routes.send_durable(
            sender,
            Memory(
                sender=core.me,
                era=era,
                nonce=message.nonce,
                stamp=message.stamp,
                eras=core.eras,
                whole=whole,
                promised=self.acceptor.promised,
                last_slot=max(self.acceptor.accepted, default=0),
                decided=self.learner.decided,
                heard_promise=self.promises.get(sender, NO_BALLOT),
                heard_vote=vote.ballot if vote is not None else NO_BALLOT,
                heard_slot=vote.last_slot if vote is not None else 0,
                block=(end, self.chain.block(end) if end else ""),
                votes=tuple([(slot, self.chain.digest(self.acceptor.accepted[slot].value)) for slot in beyond]),
                known=max(self.learner.decided, self.marked),
            ),
        )

    @rule("17")
    def remember(self, message: AskMemory) -> int:
        """Remember the era that a peer begins, and return it; or one above, if that era is not its own.

        An era that this node knows by hearsay is not in its journal yet, and a restart would forget it.
        """
        core, sender, era = self.core, message.sender, message.era
        known = era_of(core.eras, sender)
        if message.lost and era <= known and (era < known or self.nonces.get(sender, 0) != message.nonce):
            return known + 1  # Another incarnation has begun that era, or a later one.
        if era > era_of(self._recorded, sender):
            self.nonces[sender] = message.nonce
            core.persist(EraRecord(sender, era, message.nonce))
            self._recorded = with_era(self._recorded, sender, era)
            self._see(with_era(core.eras, sender, era))
        return era

    # The answers

    @rule("17")
    def answer(self, message: Memory) -> bool:
        """Take an answer. True when it shows that this node, which voted until now, has lost a part of its memory."""
        if message.nonce != self.nonce or not (self.asking or self.wants_words):
            return False
        core = self.core
        if self._is_disproved(message):
            return False
        self.timeouts.measured(message.sender, message.stamp)
        self.learner.want(message.decided, message.sender)
        self.answered[message.sender] = None
        if not core.amnesia:
            why = self.missing(message)
            if why:
                self.lose(why)
                return True
            if message.whole:
                self.answers[message.sender] = message
            self.asking = len(self.answers) < self.needed()
            if not self.asking:
                self._check_promise()
            return False
        self._see(message.eras)
        known = era_of(core.eras, core.me)
        wanted = max(message.era, known + 1 if known > self._era else 0)
        if wanted > self._era:
            self._era = wanted
            self._ask_all()
            return False
        if message.whole and message.era == self._era:
            self.answers[message.sender] = message
            self._drop_old_answers()
        self.recover_if_safe()
        return False

    @rule("16")
    def _is_disproved(self, message: Memory) -> bool:
        """Take the word of a peer on this chain: what was never decided goes, and this node's votes count no more."""
        core, proof, was_unsure = self.core, self.proof, self.core.unsure
        false = proof.take(message)
        if false:
            nodes = proof.deniers(false)
            names = f"{', '.join(map(str, nodes[:-1]))} and {nodes[-1]}" if len(nodes) > 1 else str(nodes[0])
            do = "do" if len(nodes) > 1 else "does"
            core.effects = [effect for effect in core.effects if not _is_vote(effect)]
            why = f"node{'s' * (len(nodes) > 1)} {names} {do} not have it, so it was never decided"
            core.effects.append(Disbelieve(false, why))
            return True
        self.learner.serves = proof.believed
        if was_unsure and not core.unsure:
            self._sure()
        return False

    @rule("16")
    def _check_promise(self) -> None:
        """A promise so far above those of a majority of the others was never given: the journal was forged."""
        core, promised = self.core, self.acceptor.promised
        highest = max(answer.promised for answer in self.answers.values())
        if promised.jumps(highest):
            core.effects = [effect for effect in core.effects if not _is_vote(effect)]
            why = f"it promises ballot {promised}, and no other node is farther than {highest}"
            core.effects.append(Disbelieve(0, why))

    @rule("17")
    def missing(self, message: Memory) -> str:
        """What a peer heard from this node and its memory does not hold, or an empty text."""
        acceptor, slot, source = self.acceptor, message.heard_slot, message.sender
        if message.heard_promise > acceptor.promised:
            return f"node {source} heard it promise ballot {message.heard_promise}, and it knows nothing of that"
        opened = message.promised
        if opened.owner == self.core.me and opened > acceptor.promised and not opened.jumps(acceptor.promised):
            return f"node {source} promised its ballot {message.promised}, and it knows nothing of having opened it"
        vote = acceptor.accepted.get(slot)
        if slot > self.learner.decided and (vote is None or vote.ballot < message.heard_vote):
            return f"node {source} heard its vote for slot {slot} at ballot {message.heard_vote}, and it has none"
        return ""

    @rule("17")
    def forgetful(self) -> tuple[NodeId, ...]:
        """The nodes with amnesia, if they are so many that no majority can vote any more; else none."""
        core, within_ms = self.core, self.timeouts.no_majority_ms()
        nodes = [node for node, at_ms in self._forgetful_ms.items() if core.now - at_ms < within_ms]
        nodes += [core.me] if core.amnesia else []
        return () if core.quorums.is_majority(core.quorums.size - len(nodes)) else tuple(sorted(nodes))

    def needed(self) -> int:
        """How many other nodes must answer: so many that any two such sets, and any quorum, have one in common."""
        quorums = self.core.quorums
        return min(max(quorums.majority, quorums.size - min(quorums.prepare, quorums.accept) + 1), quorums.size - 1)

    @rule("17")
    def enough_answers(self) -> bool:
        """True when every quorum that this node may have been part of has a member among those that answered."""
        return 0 < self.needed() <= len(self.answers)

    def last_slot(self) -> int:
        """The last slot in which this node may have voted, as far as it matters to anybody."""
        lasts = sorted(max(answer.last_slot, answer.decided) for answer in self.answers.values())
        return lasts[min(self.needed(), len(lasts)) - 1] if lasts else 0  # Of the fewest that are enough.

    def floor(self) -> Ballot:
        """A promise that covers every one which this node may have given, as far as it matters to anybody."""
        promises = sorted(answer.promised for answer in self.answers.values())
        believed = [ballot for ballot in (self.acceptor.promised, *promises) if not ballot.jumps(promises[0])]
        return max(believed)

    @rule("17")
    def recover_if_safe(self) -> None:
        """Vote again once enough others have answered and every slot that they voted in is decided here."""
        core = self.core
        if not core.amnesia or core.unsure or not self.enough_answers() or self.learner.decided < self.last_slot():
            return
        self.acceptor.promised = floor = self.floor()
        eras = with_era(core.eras, core.me, self._era)
        core.persist(RecoveredRecord(floor, eras))
        core.note(
            "recovered", f"node {core.me} votes again: it promises {floor} and knows {self.learner.decided} blocks"
        )
        core.amnesia, core.eras, self.asking = "", eras, False

    def records(self) -> list[JournalRecord]:
        """The records of this role that a journal which is written anew must keep."""
        core = self.core
        records: list[JournalRecord] = [
            EraRecord(node, era, self.nonces.get(node, 0)) for node, era in enumerate(core.eras, 1) if era
        ]
        return [*records, AmnesiaRecord(core.amnesia)] if core.amnesia else records

    # Eras

    @rule("17")
    def admits(self, message: Promise | Accepted) -> bool:
        """True unless `message` comes from an older era of its sender; learn from it who has begun a new one."""
        self._see(message.eras)
        return era_of(message.eras, message.sender) >= era_of(self.core.eras, message.sender)

    def _see(self, eras: Eras) -> None:
        """Take over later eras, and let nothing count that was said in older ones."""
        core = self.core
        known = core.eras
        seen = newest(known, eras)
        if seen == known:
            return
        core.eras = seen
        for node in core.others:
            if era_of(seen, node) > era_of(known, node):
                self.promises.pop(node, None)
                self.votes.pop(node, None)
                for forget in self._began:
                    forget(node)
        self._drop_old_answers()

    def _drop_old_answers(self) -> None:
        for node, answer in list(self.answers.items()):
            if era_of(answer.eras, node) < era_of(self.core.eras, node):
                del self.answers[node]


def _is_vote(effect: Effect) -> bool:
    return isinstance(effect, Send) and isinstance(effect.message, Promise | Accepted)
