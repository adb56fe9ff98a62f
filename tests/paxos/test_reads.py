"""Linearizable reads: where, when and from which state they are served (rule 4, and "Reads")."""

from __future__ import annotations

from collections.abc import Iterable

from paxos.ballot import NO_BALLOT
from paxos.effects import Effect, ReadGiveUp, ReadReady, Timer
from paxos.messages import Acceptance, AskRead, CatchupReply, Decide, Heartbeat, HeartbeatAck, ReadAt
from tests.paxos.one_replica import (
    One,
    accepted,
    acknowledged,
    ballot,
    heartbeat,
    leading,
    messages,
    of,
    promise,
    receivers,
    request,
    value,
)

LEADER = ballot(1, 2)


def ready(effects: Iterable[Effect]) -> list[int]:
    """The reads that may be answered now."""
    return [number for effect in of(effects, ReadReady) for number in effect.reads]


def follower() -> One:
    """Node 1, which hears node 2 lead."""
    one = One()
    one.hear(heartbeat(2, LEADER))
    return one


# At the leader


def test_a_read_is_confirmed_by_a_round_that_begins_after_it() -> None:
    """Reads: acknowledgements of earlier heartbeats, however late they come, confirm nothing."""
    one = leading()
    [before] = messages(one.wake(Timer.HEARTBEAT, after_ms=50), Heartbeat)

    effects = one.read(7)
    [after] = messages(effects, Heartbeat)
    assert after.round > before.round
    late = one.hear(*(acknowledged(node, one, before.round) for node in (2, 3, 4, 5)))
    assert ready(effects + late) == []

    effects = one.hear(acknowledged(2, one, after.round), acknowledged(3, one, after.round))

    assert ready(effects) == [7]


def test_a_majority_must_confirm() -> None:
    """Reads: one of four others is too few, and one that answers twice is one."""
    one = leading()
    [asked] = messages(one.read(7), Heartbeat)

    effects = one.hear(*[acknowledged(2, one, asked.round)] * 3)

    assert ready(effects) == []


def test_acknowledgements_of_another_ballot_confirm_nothing() -> None:
    """Reads: a round number of an earlier leadership is no round of this one."""
    one = One(opened=ballot(3, 1))
    one.take_over()
    one.read(7)

    effects = one.hear(
        *(HeartbeatAck(sender=node, ballot=ballot(3, 1), round=99, stamp=0, decided=0) for node in (2, 3, 4))
    )

    assert ready(effects) == []


def test_reads_that_arrive_together_share_a_round() -> None:
    """Reads: many reads cost one round of heartbeats."""
    one = leading()
    for number in range(5):
        one.replica.read(number, one.now)
    effects = one.hear(AskRead(sender=2, path=(2,), reads=(8, 9)))

    [asked] = messages(effects, Heartbeat)
    effects = one.hear(acknowledged(2, one, asked.round), acknowledged(3, one, asked.round))

    assert ready(effects) == [0, 1, 2, 3, 4]
    assert [(answer.reads, answer.slot) for answer in messages(effects, ReadAt)] == [((8, 9), 0)]


def test_a_new_leader_serves_no_read_before_what_it_recovered_is_decided() -> None:
    """Rule 4: a write that was answered by the old leader may be among the slots that are proposed again."""
    one = One()
    vote = Acceptance(1, ballot(1, 5), value(1))
    one.take_over(promise(2, NO_BALLOT, [vote]), promise(3, NO_BALLOT))
    effects = one.read(7)
    effects += one.hear(*(acknowledged(node, one, 99) for node in (2, 3, 4)))
    assert ready(effects) == []

    effects = one.hear(accepted(2, one, 1), accepted(3, one, 1))
    effects += one.hear(*(acknowledged(node, one, 99) for node in (2, 3, 4)))

    assert ready(effects) == [7]
    assert one.log == [value(1)]


