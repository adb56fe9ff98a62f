"""Who asks for votes, who is followed, and who stands down: rules 1, 2 and 6."""

from __future__ import annotations

import pytest

from paxos.ballot import NO_BALLOT, Ballot
from paxos.effects import Timer
from paxos.messages import (
    Accept,
    AnyMessage,
    Decide,
    PreVote,
    PreVoteReply,
    Promise,
    Reject,
    StepDown,
)
from tests.paxos.one_replica import (
    One,
    alarms,
    ballot,
    grants,
    heartbeat,
    messages,
    prepare,
    promise,
    receivers,
    records,
    refuses,
    reject,
    request,
    value,
)


def pre_vote(node: int, *, stamp: int = 0, decided: int = 0, promised: Ballot = NO_BALLOT) -> PreVote:
    """The question of `node`."""
    return PreVote(sender=node, stamp=stamp, decided=decided, promised=promised)


def candidate() -> One:
    """Node 1, which has opened a ballot and waits for promises."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(grants(2), grants(3))
    assert one.role() == "candidate"
    return one


# Rule 1: silence makes a candidate


def test_a_silent_cluster_makes_a_candidate() -> None:
    """Rule 1: a follower that hears nothing for its election timeout asks who would promise."""
    one = One()

    effects = one.wake(Timer.ELECTION)

    assert receivers(effects, PreVote) == [2, 3, 4, 5]
    assert one.role() == "candidate"


def test_the_election_timeout_is_random() -> None:
    """Rule 1: followers of a dead leader do not all rise in the same millisecond."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    [(least, most)] = alarms(one.wake(Timer.ELECTION), Timer.ELECTION)

    assert most >= 2 * least > 0


def test_a_follower_that_hears_its_leader_stays_a_follower() -> None:
    """Rule 1: an alarm that was set before the last heartbeats says nothing."""
    one = One()
    one.now = 100
    one.hear(heartbeat(2, ballot(1, 2)))

    effects = one.wake(Timer.ELECTION, after_ms=199)

    assert messages(effects, PreVote) == []
    assert alarms(effects, Timer.ELECTION) == [(1, 201)]
    assert messages(one.wake(Timer.ELECTION, after_ms=1), PreVote) != []


@pytest.mark.parametrize("kind", ["heartbeat", "accept", "decide"])
def test_whatever_a_leader_says_is_a_sign_of_life(kind: str) -> None:
    """Rule 1: under load the leader need not be heard by heartbeats to be heard."""
    one, campaign = One(), ballot(1, 2)
    sent: dict[str, AnyMessage] = {
        "heartbeat": heartbeat(2, campaign),
        "accept": Accept(sender=2, ballot=campaign, first_slot=1, values=(value(1),), decided=0),
        "decide": Decide(sender=2, ballot=campaign, decided=0),
    }

    one.hear(sent[kind])

    assert one.replica.status().leader == 2
    assert one.replica.view.hears_leader()


def test_a_write_without_a_leader_makes_a_candidate() -> None:
    """Rule 1: a node with a write to place and no leader known does not wait for its timeout."""
    one = One()

    effects = one.submit(request(1))

    assert receivers(effects, PreVote) == [2, 3, 4, 5]


def test_a_write_at_a_node_that_knows_a_leader_makes_no_candidate() -> None:
    """Rule 1: it is forwarded."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    assert messages(one.submit(request(1)), PreVote) == []


def test_a_write_does_not_flush_a_candidate_that_just_failed() -> None:
    """Rules 1 and 5: clients that wait everywhere must not make rivals campaign at fixed intervals."""
    one = One()
    one.wake(Timer.ELECTION)
    one.wake(Timer.ELECTION, after_ms=400)
    assert one.role() == "follower"

    effects = one.submit(request(1)) + one.wake(Timer.FORWARD, after_ms=100)

    assert messages(effects, PreVote) == []


# Rule 2: a leader that works is not unseated


def test_a_node_that_hears_a_leader_names_it_instead_of_promising() -> None:
    """Rule 2: neither the question nor the campaign moves it, however high the ballot."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    effects = one.hear(pre_vote(3), prepare(9, 3))

    [answer] = messages(effects, PreVoteReply)
    assert (answer.would_grant, answer.leader, answer.hops) == (False, 2, 1)
    [refusal] = messages(effects, Reject)
    assert (refusal.leader, refusal.ballot) == (2, ballot(9, 3))
    assert messages(effects, Promise) == []
    assert one.replica.status().promised < ballot(9, 3)


