"""The rules of acceptors: promises never decrease, votes respect them, and records are synced before messages leave.

Covers the invariants *promise* and *durability* on the synced journals (`oracle`). A PROMISE must report every vote
that may belong to a chosen value (Lamport 2001, §2.2, phase 1b). An ACCEPTED must follow its synced record. Whether a
vote is one that was given is judged in `vote_rules`.
"""

from __future__ import annotations

from paxos.ballot import Ballot, NodeId, Slot
from paxos.eras import era_of, newest, with_era
from paxos.messages import Acceptance, Accepted, Memory, Promise
from paxos.records import AcceptedRecord, AmnesiaRecord, EraRecord, OpenedRecord, RecoveredRecord
from simulator.checks.first_wrong import KEPT, StepKind
from simulator.checks.oracle import VOTES_REPLACED, NodeFacts, Oracle, SlotFacts, Vote
from simulator.checks.vote_rules import VoteRules
from simulator.node.storage.storage import Recovered
from simulator.trace.events import JournalSynced, MessageSent, RecordsAppended


class AcceptorRules:
    """Checks what nodes append, sync, recover and send as acceptors."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self._votes = VoteRules(oracle)

    def recorded(self, event: RecordsAppended) -> None:
        """The node appended records, which are not synced yet."""
        oracle, at_ms, node = self._oracle, event.at_ms, event.node
        acceptor = oracle.nodes[node]
        for record in event.records:
            if type(record) is AcceptedRecord:
                ballot, number = record.ballot, record.slot
                if acceptor.amnesia:
                    what = f"votes at ballot {ballot} for slot {number}"
                    self._voted_with_amnesia(at_ms, node, what, "vote", ballot=ballot, slot=number)
                slot = oracle.slots.get(number) or oracle.slot(number)
                vote = slot.votes.get(ballot)
                if vote is None or vote.value is not record.value or not vote.reached & acceptor.bit:
                    vote = self._votes.stored(at_ms, acceptor, slot, ballot, record.value)
                    if vote is None:
                        continue
                if ballot < acceptor.promised:
                    vote.late |= acceptor.bit
                    self._note_late(at_ms, acceptor, slot, ballot)
                    oracle.sometimes["late votes stored"] += 1
                    continue
                if len(slot.votes) > 1 and slot.replaces(vote, acceptor.bit):
                    oracle.sometimes[VOTES_REPLACED] += 1
                acceptor.promised = ballot
                acceptor.pending.append((slot, ballot, vote, acceptor.eras))
                acceptor.highest_vote = max(acceptor.highest_vote, number)
                continue
            if isinstance(record, EraRecord | AmnesiaRecord | RecoveredRecord):
                self._note_memory(at_ms, acceptor, record)
                continue
            ballot = record.ballot
            if acceptor.amnesia:
                self._voted_with_amnesia(at_ms, node, f"promises ballot {ballot}", "promise", ballot=ballot)
            opens = type(record) is OpenedRecord
            kind: StepKind = "ballot" if opens else "promise"
            if ballot < acceptor.promised:
                why = f"node {node} promised {acceptor.promised} and now promises {ballot}"
                oracle.violated("promise", why, at_ms, node, ballot=ballot, step=kind, rule="3")
            if opens and oracle.campaign(ballot).incarnation:
                why = f"node {node} opens ballot {ballot} again"
                oracle.violated("one-leader-per-ballot", why, at_ms, node, ballot=ballot, step="ballot", rule=KEPT)
            acceptor.promised = max(acceptor.promised, ballot)
            acceptor.pending_ballots.append((ballot, opens))

    def synced(self, event: JournalSynced) -> None:
        """The node synced all records that it had appended: the votes among them count from now on."""
        oracle, acceptor = self._oracle, self._oracle.nodes[event.node]
        bit, quorum = acceptor.bit, oracle.accept_quorum
        if acceptor.safe_eras != acceptor.eras:
            oracle.remember(acceptor)
        if acceptor.doubtful:  # This sync has made durable what a restart had found.
            acceptor.doubtful = {name: step for name, step in acceptor.doubtful.items() if step.kind == "vote"}
        if acceptor.pending_ballots:
            self._sync_ballots(acceptor)
        if acceptor.pending:
            noted = None
            for slot, ballot, vote, eras in acceptor.pending:
                vote.voters |= bit
                if eras:
                    vote.eras[event.node] = eras
                if ballot is not noted:  # A vote is a record of its ballot, also when a higher promise came with it.
                    noted = ballot
                    oracle.campaign(ballot).safe |= bit
                    acceptor.safe = max(acceptor.safe, ballot)
                if vote.voters.bit_count() == quorum if not vote.forgotten else vote.has_quorum(quorum, oracle.nodes):
                    oracle.choose(slot, ballot, vote, event.at_ms)
            acceptor.pending.clear()

    def _sync_ballots(self, acceptor: NodeFacts) -> None:
        for ballot, opens in acceptor.pending_ballots:
            campaign = self._oracle.campaign(ballot)
            campaign.safe |= acceptor.bit
            acceptor.safe = max(acceptor.safe, ballot)
            if opens:
                campaign.incarnation = campaign.incarnation or acceptor.incarnation
                acceptor.opened = max(acceptor.opened, ballot)
        acceptor.pending_ballots.clear()

    def ended(self, node: NodeId) -> None:
        """An incarnation ended: records that were not synced may be lost."""
        acceptor = self._oracle.nodes[node]
        acceptor.pending.clear()
        acceptor.pending_ballots.clear()
        acceptor.promised = acceptor.safe
        acceptor.eras = acceptor.safe_eras

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """An incarnation began: no synced record may be missing; unsynced records that survived are durable now.

        If the node's files were damaged on purpose, what it recovers is not checked. Its messages still are: they must
        respect the promises and votes that it lost.
        """
        oracle, acceptor = self._oracle, self._oracle.nodes[node]
        self.ended(node)
        acceptor.incarnation += 1
        acceptor.eras = recovered.eras
        oracle.remember(acceptor)  # Records that were not synced may have survived.
        self._judge_memory(at_ms, acceptor, recovered)
        trusted = acceptor.incarnation == 1 or acceptor.damaged
        acceptor.damaged = False
        safe = acceptor.safe
        acceptor.safe = acceptor.promised = max(acceptor.safe, recovered.promised)
        oracle.campaign(recovered.promised).safe |= acceptor.bit
        if recovered.opened.owner == node:
            acceptor.opened = max(acceptor.opened, recovered.opened)
            campaign = oracle.campaign(recovered.opened)
            campaign.incarnation = campaign.incarnation or -1
        for number, acceptance in recovered.accepted.items():
            slot = oracle.slot(number)
            if trusted:
                vote: Vote | None = oracle.vote(slot, acceptance.ballot, acceptance.value, at_ms, node)
            else:
                vote = self._votes.found(at_ms, acceptor, slot, acceptance)
            acceptor.highest_vote = max(acceptor.highest_vote, number)
            if vote is not None and recovered.eras:
                vote.eras[node] = recovered.eras
            if vote is None or (vote.voters | vote.late) & acceptor.bit:
                continue
            if acceptance.ballot < safe:
                vote.late |= acceptor.bit  # Stored below its promise, just before the last incarnation ended.
            else:
                vote.voters |= acceptor.bit
                if not trusted:
                    self._note_believed(at_ms, acceptor, acceptance)
                if vote.has_quorum(oracle.accept_quorum, oracle.nodes):
                    oracle.choose(slot, acceptance.ballot, vote, at_ms)
        if recovered.damaged:
            oracle.sometimes["damaged files set aside"] += 1
        for note in recovered.notes:
            oracle.sometimes["torn tails" if "torn" in note else "mended files"] += 1

    def _judge_memory(self, at_ms: int, acceptor: NodeFacts, recovered: Recovered) -> None:
        """What was synced must be there, unless the node says that something is lost, or its files were harmed."""
        if recovered.lost:
            if not acceptor.amnesia or acceptor.damaged:
                self._oracle.forget(acceptor)
            acceptor.read_height = 0
        elif acceptor.incarnation > 1 and not acceptor.damaged:
            self._check_recovery(at_ms, acceptor, recovered)
        elif acceptor.damaged:
            acceptor.read_height = 0

    def _note_memory(
        self, at_ms: int, acceptor: NodeFacts, record: EraRecord | AmnesiaRecord | RecoveredRecord
    ) -> None:
        """The node noted what concerns rule 17: it, or another node, has lost its memory or has recovered."""
        oracle = self._oracle
        match record:
            case EraRecord(node, era):
                acceptor.eras = newest(acceptor.eras, with_era(acceptor.eras, node, era))
            case AmnesiaRecord():
                oracle.forget(acceptor)
                oracle.sometimes["losses told by peers"] += 1
            case RecoveredRecord(ballot, eras):
                self._check_proof(at_ms, acceptor, era_of(eras, acceptor.node))
                acceptor.amnesia = False
                acceptor.eras = newest(acceptor.eras, eras)
                acceptor.promised = max(acceptor.promised, ballot)
                acceptor.pending_ballots.append((ballot, False))
                oracle.sometimes["memories recovered"] += 1

    def _check_proof(self, at_ms: int, acceptor: NodeFacts, era: int) -> None:
        """Of the other nodes a majority must have synced that this node begins `era`."""
        oracle, me = self._oracle, acceptor.node
        needed = min(len(oracle.nodes) // 2 + 1, len(oracle.nodes) - 1)
        remember = oracle.remembered.get((me, era), 0).bit_count()
        if not needed or remember < needed:
            why = f"node {me} votes again in era {era}, and {remember} others were told of it, of the {needed} needed"
            oracle.violated("amnesia", why, at_ms, me, step="restart", rule="17")

    def _voted_with_amnesia(
        self, at_ms: int, node: NodeId, what: str, kind: StepKind, *, ballot: Ballot, slot: Slot = 0
    ) -> None:
        why = f"node {node} has lost its memory and {what}"
        self._oracle.violated("amnesia", why, at_ms, node, slot=slot, ballot=ballot, step=kind, rule="17")

    def _note_late(self, at_ms: int, acceptor: NodeFacts, slot: SlotFacts, ballot: Ballot) -> None:
        """A vote below the promise is harmless as long as nobody counts it and no other vote is lost for it."""
        me, number = acceptor.node, slot.number
        what = f"node {me} votes at ballot {ballot} for slot {number}, below its promise {acceptor.promised}"
        step = self._oracle.step("vote", what, at_ms, me, rule="9", slot=number, ballot=ballot)
        acceptor.doubtful[number, ballot] = step

    def _note_believed(self, at_ms: int, acceptor: NodeFacts, found: Acceptance) -> None:
        """A vote that a restart found, and no sync was seen of, is harmless unless a crash can still take it."""
        me, slot, ballot = acceptor.node, found.slot, found.ballot
        what = f"node {me} comes back with a vote at ballot {ballot} for slot {slot}, believes it and does not sync it"
        step = self._oracle.step("missing record", what, at_ms, me, rule=KEPT, slot=slot, ballot=ballot)
        acceptor.doubtful[slot, ballot] = step

    def _check_recovery(self, at_ms: int, acceptor: NodeFacts, recovered: Recovered) -> None:
        oracle, node = self._oracle, acceptor.node
        if recovered.promised < acceptor.safe:
            why = f"node {node} had promised {acceptor.safe} and remembers {recovered.promised}"
            oracle.violated("promise", why, at_ms, node, ballot=acceptor.safe, step="restart", rule="15")
        if recovered.opened < acceptor.opened:
            why = f"node {node} had opened ballot {acceptor.opened} and remembers {recovered.opened}"
            oracle.violated(
                "one-leader-per-ballot", why, at_ms, node, ballot=acceptor.opened, step="restart", rule="15"
            )
        for number in oracle.known_slots(max(recovered.height, oracle.forgotten) + 1, acceptor.highest_vote):
            slot = oracle.slots.get(number)
            best = None
            if slot is not None:
                best = max((ballot for ballot, vote in slot.votes.items() if vote.voters & acceptor.bit), default=None)
            kept = recovered.accepted.get(number)
            if best is not None and (kept is None or kept.ballot < best):
                earlier = acceptor.doubtful.get((number, best))
                why = f"node {node} forgot its synced vote at ballot {best} for slot {number}"
                oracle.violated(
                    "durability", why, at_ms, node, slot=number, ballot=best, earlier=earlier, step="restart", rule="15"
                )

    def memory_sent(self, event: MessageSent) -> None:
        """MEMORY was sent. If it counts (`whole`), the sender has synced that the asker begins this era."""
        oracle, node, asker, message = self._oracle, event.node, event.to[0], event.message
        assert isinstance(message, Memory)
        if message.whole and message.era > era_of(oracle.nodes[node].safe_eras, asker):
            why = f"node {node} says that it remembers era {message.era} of node {asker}, without a synced record of it"
            oracle.violated("amnesia", why, event.at_ms, node, asker, step="missing record", rule="17")

    def accepted_sent(self, at_ms: int, node: NodeId, message: Accepted) -> None:
        """ACCEPTED was sent: each of its slots needs a synced vote that respects the promise."""
        oracle, bit, ballot = self._oracle, self._oracle.nodes[node].bit, message.ballot
        if oracle.nodes[node].amnesia:
            self._voted_with_amnesia(at_ms, node, f"says ACCEPTED at ballot {ballot}", "vote", ballot=ballot)
        for number in range(max(message.first_slot, oracle.forgotten + 1), message.last_slot + 1):
            slot = oracle.slots.get(number)
            vote = None if slot is None else slot.votes.get(ballot)
            if vote is None or not vote.voters & bit:
                rule, earlier = KEPT, None
                if vote is not None and vote.late & bit:
                    why = f"node {node} says ACCEPTED at ballot {ballot} for slot {number}, below its promise"
                    earlier = oracle.nodes[node].doubtful.get((number, ballot))
                else:
                    why = f"node {node} says ACCEPTED at ballot {ballot} for slot {number} without a synced vote for it"
                if ballot < oracle.nodes[node].safe:
                    rule = "9"
                oracle.violated(
                    "promise", why, at_ms, node, slot=number, upto=message.last_slot, ballot=ballot, earlier=earlier,
                    step="missing record", rule=rule,
                )  # fmt: skip
                return  # A range of a billion slots would only say the same again.

    def promise_sent(self, at_ms: int, node: NodeId, message: Promise) -> None:
        """PROMISE was sent: it is synced, and reports each vote below its ballot and each decided slot asked for."""
        oracle, acceptor, ballot = self._oracle, self._oracle.nodes[node], message.ballot
        campaign = oracle.campaign(ballot)
        if acceptor.amnesia:
            self._voted_with_amnesia(at_ms, node, f"says PROMISE {ballot}", "promise", ballot=ballot)
        if not campaign.safe & acceptor.bit:
            why = f"node {node} says PROMISE {ballot} without a synced record of it"
            oracle.violated("promise", why, at_ms, node, ballot.owner, ballot=ballot, step="missing record", rule=KEPT)
        reported = {vote.slot: vote.ballot for vote in message.accepted}
        incarnation, height = campaign.asked_heights.get(node, (0, 0))
        if incarnation != acceptor.incarnation:
            height = 0
        first = max(message.decided + 1, campaign.first_slot, oracle.forgotten + 1)
        for number in range(first, height + 1):
            if number not in reported:
                self._report_hidden(at_ms, node, message, number, "that it has applied it")
                return
        for number in oracle.known_slots(first, max(acceptor.highest_vote, height)):
            ballot_reported = reported.get(number)
            slot = oracle.slots.get(number)
            best = None if slot is None else slot.best_below(ballot, acceptor.bit)
            if best is not None and (ballot_reported is None or ballot_reported < best):
                self._report_hidden(at_ms, node, message, number, f"its vote at ballot {best}")
                return
        self._votes.reported(at_ms, acceptor, message)

    def _report_hidden(self, at_ms: int, node: NodeId, message: Promise, number: Slot, what: str) -> None:
        """A late vote of a lower ballot that the PROMISE reports in its place was the first step to it."""
        ballot = message.ballot
        instead = next((vote.ballot for vote in message.accepted if vote.slot == number), None)
        acceptor = self._oracle.nodes[node]
        why = f"PROMISE {ballot} of node {node} hides, for slot {number}, {what}"
        self._oracle.violated(
            "promise", why, at_ms, node, ballot.owner, slot=number, upto=acceptor.highest_vote, ballot=ballot,
            earlier=None if instead is None else acceptor.doubtful.get((number, instead)), step="promise", rule="3",
        )  # fmt: skip
