"""What an acceptor promises, accepts, refuses and keeps: rules 3, 9 and 15, and what is on disk before what is said."""

from __future__ import annotations

import pytest

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.core import ProtocolError
from paxos.effects import Persist, Send, SendNow
from paxos.messages import NO_OP, Accept, Acceptance, Accepted, Prepare, Promise, Reject, Value
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from tests.paxos.one_replica import ballot, core, messages, records, value

LOW, MIDDLE, HIGH = ballot(1, 2), ballot(2, 1), ballot(2, 3)


def acceptor(promised: Ballot = NO_BALLOT, opened: Ballot = NO_BALLOT, **limits: int) -> Acceptor:
    """Node 1's acceptor at the beginning of an incarnation."""
    return Acceptor(core(**limits), promised, opened, {})


def prepare(campaign: Ballot, first_slot: Slot = 1) -> Prepare:
    """A campaign of its owner."""
    return Prepare(sender=campaign.owner, ballot=campaign, first_slot=first_slot, stamp=7)


def accept(campaign: Ballot, first_slot: Slot, *values: Value) -> Accept:
    """A proposal of the ballot's owner."""
    return Accept(sender=campaign.owner, ballot=campaign, first_slot=first_slot, values=values, decided=0)


def test_a_promise_is_on_disk_before_it_is_said() -> None:
    """What is on disk before what is said: the record stands before the message, which waits for it."""
    one = acceptor()

    assert one.promise(prepare(LOW), decided=0)

    assert one.core.take_effects() == [
        Persist(PromiseRecord(LOW)),
        Send((2,), Promise(sender=1, ballot=LOW, accepted=(), decided=0, stamp=7)),
    ]


def test_an_acceptance_is_on_disk_before_it_is_said() -> None:
    """What is on disk before what is said: a whole range is written, then acknowledged in one message."""
    one = acceptor()

    assert one.accept(accept(LOW, 4, value(1), NO_OP))

    assert one.core.take_effects() == [
        Persist(AcceptedRecord(LOW, 4, value(1))),
        Persist(AcceptedRecord(LOW, 5, NO_OP)),
        Send((2,), Accepted(sender=1, ballot=LOW, first_slot=4, last_slot=5)),
    ]


def test_a_campaign_is_on_disk_and_is_a_promise_to_oneself() -> None:
    """Rule 3 and what is on disk before what is said: a campaign is written, and closes lower ballots here too."""
    one = acceptor()

    one.open(HIGH)

    assert one.core.take_effects() == [Persist(OpenedRecord(HIGH))]
    assert (one.promised, one.opened) == (HIGH, HIGH)
    assert not one.accept(accept(LOW, 1, value(1)))


def test_a_promise_closes_lower_ballots() -> None:
    """Rules 3 and 9: after promising a ballot, lower ones are neither promised nor accepted."""
    one = acceptor(promised=MIDDLE)

    assert not one.promise(prepare(LOW), decided=0)
    assert not one.accept(accept(LOW, 1, value(1)))

    effects = one.core.take_effects()
    assert records(effects) == []
    assert messages(effects, Reject) == [Reject(sender=1, ballot=LOW, promised=MIDDLE, leader=0, decided=0)]
    assert (one.promised, one.accepted) == (MIDDLE, {})


def test_a_refusal_is_a_hint_that_waits_for_no_disk() -> None:
    """Rule 3: REJECT promises nothing, so it may leave at once."""
    one = acceptor(promised=HIGH)

    one.promise(prepare(LOW), decided=0)

    assert isinstance(one.core.take_effects()[0], SendNow)


def test_an_equal_ballot_is_promised_again_and_written_once() -> None:
    """Rule 3: a PREPARE that comes twice is answered twice; the disk knows it already."""
    one = acceptor(promised=LOW)

    assert one.promise(prepare(LOW), decided=0)

    effects = one.core.take_effects()
    assert records(effects) == []
    assert len(messages(effects, Promise)) == 1


def test_a_proposal_at_the_promised_ballot_is_accepted() -> None:
    """Rule 9: at least the promise means the promise itself too."""
    one = acceptor(promised=LOW)

    assert one.accept(accept(LOW, 1, value(1)))


def test_a_proposal_above_the_promise_needs_no_prepare() -> None:
    """Rule 9: an acceptor that missed the PREPARE accepts all the same, and remembers the ballot as its promise."""
    one = acceptor(promised=LOW)

    assert one.accept(accept(HIGH, 1, value(1)))

    assert one.promised == HIGH
    assert not one.promise(prepare(MIDDLE), decided=0)


