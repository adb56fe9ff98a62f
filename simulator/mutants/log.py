"""Mutants of the log: recovery, gaps, decisions, application and the client table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import Enum
from functools import partial

import msgspec

from blog.blog import Outcome
from chain.block import hash_of
from chain.blockchain import Blockchain, Miner
from chain.mining import mine, passes
from paxos.acceptor import Acceptor
from paxos.ballot import NodeId, Slot
from paxos.effects import Send
from paxos.learner import Learner
from paxos.messages import Accept, Accepted, AnyMessage, RequestId, Value
from paxos.proposer import Proposer
from paxos.records import AcceptedRecord, JournalRecord
from simulator.mutants.registry import mutant
from simulator.node.catchup import BlockTransfer
from simulator.node.client_table import ClientTable
from simulator.node.codec import block_line, operation_text, operations_text, parse_operation, parse_operations
from simulator.node.group_commit import GroupCommit
from simulator.node.host import Host
from simulator.node.node import Node
from simulator.node.pending_requests import PendingRequests
from simulator.node.probe import Probe
from simulator.node.state_machine import StateMachine
from simulator.node.storage.blog_file import BLOG
from simulator.node.storage.storage import Storage
from simulator.settings import Settings

ONCE = "rule 14 and the invariant Once: a request decided twice takes effect once and gets its first answer"
SAME = "the chain: the block around a value is computed in the same way by every node"


@mutant(
    "promise-hides-decided",
    "S",
    wrong="a PROMISE leaves out what is decided already",
    forbidden_by="rule 3: what it has already decided it reports as decided, compacted or not",
    expects="promise proposal agreement",
)
class PromiseHidesDecided(Acceptor):
    """See its entry."""

    def reported_prefix(self, decided: Slot) -> Slot:
        """Report no prefix."""
        return 0


@mutant(
    "own-log-only",
    "S",
    wrong="a new leader recovers from its own log alone",
    forbidden_by="rule 4: for each open slot the value of the highest ballot reported, by whomever",
    expects="proposal agreement",
)
class OwnLogOnly(Proposer):
    """See its entry."""

    def recover(self) -> None:
        """Recover from this node's log alone, as Raft does, but without Raft's vote rule."""
        self._reported = {slot: [vote] for slot, vote in self.acceptor.accepted.items()}
        super().recover()


@mutant(
    "commit-by-index",
    "S",
    wrong="a decided prefix makes a follower apply whatever it accepted there, at whatever ballot",
    forbidden_by="rule 12: a decided prefix sent at ballot b covers only what was accepted at b",
    expects="agreement decision chain",
)
class CommitByIndex(Learner):
    """See its entry."""

    def proved_by_prefix(self, slot: Slot) -> bool:
        """Take any vote in a decided slot for the decided value."""
        return slot <= self._prefix_end and slot in self.acceptor.accepted


@mutant(
    "holes-stay",
    "L",
    wrong="gaps found at a change of leader are not filled",
    forbidden_by="rule 4: the no-op in gaps",
    expects="progress convergence",
)
class HolesStay(Proposer):
    """See its entry."""

    def slots_to_recover(self, first: Slot, last: Slot) -> list[Slot]:
        """Skip slots that no promise reported."""
        return [slot for slot in super().slots_to_recover(first, last) if self.votes_for(slot)]


@mutant(
    "acknowledge-past-a-gap",
    "S D",
    wrong="'accepted up to n' is said with a gap below n",
    forbidden_by="messages: ACCEPTED says exactly which slots; rule 10",
    expects="promise decision durability",
)
class AcknowledgePastAGap(Acceptor):
    """See its entry."""

    def acknowledge(self, message: Accept, last_slot: Slot) -> None:
        """Acknowledge every slot up to the last one."""
        everything = Accepted(sender=self.core.me, ballot=message.ballot, first_slot=1, last_slot=last_slot)
        self.core.send((message.sender,), everything)


@mutant(
    "catch-up-ships-tentative",
    "S",
    wrong="catch-up hands over accepted entries as decided",
    forbidden_by="rule 12: a follower asks for decided slots and gets what is on the chain",
    expects="decision agreement chain",
)
class CatchUpShipsTentative(BlockTransfer):
    """See its entry."""

    def lines_to_serve(self, first: Slot, last: Slot) -> list[str]:
        """The chain, and blocks made of the votes that would come next."""
        lines = super().lines_to_serve(first, last)
        if last == self.state_machine.height:
            chain = Blockchain(self.state_machine.chain.difficulty, height=last, tip=self.state_machine.chain.tip)
            votes = self.replica.votes()
            while (vote := votes.get(chain.height + 1)) is not None:
                lines.append(block_line(chain.extend(operations_text(vote.value))))
        return lines


class DeliverAsItComes(Node):
    """Extends the chain by whatever is delivered."""

    def _expect_next(self, slot: Slot, height: int) -> None:
        """Do not check the slot."""


@mutant(
    "apply-past-a-gap",
    "S",
    wrong="decided slots are applied as they come",
    forbidden_by="rule 11: decided slots are applied in order",
    expects="agreement decision chain",
    also=(DeliverAsItComes,),
)
class ApplyPastAGap(Learner):
    """See its entry."""

    def next_to_deliver(self) -> Slot | None:
        """Deliver the lowest known slot, even after a gap."""
        in_order = super().next_to_deliver()
        return in_order if in_order is not None else min(self.chosen, default=None)


class EnqueueAgain(Proposer):
    """Gives a retry another slot."""

    def is_placed(self, name: RequestId) -> bool:
        """Never find a slot."""
        return False


class CarelessTable(ClientTable):
    """Takes every request for a new one."""

    def claim(self, client: str, seq: int, slot: Slot) -> bool:
        """Fill the table as usual."""
        super().claim(client, seq, slot)
        return True


@mutant(
    "no-dedupe",
    "E",
    wrong="a retried request is applied again",
    forbidden_by=ONCE,
    expects="once blog durability linearizability",
    also=(EnqueueAgain,),
)
class NoDedupe(StateMachine):
    """See its entry."""

    client_table_type = CarelessTable


@mutant(
    "dedupe-forgotten",
    "E",
    wrong="what was answered is not part of what is recovered",
    forbidden_by=ONCE,
    expects="once blog durability linearizability",
)
class DedupeForgotten(StateMachine):
    """See its entry."""

    def begin(self, height: int, tip: str, newest: Iterable[str]) -> None:
        """Empty the client table after the replay."""
        super().begin(height, tip, newest)
        self.client_table = ClientTable()


class ForgetfulOutcomes(ClientTable):
    """Keeps the outcomes of writes that took effect, and no refusals."""

    def amend(self, client: str, seq: int, outcome: Enum) -> None:
        """Do not keep the refusal."""
        known = self._by_client[client]
        if known.last == seq:
            known.seqs.pop()
            known.codes.pop()
            known.last = known.seqs[-1] if known.seqs else -1
        else:
            del known.late[seq]


@mutant(
    "refusal-forgotten",
    "E R",
    wrong="refused writes are not remembered, a retry may succeed later",
    forbidden_by="rule 13: a refusal is part of the log, the same answer for every retry",
    expects="once blog linearizability",
)
class RefusalForgotten(StateMachine):
    """See its entry."""

    client_table_type = ForgetfulOutcomes


class NewestNumbers(ClientTable):
    """Keeps the newest number of each client in place of all numbers."""

    def claim(self, client: str, seq: int, slot: Slot) -> bool:
        """Take every lower number than the newest for one that was applied."""
        known = self._by_client.get(client)
        return (known is None or seq > known.last) and super().claim(client, seq, slot)


@mutant(
    "newest-number-only",
    "E D",
    wrong="a write with a lower number than its client's newest is taken for a retry",
    forbidden_by=ONCE,
    expects="blog durability linearizability",
)
class NewestNumberOnly(StateMachine):
    """See its entry."""

    client_table_type = NewestNumbers


@mutant(
    "answer-on-accept",
    "S D",
    wrong="the client is answered before the slot is chosen",
    forbidden_by="rule 11 and the invariant Durability: the leader answers what it has applied",
    expects="durability once linearizability",
)
class AnswerOnAccept(Node):
    """See its entry."""

    def _commit(self, records: list[JournalRecord], durable_sends: list[Send], now_ms: int) -> None:
        for record in records:
            if isinstance(record, AcceptedRecord) and record.ballot.owner == self.me:
                self._answer_already(record.slot, record.value)
        super()._commit(records, durable_sends, now_ms)

    def _answer_already(self, slot: Slot, value: Value) -> None:
        for request in value:
            if self.waiting.answer_write(request.id):
                self.pending_requests.answer(request.id, parse_operation(request.operation)[0], Outcome.OK, slot)


@mutant(
    "timeout-says-failed",
    "R",
    wrong="a time-out is reported as 'did not happen'",
    forbidden_by="words: what ends without a result has an unknown fate",
    expects="durability once linearizability",
)
class TimeoutSaysFailed(PendingRequests):
    """See its entry."""

    writes_end = False

    def give_up_writes(
        self, names: Iterable[RequestId], *, no_majority: bool, forgetful: Sequence[NodeId] = ()
    ) -> None:
        """Report the writes as refused."""
        self.writes_end = True
        super().give_up_writes(names, no_majority=no_majority, forgetful=forgetful)
        self.writes_end = False

    def unknown(self, *, no_majority: bool, forgetful: Sequence[NodeId] = ()) -> tuple[str, str]:
        """State that nothing happened."""
        kind, why = super().unknown(no_majority=no_majority, forgetful=forgetful)
        return ("refused" if self.writes_end else kind), why


def mine_from(start: int, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
    """The first nonce from `start` on that passes, and its hash."""
    nonce = start
    while not passes(digest := hash_of(prev_hash, text, nonce), difficulty):
        nonce += 1
    return nonce, digest


@mutant(
    "nonce-differs",
    "S",
    wrong="the nonce is searched from a start of one's own",
    forbidden_by=f"{SAME} (the nonce is the smallest that passes)",
    expects="chain agreement",
)
class NonceDiffers(Node):
    """See its entry."""

    def __init__(
        self,
        node_id: NodeId,
        settings: Settings,
        storage: Storage,
        host: Host,
        *,
        probe: Probe | None = None,
        miner: Miner = mine,
        nonce: int = 0,
    ) -> None:
        searches = partial(mine_from, 7_919 * node_id)
        super().__init__(node_id, settings, storage, host, probe=probe, miner=searches, nonce=nonce)


class StampingStateMachine(StateMachine):
    """Puts the time at which a node applies an operation into its block."""

    now_ms = 0

    def text_of(self, value: Value) -> str:
        """T with the time in every content."""
        stamped = []
        for request in value:
            operation, client, seq = parse_operation(request.operation)
            kind = type(operation)
            timed = kind(operation.username, operation.title, f"{operation.content} ({self.now_ms})")
            stamped.append(operation_text(timed, client, seq))
        return f"[{','.join(stamped)}]"


@mutant(
    "apply-reads-clock",
    "S",
    wrong="a block contains the local time",
    forbidden_by=f"{SAME}, from the decided log alone",
    expects="agreement chain validity",
    also=(StampingStateMachine,),
)
class ApplyReadsClock(Node):
    """See its entry."""

    def flush(self, now_ms: int) -> None:
        """Hand the time to the state machine."""
        if isinstance(self.state_machine, StampingStateMachine):
            self.state_machine.now_ms = now_ms
        super().flush(now_ms)


@mutant(
    "self-counted-early",
    "D",
    wrong="the leader counts its own acceptance before it is durable",
    forbidden_by="what is on disk before what is said: the leader's own included, before it counts itself",
    expects="decision durability promise",
)
class SelfCountedEarly(GroupCommit):
    """See its entry."""

    def commit(self, records: list[JournalRecord], durable_sends: list[Send]) -> list[AnyMessage]:
        """What only this node hears of need not wait for the disk, one would think."""
        others = [send for send in durable_sends if send.to != (self.me,)]
        if others:
            return super().commit(records, durable_sends)
        if records:
            self.record(records)
        return [send.message for send in durable_sends]


class BelievingStateMachine(StateMachine):
    """Applies the blocks that blog.txt has, and only notes the requests of later ones."""

    believed = 0

    def replay(self, first_height: int, texts: Sequence[bytes]) -> bytes:
        """Assume that blocks beyond blog.txt have been applied."""
        known = max(0, self.believed + 1 - first_height)
        lines = super().replay(first_height, texts[:known])
        for height, text in enumerate(texts[known:], first_height + known):
            for _, client, seq in parse_operations(text):
                self.client_table.claim(client, seq, height)
        return lines


@mutant(
    "batch-half-applied",
    "D E",
    wrong="a crash between the files of one slot leaves blog and chain apart, and the restart believes it",
    forbidden_by="the invariant Blog = replay of the chain, in memory and on disk",
    expects="blog once durability",
    also=(BelievingStateMachine,),
)
class BatchHalfApplied(Node):
    """See its entry."""

    def start(self, now_ms: int) -> None:
        """Read blog.txt first."""
        disk = self.storage._disk  # noqa: SLF001  A mutant reaches inside on purpose.
        lines = disk.read(BLOG).rpartition(b"\n")[0].splitlines() if disk.exists(BLOG) else []
        if lines and isinstance(self.state_machine, BelievingStateMachine):
            self.state_machine.believed = msgspec.json.decode(lines[-1])["height"]
        super().start(now_ms)
