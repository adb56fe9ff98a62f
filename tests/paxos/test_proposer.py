"""What a leader proposes, counts, sends again and says of decisions: rules 6, 8, 10 and 11."""

from __future__ import annotations

import pytest

from paxos.core import Limits, ProtocolError
from paxos.effects import Send, SendNow, Timer
from paxos.messages import (
    Accept,
    Accepted,
    Decide,
    Forward,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    StepDown,
)
from paxos.records import AcceptedRecord
from tests.paxos.one_replica import (
    One,
    accepted,
    acknowledged,
    ballot,
    delivered,
    leading,
    messages,
    of,
    proposals,
    receivers,
    records,
    request,
    value,
)

# Rule 8: proposing


def test_a_batch_holds_at_most_so_many_requests() -> None:
    """Rule 8: 1 to `ops_per_block` requests a slot, in the order in which they came."""
    one = leading(ops_per_block=3)

    effects = one.submit(*(request(number) for number in range(1, 8)))

    assert proposals(effects) == [(1, (value(1, 2, 3), value(4, 5, 6), value(7)))]


def test_no_more_slots_than_the_window_are_in_flight() -> None:
    """Rule 8: the rest waits in the queue until a slot is chosen."""
    one = leading(window=2)
    assert proposals(one.submit(*(request(number) for number in range(1, 6)))) == [(1, (value(1), value(2)))]
    assert (one.replica.status().in_flight, one.replica.status().queued) == (2, 3)

    effects = one.hear(accepted(2, one, 1), accepted(3, one, 1))

    assert proposals(effects) == [(3, (value(3),))]


def test_a_message_carries_a_bounded_number_of_slots() -> None:
    """Rule 8: much at once is sent in several messages, without a gap between them."""
    one, together = leading(), Limits().slots_a_message

    effects = one.submit(*(request(number) for number in range(1, together + 3)))

    firsts = [(first, len(values)) for first, values in proposals(effects)]
    assert firsts == [(1, together), (together + 1, 2)]


def test_a_request_that_comes_twice_has_one_slot() -> None:
    """Rule 14: queued, in flight or decided, it is not proposed again."""
    one = leading(window=1)
    effects = one.submit(request(1))
    forward = Forward(sender=2, path=(2,), requests=(request(1), request(2), request(2)))

    effects += one.hear(forward, forward)
    effects += one.hear(accepted(2, one, 1), accepted(3, one, 1))
    effects += one.hear(forward)
    effects += one.hear(accepted(2, one, 2), accepted(3, one, 2))
    effects += one.hear(forward)

    assert proposals(effects) == [(1, (value(1),)), (2, (value(2),))]


def test_proposals_may_leave_before_the_own_vote_is_on_disk_and_the_own_vote_may_not() -> None:
    """What is on disk before what is said: ACCEPT says nothing about the leader's disk, its own ACCEPTED does."""
    one = leading()
    one.replica.submit(request(1), one.now)
    one.replica.flush(one.now)

    effects = one.replica.take_effects()

    [out] = [effect for effect in of(effects, SendNow) if isinstance(effect.message, Accept)]
    [own] = [effect for effect in of(effects, Send) if isinstance(effect.message, Accepted)]
    assert (out.to, own.to) == ((2, 3, 4, 5), (1,))
    assert records(effects) == [AcceptedRecord(one.replica.status().ballot, 1, value(1))]
    assert one.replica.proposer.flight[1].voters == 0


# Rule 10: deciding


def test_a_majority_of_votes_decides() -> None:
    """Rule 10: the own vote and two more are three of five; the own and one are not."""
    one = leading()
    one.submit(request(1))

    assert delivered(one.hear(accepted(2, one, 1))) == []
    assert delivered(one.hear(accepted(3, one, 1))) == [(1, value(1))]


def test_the_own_vote_may_come_last() -> None:
    """Rule 10: the leader's disk may be the slowest one; a majority of others decides without it."""
    one = leading()
    one.replica.submit(request(1), one.now)
    one.replica.flush(one.now)
    one.replica.take_effects()  # Its own vote is not on disk yet.

    for node in (2, 3):
        one.replica.receive(accepted(node, one, 1), one.now)
    assert one.replica.status().decided == 0
    one.replica.receive(accepted(4, one, 1), one.now)

    assert one.replica.status().decided == 1


def test_a_vote_that_comes_twice_is_one_vote() -> None:
    """Rule 10: distinct nodes make a majority."""
    one = leading()
    one.submit(request(1))

    one.hear(accepted(2, one, 1), accepted(2, one, 1), accepted(2, one, 1))

    assert one.replica.status().decided == 0