def test_a_late_proposal_of_a_lower_ballot_takes_no_vote_back() -> None:
    """Rule 9: accepting raised the promise, so an older value cannot follow a newer one."""
    one = acceptor()
    one.accept(accept(HIGH, 1, value(2)))

    assert not one.accept(accept(LOW, 1, value(1)))

    assert one.accepted[1] == Acceptance(1, HIGH, value(2))


def test_a_higher_ballot_replaces_a_vote() -> None:
    """Rule 9: of each slot the vote of the highest ballot is kept."""
    one = acceptor()
    one.accept(accept(LOW, 1, value(1)))

    one.accept(accept(HIGH, 1, value(2)))

    assert one.accepted[1] == Acceptance(1, HIGH, value(2))


def test_a_promise_takes_no_vote_back() -> None:
    """Rule 3: a higher promise reports what was accepted and does not wipe it, however often it comes."""
    one = acceptor()
    one.accept(accept(LOW, 1, value(1)))

    one.promise(prepare(MIDDLE), decided=0)
    one.promise(prepare(HIGH), decided=0)

    promises = messages(one.core.take_effects(), Promise)
    assert [promise.accepted for promise in promises] == [(Acceptance(1, LOW, value(1)),)] * 2


def test_a_repeated_proposal_is_acknowledged_again_and_written_once() -> None:
    """Rule 10: the acknowledgement may have been lost; the vote was not."""
    one = acceptor()
    one.accept(accept(LOW, 1, value(1)))
    one.core.take_effects()

    assert one.accept(accept(LOW, 1, value(1)))

    effects = one.core.take_effects()
    assert records(effects) == []
    assert messages(effects, Accepted) == [Accepted(sender=1, ballot=LOW, first_slot=1, last_slot=1)]


def test_an_acknowledgement_names_no_slot_but_those_of_its_proposal() -> None:
    """Rule 10: with slots missing below, nothing is said about them."""
    one = acceptor()

    one.accept(accept(LOW, 8, value(8)))

    assert messages(one.core.take_effects(), Accepted) == [Accepted(sender=1, ballot=LOW, first_slot=8, last_slot=8)]


def test_one_ballot_with_two_values_for_a_slot_stops_the_node() -> None:
    """One value per ballot and slot: no correct peer says otherwise, so nothing here can be trusted any more."""
    one = acceptor()
    one.accept(accept(LOW, 1, value(1)))

    with pytest.raises(ProtocolError, match="two values for slot 1"):
        one.accept(accept(LOW, 1, value(2)))


def test_a_promise_reports_votes_from_the_asked_slot_on_in_order() -> None:
    """Rule 3: nothing is left out, nothing below the question is sent, gaps stay gaps."""
    one = acceptor()
    for slot in (6, 2, 4, 3):
        one.accept(accept(LOW, slot, value(slot)))

    reported = one.promise_for(HIGH, first_slot=3, decided=0, stamp=0).accepted

    assert [vote.slot for vote in reported] == [3, 4, 6]


def test_a_promise_reports_decided_slots_as_the_prefix() -> None:
    """Rule 3: what is decided is said to be decided, compacted or not; its votes need not travel."""
    one = acceptor()
    one.accept(accept(LOW, 1, value(1), value(2), value(3)))
    one.forget_below(3)

    reported = one.promise_for(HIGH, first_slot=1, decided=2, stamp=0)

    assert (reported.decided, [vote.slot for vote in reported.accepted]) == (2, [3])


def test_a_new_incarnation_begins_with_the_higher_of_promise_and_own_campaign() -> None:
    """Rule 15: a campaign is a promise to oneself; whichever record is higher binds."""
    assert acceptor(promised=LOW, opened=HIGH).promised == HIGH
    assert acceptor(promised=HIGH, opened=LOW).promised == HIGH


def test_votes_of_an_earlier_incarnation_are_reported() -> None:
    """Rule 15: a restart changes nothing about what an acceptor answers."""
    vote = Acceptance(1, LOW, value(1))
    one = Acceptor(core(), LOW, NO_BALLOT, {1: vote})

    assert one.promise_for(HIGH, first_slot=1, decided=0, stamp=0).accepted == (vote,)


def test_votes_are_let_go_when_they_are_decided_and_never_before() -> None:
    """Rule 3: memory grows with what is open, not with the log; an open vote is kept however many slots go by."""
    one = acceptor(window=2)
    for slot in range(1, 12):
        one.accept(accept(LOW, slot, value(slot)))
        if slot != 11:
            one.forget_below(slot + 1)

    assert len(one.accepted) <= 4
    assert 11 in one.accepted


def test_nothing_is_said_of_a_proposal_without_values() -> None:
    """Rules 9 and 10: there is nothing to acknowledge, and no promise is given that no record carries to disk."""
    one = acceptor()

    assert one.accept(accept(LOW, 1))

    assert one.core.take_effects() == []
    assert one.promised == NO_BALLOT
