"""How writes reach the leader and how their clients hear of it: rules 6, 7 and 14."""

from __future__ import annotations

import msgspec
import pytest

from paxos.ballot import NO_BALLOT
from paxos.effects import GiveUp, Timer
from paxos.messages import (
    Accept,
    Acceptance,
    Catchup,
    CatchupReply,
    Decide,
    Forward,
    ForwardReply,
    LinkState,
    LinkStates,
    PreVote,
    Relay,
)
from tests.paxos.one_replica import (
    One,
    alarms,
    ballot,
    heartbeat,
    leading,
    messages,
    of,
    proposals,
    receivers,
    refuses,
    request,
    value,
)

LEADER = ballot(1, 2)


def follower(nodes: int = 5) -> One:
    """Node 1, which hears node 2 lead."""
    one = One(nodes=nodes)
    one.hear(heartbeat(2, LEADER))
    return one


def apart(nodes: int = 5) -> One:
    """Node 1, which does not hear the leader 5; nodes 2, 3 and 4 have named it."""
    one = One(nodes=nodes)
    one.wake(Timer.ELECTION)
    one.hear(refuses(2, leader=5), refuses(3, leader=5), refuses(4, leader=5))
    assert not one.replica.view.hears_leader()
    return one


def decide(one: One, *numbers: int) -> None:
    """Node 2, the leader, has these requests decided in the next slot here."""
    slot = one.replica.status().decided + 1
    one.hear(
        Accept(sender=2, ballot=LEADER, first_slot=slot, values=(value(*numbers),), decided=slot - 1),
        Decide(sender=2, ballot=LEADER, decided=slot),
    )


# To the leader


def test_a_follower_forwards_to_its_leader() -> None:
    """Rule 7: with itself as the way back."""
    effects = follower().submit(request(1), request(2))

    assert messages(effects, Forward) == [Forward(sender=1, path=(1,), requests=(request(1), request(2)))]
    assert receivers(effects, Forward) == [2]


def test_a_write_waits_while_nobody_leads_and_leaves_when_somebody_does() -> None:
    """Rules 1 and 7: it is not lost meanwhile."""
    one = One()
    assert messages(one.submit(request(1)), Forward) == []

    effects = one.hear(heartbeat(2, LEADER))

    assert receivers(effects, Forward) == [2]


def test_a_new_leader_is_told_everything_at_once() -> None:
    """Rule 7: what the old leader had in its queue is gone."""
    one = follower()
    one.submit(request(1), request(2))

    effects = one.hear(heartbeat(3, ballot(2, 3)))

    assert [message.requests for message in messages(effects, Forward)] == [(request(1), request(2))]
    assert receivers(effects, Forward) == [3]


def test_a_leader_that_campaigns_higher_is_told_again() -> None:
    """Rule 7: a new ballot of the same leader is a new leadership with an empty queue."""
    one = follower()
    one.submit(request(1))

    assert receivers(one.hear(heartbeat(2, ballot(2, 2))), Forward) == [2]


def test_an_unanswered_write_is_sent_again_by_another_way() -> None:
    """Rule 7: directly, then through a peer, in turn, so that a dead link in one direction is found out."""
    one = follower()
    ways = receivers(one.submit(request(1)), Forward)
    for _ in range(40):
        one.hear(heartbeat(2, LEADER))
        ways += receivers(one.wake(Timer.FORWARD, after_ms=100), Forward)

    assert ways[:7] == [2, 3, 2, 4, 2, 5, 2]


def test_a_write_goes_through_a_peer_when_the_leader_is_not_heard() -> None:
    """Rule 7: those who named the leader are asked in turn, and the leader itself after them."""
    one = apart()
    ways = receivers(one.submit(request(1)), Forward)
    for _ in range(20):
        ways += receivers(one.wake(Timer.FORWARD, after_ms=100), Forward)

    assert ways[:4] == [2, 3, 4, 5]


def test_sending_again_slow_down_and_never_stops() -> None:
    """Rule 7: after one, two, four, and then always four times the timeout."""
    one, times = follower(), []
    one.submit(request(1))
    for tick in range(1, 16):
        one.hear(heartbeat(2, LEADER))
        if messages(one.wake(Timer.FORWARD, after_ms=100), Forward):
            times.append(tick)

    assert times == [1, 3, 7, 11, 15]


