"""The roles side by side: who hears what, in which order things leave, and what a restart brings back (rule 15)."""

from __future__ import annotations

from typing import get_args

import pytest

from paxos.ballot import NO_BALLOT
from paxos.core import Config
from paxos.effects import Deliver, Persist, Send, SendNow, ServeCatchup, SetTimer, Timer
from paxos.messages import (
    Accept,
    Acceptance,
    Accepted,
    AnyMessage,
    AskMemory,
    AskRead,
    Catchup,
    CatchupReply,
    Decide,
    Forward,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    Hints,
    LinkState,
    LinkStates,
    Memory,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    ReadAt,
    Reject,
    Relay,
    StepDown,
)
from paxos.replica import Replica
from paxos.waiting_requests import WaitingRequests
from tests.paxos.one_replica import (
    One,
    accepted,
    ballot,
    delivered,
    grants,
    heartbeat,
    leading,
    messages,
    of,
    promise,
    receivers,
    records,
    request,
    value,
)

STALE, CURRENT, HIGH = ballot(1, 3), ballot(5, 2), ballot(9, 4)


def accept(slot: int, number: int, decided: int = 0) -> Accept:
    """A proposal of node 2 at the current ballot."""
    return Accept(sender=2, ballot=CURRENT, first_slot=slot, values=(value(number),), decided=decided)


def one_of_each(node: int) -> list[AnyMessage]:
    """Every message there is, as an earlier incarnation of `node` may have sent it."""
    return [
        PreVote(sender=node, stamp=9_999, decided=0, promised=STALE),
        PreVoteReply(sender=node, stamp=9_999, would_grant=True, leader=0, hops=0, promised=STALE, decided=0),
        Prepare(sender=node, ballot=STALE, first_slot=1, stamp=9_999),
        Promise(sender=node, ballot=STALE, accepted=(), decided=0, stamp=9_999),
        Reject(sender=node, ballot=STALE, promised=HIGH, leader=node, decided=0),
        Accept(sender=node, ballot=STALE, first_slot=1, values=(value(99),), decided=0),
        Accepted(sender=node, ballot=STALE, first_slot=1, last_slot=1),
        Decide(sender=node, ballot=STALE, decided=0),
        heartbeat(node, STALE),
        HeartbeatAck(sender=node, ballot=STALE, round=99, stamp=9_999, decided=0),
        StepDown(sender=node, ballot=STALE),
        Forward(sender=node, path=(node,), requests=()),
        ForwardReply(sender=node, path=(), ids=(("c", 1),), leader=node, decided=0),
        AskRead(sender=node, path=(node,), reads=()),
        ReadAt(sender=node, path=(), reads=(7,), slot=-1, leader=node),
        Catchup(sender=node, first_slot=1, last_slot=9),
        CatchupReply(sender=node, first_slot=1, blocks=(), decided=0),
        Hints(sender=node, first_slot=1, hints=(1,)),
        AskMemory(sender=node, era=0, nonce=9, lost=False, stamp=9_999),
        Memory(
            sender=node,
            era=0,
            nonce=9,
            stamp=9_999,
            eras=(),
            whole=True,
            promised=STALE,
            last_slot=0,
            decided=0,
            heard_promise=HIGH,
            heard_vote=HIGH,
            heard_slot=9,
        ),
        LinkStates(
            sender=node,
            states=(LinkState(node=node, version=99, hears=(1,), leads=STALE, decided=0, cut_off=True),),
        ),
        Relay(sender=node, path=(), message=ReadAt(sender=node, path=(), reads=(7,), slot=-1, leader=node)),
    ]


def test_every_message_of_an_earlier_incarnation_is_harmless_to_a_leader() -> None:
    """Messages: one of each kind, of every node, late and twice; the leader leads on, nothing is decided by it."""
    assert {type(message) for message in one_of_each(2)} == set(get_args(AnyMessage))
    one = One(promised=CURRENT)
    one.take_over()
    one.submit(request(1))

    for node in (2, 3, 4, 5):
        one.hear(*one_of_each(node), *one_of_each(node))

    assert one.role() == "leader"
    assert one.log == []
    assert one.replica.votes()[1].value == value(1)


def test_every_message_of_an_earlier_incarnation_is_harmless_to_a_follower() -> None:
    """Messages: nothing is promised, accepted or decided that the current ballot does not allow."""
    one = One(promised=CURRENT)
    one.hear(heartbeat(2, CURRENT), accept(1, 1))

    effects = []
    for node in (3, 4, 5):
        effects += one.hear(*one_of_each(node))

    assert (one.role(), one.replica.status().leader, one.replica.status().promised) == ("follower", 2, CURRENT)
    assert records(effects) == []
    assert one.replica.votes()[1] == Acceptance(1, CURRENT, value(1))
    assert one.log == []


def test_a_proposal_is_a_vote_a_sign_of_life_and_a_word_about_the_past() -> None:
    """Rules 9, 1 and 12: the record, the acknowledgement behind it, and what its prefix decides."""
    one = One()
    one.hear(accept(1, 1))

    effects = one.hear(accept(2, 2, decided=1))

    kept = [effect for effect in effects if isinstance(effect, Persist | Send | Deliver)]
    assert [type(effect).__name__ for effect in kept] == ["Persist", "Send", "Deliver"]
    assert delivered(effects) == [(1, value(1))]
    assert one.replica.status().leader == 2


def test_a_stale_proposal_is_refused_with_the_promise_that_stands() -> None:
    """Rule 3: so that an old leader learns of its successor."""
    one = One(promised=CURRENT)

    effects = one.hear(Accept(sender=3, ballot=STALE, first_slot=1, values=(value(1),), decided=1))

    assert [(no.ballot, no.promised) for no in messages(effects, Reject)] == [(STALE, CURRENT)]
    assert records(effects) == []


