"""A node that is cut off sends its link states, and then all nodes send theirs (rule 7)."""

from __future__ import annotations

import msgspec

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.effects import Timer
from paxos.messages import (
    AskRead,
    Catchup,
    Forward,
    ForwardReply,
    HeartbeatAck,
    LinkState,
    LinkStates,
    Prepare,
    PreVote,
    PreVoteReply,
    Relay,
)
from tests.paxos.one_replica import (
    One,
    accepted,
    alarms,
    ballot,
    heartbeat,
    leading,
    messages,
    of,
    receivers,
    request,
)

LEADER = ballot(1, 5)


def state(
    node: NodeId,
    *hears: NodeId,
    version: int = 1,
    leads: Ballot = NO_BALLOT,
    decided: int = 0,
    cut_off: bool = False,
) -> LinkState:
    """What `node` says of itself."""
    return LinkState(node=node, version=version, hears=hears, leads=leads, decided=decided, cut_off=cut_off)


def tells(sender: NodeId, *states: LinkState) -> LinkStates:
    """`sender` tells these states."""
    return LinkStates(sender=sender, states=states)


def ring() -> One:
    """Node 1, which hears only node 2, and is heard only by node 3; node 5 leads and hears node 3."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(
        tells(
            2,
            state(1, version=1),
            state(2, 5, version=2),
            state(3, 1, version=2),
            state(5, 3, version=2, leads=LEADER, decided=3),
        )
    )
    return one


# When link states are sent


def test_while_links_are_whole_nobody_tells_of_links() -> None:
    """Rule 7 costs nothing then: not a message, not a timer."""
    follower, effects = One(), []
    for _ in range(40):
        effects += follower.hear(heartbeat(5, LEADER)) + follower.wake(Timer.ELECTION, after_ms=50)
    leader = leading()
    for _ in range(40):
        effects += leader.hear(
            *(
                HeartbeatAck(sender=n, ballot=leader.replica.campaign.ballot, round=1, stamp=0, decided=0)
                for n in (2, 3)
            )
        )
        effects += leader.wake(Timer.HEARTBEAT, after_ms=50)

    assert messages(effects, LinkStates) == []
    assert alarms(effects, Timer.LINKS) == []


def test_an_ordinary_election_is_no_reason_to_tell() -> None:
    """The first alarm without a leader begins an election; only where that comes to nothing, links may be cut."""
    one = One()
    one.hear(heartbeat(5, LEADER))

    first = one.wake(Timer.ELECTION, after_ms=300)
    second = one.wake(Timer.ELECTION, after_ms=300)

    assert (messages(first, LinkStates), messages(first, PreVote) != []) == ([], True)
    [sent] = messages(second, LinkStates)
    assert sent.states == (state(1, 5, cut_off=True),)
    assert receivers(second, LinkStates) == [2, 3, 4, 5]


def test_a_follower_that_its_leader_does_not_hear_tells() -> None:
    """A link cut one way: heartbeats come, and leave this node out."""
    one, effects = One(), []
    for _ in range(4):
        effects += one.hear(msgspec.structs.replace(heartbeat(5, LEADER), heard=(2, 3, 4)))
        one.wake(Timer.HEARTBEAT, after_ms=50)

    assert [sent.states[0].cut_off for sent in messages(effects, LinkStates)] == [True]


def test_who_hears_of_a_node_that_is_cut_off_tells_too_and_then_in_rounds() -> None:
    """At once, at most once a heartbeat interval when there is news, and else every four intervals."""
    one = leading()
    effects = one.hear(tells(4, state(4, 3, cut_off=True)))
    [sent] = messages(effects, LinkStates)
    assert (sent.states[0].leads, sent.states[0].cut_off) == (one.replica.campaign.ballot, False)
    assert sent.states[1:] == (state(4, 3, cut_off=True),)
    assert alarms(effects, Timer.LINKS) == [(200, 200)]

    one.now += 20
    effects = one.hear(tells(4, state(4, 3, 2, version=2, cut_off=True)))

    assert (messages(effects, LinkStates), alarms(effects, Timer.LINKS)) == ([], [(30, 30)])
    assert len(messages(one.wake(Timer.LINKS, after_ms=30), LinkStates)) == 1
    assert messages(one.hear(tells(4, state(4, 3, 2, version=2, cut_off=True))), LinkStates) == [], "no news"


def test_when_nobody_is_cut_off_any_more_each_tells_once_more_and_falls_silent() -> None:
    """So that others fall silent soon too."""
    one = leading()
    one.hear(tells(4, state(4, cut_off=True)))
    one.hear(tells(4, state(4, version=2)))

    last = one.wake(Timer.LINKS, after_ms=200)

    assert (len(messages(last, LinkStates)), alarms(last, Timer.LINKS)) == (1, [])


def test_the_state_of_a_node_that_has_died_is_not_repeated_for_ever() -> None:
    """Its last state ages out, whoever repeats it."""
    one, effects = leading(), []
    one.hear(tells(4, state(4, cut_off=True)))
    for _ in range(20):
        one.hear(tells(3, state(4, cut_off=True)))
        effects = one.wake(Timer.LINKS, after_ms=200)

    assert alarms(effects, Timer.LINKS) == []


def test_a_new_incarnation_goes_on_above_the_versions_of_the_last_one() -> None:
    """Otherwise its states would count as old."""
    one = leading()

    effects = one.hear(tells(4, state(1, version=77), state(4, cut_off=True)))

    assert [sent.states[0].version for sent in messages(effects, LinkStates)] == [78]


# What they are good for


def test_a_node_that_hears_no_answer_learns_who_leads_and_stands_down() -> None:
    """Rules 2 and 7: it hears neither the leader nor a refusal of its pre-vote, only that others go on well."""
    one = ring()

    assert (one.role(), one.replica.status().leader) == ("follower", 5)


def test_what_it_wants_takes_the_way_there() -> None:
    """Rules 7 and 12: writes, reads and the slots that it lacks; nobody near it leads."""
    one = ring()

    effects = one.submit(request(1)) + one.read(1) + one.wake(Timer.CATCHUP, after_ms=400)

    relays = messages(effects, Relay)
    assert {type(relay.message) for relay in relays} == {Forward, AskRead, Catchup}
    assert {relay.path for relay in relays} == {(5,)}
    assert set(receivers(effects, Relay)) == {3}
    assert [kind for kind in (Forward, AskRead, Catchup) if receivers(effects, kind)] == []


def test_a_relay_is_passed_on_unread_and_handled_where_it_ends() -> None:
    """Rule 7: the node between changes nothing; the receiver answers the origin on a way of its own."""
    forward = Forward(sender=4, path=(4,), requests=(request(1),))
    between = One(node=3)
    assert messages(between.hear(Relay(sender=4, path=(5,), message=forward)), Relay) == [
        Relay(sender=3, path=(), message=forward)
    ]
    leader = leading()
    leader.hear(tells(2, state(4, 2, cut_off=True), state(2, 1)))

    leader.hear(Relay(sender=3, path=(), message=forward))
    effects = leader.hear(accepted(3, leader, 1), accepted(5, leader, 1))

    [back] = messages(effects, Relay)
    assert (receivers(effects, Relay), back.path) == ([2], (4,))
    assert isinstance(back.message, ForwardReply)
    assert 4 not in leader.replica.core.heard_ms, "nothing came from there straight"


def test_knowing_a_leader_by_way_of_others_refuses_nobody() -> None:
    """Rule 2 is about leaders that are heard. One that has lost its majority may still be named for a while."""
    one = ring()

    effects = one.hear(PreVote(sender=2, stamp=0, decided=0, promised=NO_BALLOT))

    assert [answer.would_grant for answer in messages(effects, PreVoteReply)] == [True]


def test_link_states_open_no_ballot() -> None:
    """Rule 2: whoever is cut off asks around and disturbs nobody; votes and promises take no way around."""
    one, effects = ring(), []
    for _ in range(20):
        effects += one.wake(Timer.ELECTION, after_ms=400)
        effects += one.hear(tells(2, state(2, 5, version=99), state(5, 3, version=99, leads=LEADER)))

    assert messages(effects, Prepare) == []
    assert of(effects, Relay) == []
