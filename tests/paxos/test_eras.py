"""Eras of nodes that lost their memory (rule 17): what is written down before it is told."""

from __future__ import annotations

from paxos.messages import AskMemory, Memory, Promise
from paxos.records import EraRecord
from tests.paxos.one_replica import One, ballot, messages, records


def test_an_era_known_by_hearsay_is_recorded_before_it_is_told() -> None:
    """A promise names a later era of node 3. Node 3 relies on what its peers remember after a restart."""
    one = One()
    one.hear(Promise(sender=2, ballot=ballot(1, 2), accepted=(), decided=0, stamp=0, eras=(0, 0, 4)))

    effects = one.hear(AskMemory(sender=3, era=4, nonce=0, lost=True, stamp=1))

    assert records(effects) == [EraRecord(3, 4, 0)]
    assert [memory.era for memory in messages(effects, Memory)] == [4]


def test_an_era_that_another_incarnation_may_have_begun_is_not_confirmed() -> None:
    """Whose nonce this node does not know must begin a later one."""
    one = One()
    one.hear(Promise(sender=2, ballot=ballot(1, 2), accepted=(), decided=0, stamp=0, eras=(0, 0, 4)))

    effects = one.hear(AskMemory(sender=3, era=4, nonce=7, lost=True, stamp=1))

    assert not records(effects)
    assert [memory.era for memory in messages(effects, Memory)] == [5]