def test_votes_of_another_ballot_do_not_count() -> None:
    """Rule 10: a late acknowledgement of an earlier leadership of this node is for another value, perhaps."""
    one = One(opened=ballot(3, 1))
    one.take_over()
    one.submit(request(1))
    stale = [Accepted(sender=node, ballot=ballot(3, 1), first_slot=1, last_slot=1) for node in (2, 3, 4)]

    one.hear(*stale)

    assert one.replica.status().decided == 0


def test_a_range_of_votes_counts_for_each_slot_in_it_and_no_other() -> None:
    """Rule 10: one message may acknowledge many slots; those outside it stay open."""
    one = leading()
    one.submit(*(request(number) for number in range(1, 5)))

    effects = one.hear(accepted(2, one, 2, 3), accepted(3, one, 1, 9))

    assert delivered(effects) == []
    assert sorted(one.replica.proposer.flight) == [1, 4]
    assert delivered(one.hear(accepted(4, one, 1))) == [(1, value(1)), (2, value(2)), (3, value(3))]


def test_votes_for_slots_that_were_never_proposed_mean_nothing() -> None:
    """Messages: whatever range is named, only slots in flight are counted."""
    one = leading()

    assert delivered(one.hear(*(accepted(node, one, 1, 10**12) for node in (2, 3, 4)))) == []


def test_quorums_may_differ_between_the_phases() -> None:
    """Howard et al., 2016: on four nodes three promises and two votes are enough, and no fewer."""
    one = One(nodes=4, prepare_quorum=3, accept_quorum=2)
    one.take_over()
    one.submit(request(1))
    assert one.replica.status().decided == 0

    one.hear(accepted(4, one, 1))

    assert one.replica.status().decided == 1


def test_one_node_alone_decides_when_its_own_vote_is_on_disk() -> None:
    """Rules 4 and 10: a majority of one is one."""
    one = One(nodes=1)
    one.wake(Timer.ELECTION)

    assert one.role() == "leader"
    assert delivered(one.submit(request(1))) == [(1, value(1))]


# Rule 10: resends


def test_lost_proposals_are_sent_again_to_those_who_have_not_answered() -> None:
    """Rule 10: in runs without a gap, so that many lost slots cost few messages."""
    one = leading()
    one.submit(*(request(number) for number in range(1, 6)))
    one.hear(accepted(2, one, 1, 5), accepted(3, one, 3))

    effects = one.wake(Timer.RESEND, after_ms=100)

    again = [(receivers([effect], Accept)[0], *proposals([effect])[0]) for effect in of(effects, SendNow)]
    everything = tuple(value(number) for number in (1, 2, 4, 5))
    assert [(to, first, len(values)) for to, first, values in again] == [
        (node, first, 2) for node in (3, 4, 5) for first in (1, 4)
    ]
    assert again[0][2] + again[1][2] == everything


def test_sending_again_slow_down() -> None:
    """Rule 10: overdue after one, two, four and then always four times the timeout."""
    one = leading()
    one.submit(request(1))
    sent = []
    for tick in range(1, 18):
        one.hear(acknowledged(2, one))
        if messages(one.wake(Timer.RESEND, after_ms=100), Accept):
            sent.append(tick)

    assert sent == [1, 3, 7, 11, 15]


def test_what_is_chosen_is_not_sent_again() -> None:
    """Rule 10: whoever did not vote learns it by the prefix."""
    one = leading()
    one.submit(request(1))
    one.hear(accepted(2, one, 1), accepted(3, one, 1))

    assert messages(one.wake(Timer.RESEND, after_ms=10_000), Accept) == []


# Rule 11: spreading decisions


def test_a_decision_is_spread_at_once_when_nothing_else_carries_it() -> None:
    """Rule 11: DECIDE to all others, with the prefix."""
    one = leading()
    one.submit(request(1))

    effects = one.hear(accepted(2, one, 1), accepted(3, one, 1))

    assert [message.decided for message in messages(effects, Decide)] == [1]
    assert receivers(effects, Decide) == [2, 3, 4, 5]


def test_the_next_proposal_carries_the_prefix() -> None:
    """Rule 11: under load a decision costs no message of its own."""
    one = leading(window=1)
    one.submit(request(1), request(2))

    effects = one.hear(accepted(2, one, 1), accepted(3, one, 1))

    assert [message.decided for message in messages(effects, Accept)] == [1]
    assert messages(effects, Decide) == []


def test_heartbeats_repeat_the_prefix() -> None:
    """Rules 10 and 11: a DECIDE that was lost is said again for ever."""
    one = leading()
    one.submit(request(1))
    one.hear(accepted(2, one, 1), accepted(3, one, 1))

    assert [message.decided for message in messages(one.wake(Timer.HEARTBEAT, after_ms=50), Heartbeat)] == [1]