def test_the_prefix_of_a_stale_leader_is_not_believed() -> None:
    """Rule 12: what a stepped down leader says of decided slots proves no vote of the present."""
    one = One(promised=CURRENT, accepted={1: Acceptance(1, STALE, value(1))})

    effects = one.hear(Decide(sender=3, ballot=STALE, decided=1), heartbeat(3, STALE, decided=1))

    assert delivered(effects) == []


def test_heartbeats_are_acknowledged_with_their_round_and_stamp() -> None:
    """Rule 6 and "Reads": the leader measures and confirms by what comes back untouched."""
    beat = Heartbeat(sender=2, ballot=CURRENT, decided=0, round=17, stamp=4_242, heard=(), round_trip_ms=0)

    [answer] = messages(One(decided=3).hear(beat), HeartbeatAck)

    assert (answer.ballot, answer.round, answer.stamp, answer.decided) == (CURRENT, 17, 4_242, 3)


def test_decided_slots_are_served_to_who_asks() -> None:
    """Rule 12: leader or follower, from the chain."""
    effects = One(decided=9).hear(Catchup(sender=4, first_slot=3, last_slot=20))

    assert of(effects, ServeCatchup) == [ServeCatchup(4, 3, 9)]


def test_hints_are_none_of_its_business() -> None:
    """Messages: nonces are for the driver."""
    assert One().hear(Hints(sender=2, first_slot=1, hints=(5,))) == []


@pytest.mark.parametrize("batch", [1, 7])
def test_what_arrives_together_is_answered_together(batch: int) -> None:
    """Group commit: many writes in one batch are one ACCEPT, one acknowledgement and one DECIDE."""
    one = leading()

    effects = one.submit(*(request(number) for number in range(1, batch + 1)))
    effects += one.hear(accepted(2, one, 1, batch), accepted(3, one, 1, batch))

    assert len(messages(effects, Accept)) == 1
    assert len(messages(effects, Accepted)) == 1
    assert len(messages(effects, Decide)) == 1
    assert len(delivered(effects)) == batch


def test_no_durable_send_leaves_before_its_record() -> None:
    """What is on disk before what is said: through an election and a write, on both sides of each message.

    PROMISE, PREPARE and ACCEPTED are sent with `Send` only, behind the record; nothing else needs to wait.
    """
    candidate, voter = One(), One(node=2)
    candidate.wake(Timer.ELECTION)
    effects = candidate.hear(grants(2), grants(3))
    effects += voter.hear(*messages(effects, Prepare))
    effects += candidate.hear(*messages(effects, Promise), promise(3, candidate.replica.status().ballot))
    effects += candidate.submit(request(1))
    effects += voter.hear(*messages(effects, Accept))

    durable = {Prepare, Promise, Accepted}
    assert {type(effect.message) for effect in of(effects, Send)} == durable
    assert not {type(effect.message) for effect in of(effects, SendNow)} & durable


def test_an_incarnation_begins_with_an_alarm_and_nothing_else() -> None:
    """Rule 15: a node that starts looks for a leader soon; it does not campaign before it has asked."""
    replica = Replica(
        Config(node=1, nodes=(1, 2, 3)),
        promised=NO_BALLOT,
        opened=NO_BALLOT,
        accepted={},
        decided=0,
        applied=lambda _client, _seq: 0,
        waiting=WaitingRequests(),
    )

    replica.start(1_700_000_000_000)

    assert [type(effect) for effect in replica.take_effects()] == [SetTimer]


def test_an_incarnation_begins_with_the_promise_the_votes_and_the_chain_of_the_last() -> None:
    """Rule 15: it answers a PREPARE as the last incarnation would have."""
    vote = Acceptance(4, STALE, value(4))
    one = One(promised=CURRENT, accepted={4: vote}, decided=3)

    low = one.hear(Prepare(sender=3, ballot=STALE, first_slot=1, stamp=0))
    high = one.hear(Prepare(sender=4, ballot=HIGH, first_slot=1, stamp=0))

    assert messages(low, Promise) == []
    [reported] = messages(high, Promise)
    assert (reported.accepted, reported.decided) == ((vote,), 3)


def test_a_restarted_node_catches_up() -> None:
    """Rule 15: what its leader has decided meanwhile is fetched."""
    effects = One(decided=3).hear(heartbeat(2, CURRENT, decided=9))

    assert messages(effects, Catchup) == [Catchup(sender=1, first_slot=4, last_slot=9)]


def test_a_clock_that_jumps_back_stops_nothing() -> None:
    """Rule 5: alarms ring by the driver; time only stands still once."""
    one = leading()
    one.now -= 1_000_000

    assert receivers(one.wake(Timer.HEARTBEAT), Heartbeat) == [2, 3, 4, 5]
    assert one.role() == "leader"


def test_a_status_tells_what_the_replica_is_at() -> None:
    """What status and checks show of a node."""
    one = leading(window=1)
    one.submit(request(1), request(2))

    replica = one.replica
    assert (replica.status().role, replica.status().ballot, replica.status().promised) == (
        "leader",
        ballot(1, 1),
        ballot(1, 1),
    )
    assert (replica.status().leader, replica.status().decided, replica.status().accepted) == (1, 0, 1)
    assert (replica.status().in_flight, replica.status().queued) == (1, 1)
    assert (replica.status().elections, replica.status().leaderships) == (1, 1)
    assert replica.status().heard == (2, 3)


def test_each_message_and_each_timer_has_its_role() -> None:
    """A new one without a place in the tables would end the node that gets it."""
    assert set(Replica._handlers) == set(get_args(AnyMessage))
    assert set(Replica._alarms) == set(Timer)