def test_a_leader_names_itself_instead_of_promising() -> None:
    """Rule 2: it works; whoever asks is told."""
    leader = One()
    leader.take_over()

    effects = leader.hear(pre_vote(3), prepare(9, 3))

    [answer] = messages(effects, PreVoteReply)
    assert (answer.would_grant, answer.leader, answer.hops) == (False, 1, 0)
    assert [refusal.leader for refusal in messages(effects, Reject)] == [1]
    assert leader.role() == "leader"


def test_a_node_promises_again_when_its_leader_has_been_silent() -> None:
    """Rule 2: a leader that is not heard any more protects nobody."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    one.now = 200
    effects = one.hear(pre_vote(3), prepare(2, 3))

    assert [answer.would_grant for answer in messages(effects, PreVoteReply)] == [True]
    assert [given.ballot for given in messages(effects, Promise)] == [ballot(2, 3)]


def test_a_leader_that_campaigns_again_leads_no_longer() -> None:
    """Rule 2: its own question or campaign ends the protection that its heartbeats gave."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    effects = one.hear(pre_vote(2, promised=ballot(1, 2)), prepare(2, 2))

    assert [answer.would_grant for answer in messages(effects, PreVoteReply)] == [True]
    assert [given.ballot for given in messages(effects, Promise)] == [ballot(2, 2)]


def test_a_question_from_before_it_led_unseats_no_leader() -> None:
    """Rule 2: the question was long underway; whoever asked it has campaigned, won and leads since."""
    one = One()
    one.hear(heartbeat(2, ballot(2, 2)))

    effects = one.hear(pre_vote(2, promised=ballot(1, 2)), pre_vote(3, promised=ballot(1, 2)))

    assert [(answer.would_grant, answer.leader) for answer in messages(effects, PreVoteReply)] == [(False, 2)] * 2


def test_a_campaign_of_the_leader_ends_its_leadership_here() -> None:
    """Rule 2: until it wins, nobody leads, and nobody else is turned away in its name."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    one.hear(prepare(2, 2))

    assert one.replica.status().leader == 0


def test_a_late_campaign_of_the_present_ballot_is_no_news() -> None:
    """Rule 2: a doubled PREPARE of a leader that has won since changes nothing."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    one.hear(prepare(1, 2))

    assert one.replica.status().leader == 2


def test_a_candidate_stands_down_for_a_leader_that_others_hear() -> None:
    """Rule 2: when so many hear a leader that no majority is left, it is followed through those who named it."""
    one = One()
    one.wake(Timer.ELECTION)

    one.hear(refuses(2, leader=5), refuses(3, leader=5), refuses(4, leader=5))

    assert one.role() == "follower"
    assert one.replica.status().leader == 5
    assert one.replica.view.ways() == [2, 3, 4]


def test_unready_nodes_open_no_ballot() -> None:
    """Rule 2: without a majority that would promise no ballot is opened, so nothing on any disk changes."""
    one = One()
    one.wake(Timer.ELECTION)

    effects = one.hear(grants(2), refuses(3, leader=5), refuses(4, leader=5))

    assert records(effects) == []
    assert one.replica.status().elections == 0


def test_one_ready_node_that_answers_twice_is_no_majority() -> None:
    """Rule 2: answers may be doubled; nodes are counted."""
    one = One()
    one.wake(Timer.ELECTION)

    one.hear(grants(2), grants(2), grants(2))

    assert one.replica.status().elections == 0


def test_a_node_that_changed_its_mind_is_not_counted() -> None:
    """Rule 2: the last word of a node is what counts."""
    one = One()
    one.wake(Timer.ELECTION)

    one.hear(grants(2), refuses(2, leader=5), grants(3))

    assert one.replica.status().elections == 0


def test_a_candidate_follows_a_leader_that_speaks() -> None:
    """Rule 2: whoever leads with a ballot at least as high as the own promise is followed at once."""
    one = candidate()

    one.hear(heartbeat(5, ballot(7, 5)))

    assert (one.role(), one.replica.status().leader) == ("follower", 5)


