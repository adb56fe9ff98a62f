"""The records of the journal, in order of writing: what an acceptor must not forget.

The state after a restart is the fold of all records: the highest promise, and for each slot the vote of the
highest ballot (Lamport 2001, §2.5: "stable storage").
"""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot, Slot
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


JournalRecord = PromiseRecord | OpenedRecord | AcceptedRecord