def test_slots_chosen_beyond_a_gap_wait_for_it() -> None:
    """Rule 11: the prefix that is spread ends before the gap."""
    one = leading()
    one.submit(request(1), request(2))

    effects = one.hear(accepted(2, one, 2), accepted(3, one, 2))

    assert delivered(effects) == []
    assert messages(effects, Decide) == []
    assert one.replica.status().decided == 0


def test_an_origin_that_is_not_heard_is_told_where_its_write_stands() -> None:
    """Rule 7: through the peer that its write came by. `test_link_gossip.py` has what happens on links cut one way."""
    one = leading()
    one.hear(Forward(sender=3, path=(2, 3), requests=(request(1),)))

    effects = one.hear(accepted(4, one, 1), accepted(5, one, 1))

    [reply] = messages(effects, ForwardReply)
    assert (reply.ids, reply.decided, reply.leader, reply.path) == ((("c", 1),), 1, 1, (2,))
    assert receivers(effects, ForwardReply) == [3]


def test_an_origin_is_told_nothing_of_a_slot_beyond_a_gap() -> None:
    """Rules 7 and 11: it would fetch a prefix in which its write does not stand."""
    one = leading()
    one.submit(request(1))
    one.hear(Forward(sender=3, path=(2, 3), requests=(request(2),)))

    assert messages(one.hear(accepted(4, one, 2), accepted(5, one, 2)), ForwardReply) == []
    replies = messages(one.hear(accepted(4, one, 1), accepted(5, one, 1)), ForwardReply)

    assert {(reply.ids, reply.decided) for reply in replies} == {((("c", 2),), 2)}


def test_the_way_back_of_a_write_that_is_chosen_already_is_not_kept() -> None:
    """Rule 7: a late retry must not leave something behind for as long as this node leads."""
    one = leading()
    one.submit(request(1), request(2))
    one.hear(accepted(2, one, 2), accepted(3, one, 2))  # Slot 2 is chosen, and waits for slot 1.

    one.hear(Forward(sender=3, path=(2, 3), requests=(request(2),)))

    assert one.replica.proposer.returns == {}


# Rule 6: a leader without a majority


def test_a_leader_that_hears_a_majority_goes_on() -> None:
    """Rule 6: two of four others are enough, whichever they are."""
    one = leading()
    for tick in range(40):
        one.hear(acknowledged(2 + tick % 4, one), acknowledged(2 + (tick + 1) % 4, one))
        one.wake(Timer.HEARTBEAT, after_ms=50)

    assert one.role() == "leader"


def test_votes_keep_a_leader_in_office_too() -> None:
    """Rule 6: under load an ACCEPTED shows as well as an acknowledgement that a follower still follows."""
    one = leading()
    for number in range(1, 21):
        one.submit(request(number))
        one.hear(accepted(2, one, number), accepted(3, one, number))
        one.wake(Timer.HEARTBEAT, after_ms=50)

    assert one.role() == "leader"


def test_a_leader_that_hears_too_few_steps_down_and_says_so() -> None:
    """Rule 6: with one of four others answering it tells those it can still reach, and looks for a leader."""
    one = leading()
    effects = []
    for _ in range(10):
        one.hear(acknowledged(2, one))
        effects += one.wake(Timer.HEARTBEAT, after_ms=50)

    assert one.role() != "leader"
    assert receivers(effects, StepDown) == [2, 3, 4, 5]


def test_acknowledgements_of_another_ballot_keep_nobody_in_office() -> None:
    """Rule 6: followers of an earlier leadership of this node are no followers."""
    one = One(opened=ballot(3, 1))
    one.take_over()
    stale = [HeartbeatAck(sender=node, ballot=ballot(3, 1), round=9, stamp=0, decided=0) for node in (2, 3, 4, 5)]
    for _ in range(10):
        one.hear(*stale)
        one.wake(Timer.HEARTBEAT, after_ms=50)

    assert one.role() != "leader"


def test_a_leader_that_hears_of_a_higher_one_follows_it() -> None:
    """Rules 3 and 6: its own proposals can no longer be chosen against the promises of a majority."""
    one = leading()
    one.submit(request(1))

    one.hear(Accept(sender=2, ballot=ballot(9, 2), first_slot=1, values=(value(2),), decided=0))

    assert (one.role(), one.replica.status().leader, one.replica.status().in_flight) == ("follower", 2, 0)
    assert one.replica.votes()[1].value == value(2)


def test_a_leader_that_meets_its_own_ballot_with_another_value_stops() -> None:
    """One value per ballot and slot: somebody else proposes with our ballot, which no correct peer does."""
    one = leading()
    one.submit(request(1))

    with pytest.raises(ProtocolError):
        one.hear(Accept(sender=2, ballot=one.replica.status().ballot, first_slot=1, values=(value(2),), decided=0))
