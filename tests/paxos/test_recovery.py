"""What a new leader must find out and propose again before anything else: rules 3 and 4."""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, Slot
from paxos.effects import Timer
from paxos.messages import NO_OP, Acceptance, CatchupReply, Heartbeat
from tests.paxos.one_replica import One, acknowledged, ballot, leading, messages, promise, proposals, request, value

OLD = ballot(1, 4)


def vote(slot: Slot, round_: int, number: int) -> Acceptance:
    """A vote at a ballot of node 5 for a batch of one request."""
    return Acceptance(slot, ballot(round_, 5), value(number))


def test_of_several_votes_the_one_of_the_highest_ballot_is_proposed() -> None:
    """Rule 4: not the first, the last, nor the most common one."""
    one = One(promised=ballot(5, 5))
    reports = [(vote(1, 2, 20),), (vote(1, 3, 30),), (vote(1, 2, 20),)]

    effects = one.take_over(*(promise(node, NO_BALLOT, votes) for node, votes in zip((2, 3), reports, strict=False)))

    assert proposals(effects) == [(1, (value(30),))]


def test_the_own_vote_is_one_of_those_reported() -> None:
    """Rule 4: the leader's own acceptor is an acceptor like any other."""
    one = One(promised=OLD, accepted={1: Acceptance(1, OLD, value(7))})

    effects = one.take_over()

    assert proposals(effects) == [(1, (value(7),))]


def test_gaps_are_filled_with_the_no_op() -> None:
    """Rule 4: a slot that nobody reported below one that somebody did cannot stay open."""
    one = One()

    effects = one.take_over(promise(2, NO_BALLOT, [vote(2, 1, 2), vote(5, 1, 5)]), promise(3, NO_BALLOT))

    assert proposals(effects) == [(1, (NO_OP, value(2), NO_OP, NO_OP, value(5)))]


def test_new_writes_go_behind_what_was_recovered() -> None:
    """Rules 4 and 8: the slots in which something may be chosen are not free."""
    one = One()
    one.take_over(promise(2, NO_BALLOT, [vote(3, 1, 3)]), promise(3, NO_BALLOT))

    assert proposals(one.submit(request(9))) == [(4, (value(9),))]


def test_an_empty_log_needs_no_recovery() -> None:
    """Rule 4: nothing reported, nothing proposed; the first write takes slot 1."""
    one = leading()

    assert proposals(one.submit(request(1))) == [(1, (value(1),))]


def test_slots_that_others_have_decided_are_fetched_before_anything_is_proposed() -> None:
    """Rule 3: a promise that tells of a longer decided prefix holds the proposals back until it is here."""
    one = One()
    effects = one.take_over(promise(2, NO_BALLOT, decided=2), promise(3, NO_BALLOT, [vote(3, 1, 3)]))
    effects += one.submit(request(9))
    assert proposals(effects) == []
    assert messages(effects, Heartbeat), "it leads already"

    effects = one.hear(CatchupReply(sender=2, first_slot=1, blocks=("a", "b"), decided=2))

    assert proposals(effects) == [(3, (value(3),)), (4, (value(9),))]


def test_a_leader_that_cannot_fetch_what_it_lacks_makes_room() -> None:
    """Rules 3 and 6: whoever told of the decided slots may be gone; somebody else must try."""
    one = One()
    one.take_over(promise(2, NO_BALLOT, decided=2), promise(3, NO_BALLOT))

    for _ in range(30):
        one.hear(acknowledged(2, one), acknowledged(3, one))
        one.wake(Timer.HEARTBEAT, after_ms=50)

    assert one.role() != "leader"


def test_a_request_that_was_recovered_gets_no_second_slot() -> None:
    """Rules 4 and 14: its client asks again while it is on its way."""
    one = One()
    one.take_over(promise(2, NO_BALLOT, [vote(1, 1, 7)]), promise(3, NO_BALLOT))

    effects = one.submit(request(7), request(8))

    assert proposals(effects) == [(2, (value(8),))]