def test_a_client_that_asks_twice_is_one_client() -> None:
    """Rule 14: a retry of a write that waits here changes nothing."""
    one = follower()
    one.submit(request(1))

    assert messages(one.submit(request(1)), Forward) == []


# Through a peer


def test_a_peer_passes_a_write_on_to_the_leader_it_hears() -> None:
    """Rule 7: it puts itself on the path, so that the answer finds its way back."""
    effects = follower().hear(Forward(sender=3, path=(3,), requests=(request(1),)))

    assert messages(effects, Forward) == [Forward(sender=1, path=(3, 1), requests=(request(1),))]
    assert receivers(effects, Forward) == [2]


def test_a_peer_that_the_leader_does_not_hear_passes_on_around_the_dead_link() -> None:
    """Rule 7: its own link may be cut one way, and then the straight way is a dead end for ever."""
    one = follower()
    states = [
        LinkState(node=node, version=1, hears=hears, leads=NO_BALLOT, decided=0, cut_off=False)
        for node, hears in ((2, (4,)), (4, (1,)))
    ]
    for _ in range(3):
        one.hear(msgspec.structs.replace(heartbeat(2, LEADER), heard=(3, 4, 5)))
        one.wake(Timer.FORWARD, after_ms=50)
    one.hear(LinkStates(sender=2, states=tuple(states)))

    effects = one.hear(Forward(sender=3, path=(3,), requests=(request(1),)))

    [relay] = messages(effects, Relay)
    assert (receivers(effects, Relay), relay.path) == ([4], (2,))
    assert relay.message == Forward(sender=1, path=(3, 1), requests=(request(1),))


def test_a_peer_that_only_knows_of_a_leader_passes_on_to_who_named_it() -> None:
    """Rule 7: in a row of nodes a write goes from neighbour to neighbour, never back to where it was."""
    one = apart()

    effects = one.hear(Forward(sender=2, path=(2,), requests=(request(1),)))

    assert receivers(effects, Forward) == [3]


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ((3, 1, 4), "it has been here"),
        ((2, 3), "it comes from the leader"),
        ((6, 7, 3, 4, 5), "it has passed as many nodes as there are"),
    ],
)
def test_a_write_that_goes_in_a_circle_or_too_far_is_sent_back(path: tuple[int, ...], why: str) -> None:
    """Rule 7: the hop count bounds it."""
    effects = follower().hear(Forward(sender=path[-1], path=path, requests=(request(1),)))

    assert messages(effects, Forward) == [], why
    [reply] = messages(effects, ForwardReply)
    assert (reply.path, reply.ids, reply.decided) == (path[:-1], (("c", 1),), 0)
    assert receivers(effects, ForwardReply) == [path[-1]]


def test_a_peer_that_knows_no_leader_sends_back() -> None:
    """Rule 7: the origin need not wait for a peer that cannot help."""
    effects = One().hear(Forward(sender=3, path=(3,), requests=(request(1),)))

    [reply] = messages(effects, ForwardReply)
    assert (reply.decided, reply.leader) == (0, 0)


def test_a_peer_answers_itself_what_it_has_applied() -> None:
    """Rule 14: a retry of a decided write needs no leader; what is still open goes on."""
    one = follower()
    decide(one, 1)

    effects = one.hear(Forward(sender=3, path=(3,), requests=(request(1), request(2))))

    [reply] = messages(effects, ForwardReply)
    assert (reply.ids, reply.decided) == ((("c", 1),), 1)
    assert [message.requests for message in messages(effects, Forward)] == [(request(2),)]


def test_the_leader_queues_what_comes_forwarded() -> None:
    """Rule 7: from anybody, once."""
    effects = leading().hear(
        Forward(sender=3, path=(3,), requests=(request(1),)), Forward(sender=4, path=(3, 4), requests=(request(1),))
    )

    assert proposals(effects) == [(1, (value(1),))]


# The way back


def test_an_answer_travels_back_along_its_path() -> None:
    """Rule 7: each node takes itself off and hands it to the one before, under its own name."""
    reply = ForwardReply(sender=5, path=(2, 3), ids=(("c", 1),), leader=5, decided=0)

    effects = One().hear(reply)

    assert receivers(effects, ForwardReply) == [3]
    [passed] = messages(effects, ForwardReply)
    assert (passed.sender, passed.path) == (1, (2,))


