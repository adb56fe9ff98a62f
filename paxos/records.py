"""What an acceptor must not forget: the records of the journal, in the order in which they were written.

The state after a restart is the fold of all records: the highest promise, and for each slot the vote of the
highest ballot (Lamport 2001, §2.5: "stable storage").
"""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot, Slot
from paxos.messages import Value


class PromiseRecord(msgspec.Struct, frozen=True, gc=False):
    """No ballot below this one will be answered any more."""

    ballot: Ballot


class OpenedRecord(msgspec.Struct, frozen=True, gc=False):
    """This node has bid with this ballot and never opens it again. It is a promise to itself too."""

    ballot: Ballot


class AcceptedRecord(msgspec.Struct, frozen=True, gc=False):
    """A vote. It is a promise of `ballot` too."""

    ballot: Ballot
    slot: Slot
    value: Value


JournalRecord = PromiseRecord | OpenedRecord | AcceptedRecord
