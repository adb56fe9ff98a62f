"""The records of the journal, in order of writing: what an acceptor must not forget.

The state after a restart is the fold of all records: the highest promise, and for each slot the vote of the
highest ballot (Lamport 2001, §2.5: "stable storage").
"""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot, NodeId, Slot
from paxos.eras import Eras
from paxos.messages import Value


class PromiseRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="promise"):
    """A promise: no lower ballot is accepted any more."""

    ballot: Ballot


class OpenedRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="opened"):
    """This node has opened this ballot and never opens it again. It is a promise too."""

    ballot: Ballot


class AcceptedRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="accepted"):
    """A vote. It is a promise of `ballot` too."""

    ballot: Ballot
    slot: Slot
    value: Value


class EraRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="era"):
    """`node` is in `era` now, which its incarnation `nonce` began: what it said in older ones is void (see `eras`)."""

    node: NodeId
    era: int
    nonce: int


class AmnesiaRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="amnesia"):
    """This node has lost promises or votes, and `why`. It votes no more until a `RecoveredRecord`."""

    why: str


class RecoveredRecord(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="recovered"):
    """This node votes again. `ballot` is a promise that covers all that were lost; `eras` are those it knows."""

    ballot: Ballot
    eras: Eras


BallotRecord = PromiseRecord | OpenedRecord | AcceptedRecord
JournalRecord = BallotRecord | EraRecord | AmnesiaRecord | RecoveredRecord