def test_an_answer_makes_its_origin_fetch_what_it_lacks() -> None:
    """Rules 7 and 12: a node that does not hear the leader learns from the peer where its write stands."""
    one = apart()
    one.submit(request(1))

    effects = one.hear(ForwardReply(sender=3, path=(), ids=(("c", 1),), leader=5, decided=4))

    assert messages(effects, Catchup) == [Catchup(sender=1, first_slot=1, last_slot=4)]
    assert receivers(effects, Catchup) == [3]
    assert ("c", 1) in one.replica.waiting.writes, "not answered before it is applied here"


def test_a_write_is_settled_when_it_is_applied_here() -> None:
    """Rules 7 and 11: decided by votes and a prefix."""
    one = follower()
    one.submit(request(1), request(2))

    decide(one, 2)

    assert list(one.replica.waiting.writes) == [("c", 1)]


def test_a_write_is_settled_when_it_comes_in_fetched_blocks() -> None:
    """Rules 7 and 12: blocks are text that Paxos does not read; the driver knows what it has applied."""
    one = follower()
    one.submit(request(1))
    one.where["c", 1] = 1

    one.hear(CatchupReply(sender=2, first_slot=1, blocks=("block",), decided=1))

    assert one.replica.waiting.writes == {}
    assert messages(one.wake(Timer.FORWARD, after_ms=500), Forward) == []


# Giving up


def test_without_a_majority_a_write_is_given_up_and_called_so() -> None:
    """Rule 6: nobody leads and too few are heard: "no majority", after a few seconds."""
    one = One()
    one.submit(request(1))
    effects = one.wake(Timer.FORWARD, after_ms=5_999)
    assert of(effects, GiveUp) == []

    effects = one.wake(Timer.FORWARD, after_ms=1)

    assert of(effects, GiveUp) == [GiveUp((("c", 1),), True)]
    assert one.replica.waiting.writes == {}


def test_with_a_majority_in_sight_a_write_waits_longer_and_ends_as_a_time_out() -> None:
    """Rule 6: a leader that answers nothing is no lack of a majority; the fate of the write is unknown."""
    one = follower()
    one.submit(request(1))
    effects = []
    for _ in range(29):
        effects += one.hear(heartbeat(2, LEADER)) + one.wake(Timer.FORWARD, after_ms=1_000)
    assert of(effects, GiveUp) == []

    effects = one.wake(Timer.FORWARD, after_ms=1_000)

    assert of(effects, GiveUp) == [GiveUp((("c", 1),), False)]


def test_a_node_that_hears_a_majority_is_not_majorityless_without_a_leader() -> None:
    """Rule 6: an election that takes its time is no lack of a majority."""
    one = One()
    one.submit(request(1))
    effects = []
    for _ in range(8):
        effects += one.hear(*(PreVote(sender=node, stamp=0, decided=0, promised=NO_BALLOT) for node in (2, 3)))
        effects += one.wake(Timer.FORWARD, after_ms=1_000)

    assert of(effects, GiveUp) == []


def test_what_was_given_up_may_be_tried_again() -> None:
    """Rule 14: the client's retry has the same name and may find the first try decided."""
    one = One()
    one.submit(request(1))
    for _ in range(2):
        one.wake(Timer.FORWARD, after_ms=6_000)

    one.submit(request(1))

    assert list(one.replica.waiting.writes) == [("c", 1)]


def test_while_somebody_waits_the_alarm_is_set_and_otherwise_not() -> None:
    """Rule 7: no work for nobody."""
    one = follower()
    assert alarms(one.submit(request(1)), Timer.FORWARD) == [(100, 100)]
    assert alarms(one.submit(request(2)), Timer.FORWARD) == [], "it is set"
    assert alarms(one.wake(Timer.FORWARD, after_ms=100), Timer.FORWARD) == [(100, 100)]
    decide(one, 1, 2)

    assert one.wake(Timer.FORWARD, after_ms=100) == []


def test_a_vote_alone_answers_nobody() -> None:
    """Rule 11: accepted is not decided."""
    one = One(accepted={1: Acceptance(1, LEADER, value(1))})
    one.submit(request(1))

    assert ("c", 1) in one.replica.waiting.writes