def test_a_node_that_was_promised_something_is_given_time() -> None:
    """Rule 5: right after a promise a rival's pre-vote is answered no, so that the first campaign can end."""
    one = One()
    one.hear(prepare(1, 2))

    soon = one.hear(pre_vote(3), pre_vote(2))
    one.now += 200
    late = one.hear(pre_vote(3))

    assert [answer.would_grant for answer in messages(soon, PreVoteReply)] == [False, True]
    assert [answer.would_grant for answer in messages(late, PreVoteReply)] == [True]


def test_a_row_of_nodes_passes_the_word_on() -> None:
    """Rule 2: who hears no leader itself tells what others have told, with its distance, and not to whom told it."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(refuses(2, leader=5, hops=1))

    effects = one.hear(pre_vote(3), pre_vote(2))

    assert [(answer.leader, answer.hops) for answer in messages(effects, PreVoteReply)] == [(5, 2), (0, 0)]


def test_of_two_rumours_the_nearer_one_is_believed() -> None:
    """Rule 2: word of an old leader may still go round where a new one is already heard."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(refuses(2, leader=5, hops=1))

    one.hear(refuses(3, leader=4, hops=2))
    assert one.replica.status().leader == 5
    one.hear(refuses(3, leader=4, hops=1))

    assert one.replica.status().leader == 4


def test_hearsay_does_not_hinder_an_election() -> None:
    """Rule 2: only who hears a leader itself refuses; otherwise a rumour of a dead leader could feed itself."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(refuses(2, leader=5, hops=1))

    [answer] = messages(one.hear(pre_vote(3)), PreVoteReply)

    assert answer.would_grant


def test_a_rumour_that_went_in_a_circle_is_not_believed() -> None:
    """Rule 2: a leader farther away than there are nodes is nobody's neighbour."""
    one = One()
    one.wake(Timer.ELECTION)

    one.hear(refuses(2, leader=5, hops=4))

    assert one.replica.status().leader == 0


def test_who_comes_back_with_a_high_ballot_costs_a_ballot_and_no_leader() -> None:
    """Rule 2: refused for a higher promise, a leader asks at once to campaign above it, and sends nobody elsewhere."""
    leader = One()
    leader.take_over()

    effects = leader.hear(reject(5, leader, promised=9))
    assert receivers(effects, PreVote) == [2, 3, 4, 5]
    assert messages(effects, StepDown) == []
    effects = leader.hear(grants(2), grants(3))
    campaign = leader.replica.campaign.ballot
    leader.hear(promise(2, campaign), promise(5, campaign))

    assert campaign == ballot(10, 1)
    assert leader.role() == "leader"


# Following


def test_a_stale_leader_is_refused_and_not_followed() -> None:
    """Rules 2 and 3: whoever promised more tells the old leader, so that it stops."""
    one = One(promised=ballot(5, 3))

    effects = one.hear(heartbeat(2, ballot(4, 2)))

    assert one.replica.status().leader == 0
    assert [refusal.promised for refusal in messages(effects, Reject)] == [ballot(5, 3)]


def test_of_two_leaders_the_higher_ballot_is_followed() -> None:
    """Rule 2: a late heartbeat of the lower one does not turn a follower round."""
    one = One()
    one.hear(heartbeat(3, ballot(2, 3)))

    one.hear(heartbeat(2, ballot(1, 2)))
    assert one.replica.status().leader == 3
    one.hear(heartbeat(4, ballot(2, 4)))

    assert one.replica.status().leader == 4


def test_a_leader_that_announces_its_step_down_is_forgotten_and_replaced_soon() -> None:
    """Rule 6: whoever hears STEP-DOWN looks for another leader within half an election timeout."""
    one = One()
    one.hear(heartbeat(2, ballot(1, 2)))

    effects = one.hear(StepDown(sender=2, ballot=ballot(1, 2)))

    assert one.replica.status().leader == 0
    assert alarms(effects, Timer.ELECTION) == [(0, 100)]


def test_a_late_leave_of_an_older_ballot_is_no_news() -> None:
    """Rule 6: the sender leads again, with another ballot."""
    one = One()
    one.hear(heartbeat(2, ballot(3, 2)))

    one.hear(StepDown(sender=2, ballot=ballot(1, 2)), StepDown(sender=3, ballot=ballot(9, 3)))

    assert one.replica.status().leader == 2