def test_a_leader_that_still_fetches_serves_no_read() -> None:
    """Rules 3 and 4: what others decided is not here yet."""
    one = One()
    one.take_over(promise(2, NO_BALLOT, decided=2), promise(3, NO_BALLOT))
    effects = one.read(7)
    effects += one.hear(*(acknowledged(node, one, 99) for node in (2, 3, 4)))
    assert ready(effects) == []

    effects = one.hear(CatchupReply(sender=2, first_slot=1, blocks=("a", "b"), decided=2))
    effects += one.hear(*(acknowledged(node, one, 99) for node in (2, 3, 4)))

    assert ready(effects) == [7]


def test_a_read_names_the_prefix_of_its_arrival() -> None:
    """Reads: what is decided while the round runs need not be waited for."""
    one = leading()
    one.submit(request(1))
    effects = one.hear(AskRead(sender=3, path=(3,), reads=(8,)))
    [asked] = messages(effects, Heartbeat)
    one.hear(accepted(2, one, 1), accepted(3, one, 1))

    effects = one.hear(acknowledged(2, one, asked.round), acknowledged(3, one, asked.round))

    assert [answer.slot for answer in messages(effects, ReadAt)] == [0]


def test_a_leader_that_steps_down_sends_reads_back() -> None:
    """Rule 6: reads of others are told to try again; its own clients' reads wait for the next leader."""
    one = leading()
    effects = one.hear(AskRead(sender=3, path=(2, 3), reads=(8,)))
    one.read(7)

    effects = one.hear(heartbeat(4, ballot(9, 4)))

    assert [(answer.path, answer.reads, answer.slot) for answer in messages(effects, ReadAt)] == [((2,), (8,), -1)]
    assert [(question.reads, question.path) for question in messages(effects, AskRead)] == [((7,), (1,))]


# At a follower


def test_a_follower_asks_its_leader() -> None:
    """Reads: a follower's own state may be old, so it answers nothing by itself."""
    one = follower()

    effects = one.read(7)

    assert receivers(effects, AskRead) == [2]
    assert ready(effects) == []


def test_a_follower_waits_until_it_has_applied_the_slot() -> None:
    """Reads: the leader says up to where; the state that is shown holds all of it."""
    one = follower()
    one.read(7)
    effects = one.hear(ReadAt(sender=2, path=(), reads=(7,), slot=2, leader=2))
    assert ready(effects) == []

    effects = one.hear(CatchupReply(sender=2, first_slot=1, blocks=("a", "b"), decided=2))

    assert ready(effects) == [7]


def test_a_follower_fetches_what_a_read_waits_for() -> None:
    """Rule 12: whoever names a slot has it."""
    one = follower()
    one.read(7)

    effects = one.hear(ReadAt(sender=4, path=(), reads=(7,), slot=3, leader=2))

    assert receivers(effects, object) == [4]


def test_a_read_is_answered_once() -> None:
    """Messages: a doubled READ-AT finds nobody waiting."""
    one = follower()
    one.read(7)
    answer = ReadAt(sender=2, path=(), reads=(7,), slot=0, leader=2)

    assert ready(one.hear(answer, answer) + one.hear(answer)) == [7]


def test_a_read_that_was_sent_back_is_asked_again() -> None:
    """Rule 7: "not now" is no answer; the next try comes with the FORWARD alarm."""
    one = follower()
    one.read(7)
    one.hear(ReadAt(sender=2, path=(), reads=(7,), slot=-1, leader=0))
    one.hear(heartbeat(2, LEADER))

    assert messages(one.wake(Timer.FORWARD, after_ms=100), AskRead) != []


def test_a_read_without_a_majority_is_given_up() -> None:
    """Rule 6: nobody leads and too few are heard; the client is told "no majority"."""
    one = One()
    one.read(7)

    effects = []
    for _ in range(8):
        effects += one.wake(Timer.FORWARD, after_ms=1_000)

    assert of(effects, ReadGiveUp) == [ReadGiveUp((7,), True)]


def test_a_follower_that_decides_on_its_own_serves_what_waits() -> None:
    """Reads: the slot may come by votes and a prefix as well as by blocks."""
    one = follower()
    one.read(7)
    one.hear(ReadAt(sender=2, path=(), reads=(7,), slot=1, leader=2))
    one.replica.acceptor.vote(LEADER, 1, value(1))

    assert ready(one.hear(Decide(sender=2, ballot=LEADER, decided=1))) == [7]
