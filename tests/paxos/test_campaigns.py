"""Campaigns: opening a ballot, promises and refusals, and pauses between campaigns (rules 3 to 5)."""

from __future__ import annotations

import pytest

from paxos.effects import Note, Persist, Send, Timer
from paxos.messages import Acceptance, Heartbeat, Prepare, PreVote, Promise, Reject
from paxos.records import OpenedRecord, PromiseRecord
from tests.paxos.one_replica import (
    One,
    alarms,
    ballot,
    grants,
    heartbeat,
    messages,
    of,
    prepare,
    promise,
    receivers,
    records,
    reject,
    value,
)


def candidate() -> One:
    """Node 1, which has opened a ballot and waits for promises."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(grants(2), grants(3))
    assert one.role() == "candidate"
    return one


# Rule 3: campaigns, promises and refusals


def test_a_campaign_goes_above_every_ballot_seen() -> None:
    """Rule 3: whoever named it, and whatever else was said with it."""
    one = One(promised=ballot(3, 4))
    one.wake(Timer.ELECTION)

    effects = one.hear(grants(2, promised=ballot(41, 5)), grants(3))

    assert [campaign.ballot for campaign in messages(effects, Prepare)] == [ballot(42, 1)]


@pytest.mark.parametrize(
    ("promised", "opened"), [(ballot(7, 3), ballot(0, 0)), (ballot(0, 0), ballot(7, 1)), (ballot(7, 1), ballot(7, 1))]
)
def test_no_life_opens_a_ballot_of_an_earlier_one(promised: object, opened: object) -> None:
    """Rules 3 and 15: after a restart a campaign goes above the promises and campaigns on disk."""
    one = One(promised=promised, opened=opened)  # type: ignore[arg-type]
    one.take_over()

    assert one.replica.status().ballot == ballot(8, 1)


def test_a_campaign_is_on_disk_before_anybody_hears_of_it() -> None:
    """What is on disk before what is said.

    The record of the campaign stands before every PREPARE, which waits for it.
    """
    one = One()
    one.wake(Timer.ELECTION)

    effects = one.hear(grants(2), grants(3))

    assert records(effects) == [OpenedRecord(ballot(1, 1))]
    opened = effects.index(Persist(OpenedRecord(ballot(1, 1))))
    campaigns = [place for place, effect in enumerate(effects) if isinstance(effect, Send)]
    assert receivers(effects, Prepare) == [2, 3, 4, 5]
    assert opened < min(campaigns)


def test_a_candidate_counts_its_own_promise_only_when_it_is_on_disk() -> None:
    """What is on disk before what is said: the own promise comes back as a message that waits for the record."""
    one = One()
    one.wake(Timer.ELECTION)
    one.replica.receive(grants(2), one.now)
    one.replica.receive(grants(3), one.now)
    one.replica.flush(one.now)

    effects = one.replica.take_effects()

    assert one.replica.campaign.promises == {}
    assert [send.to for send in of(effects, Send) if isinstance(send.message, Promise)] == [(1,)]


def test_a_campaign_asks_from_the_first_slot_that_is_not_decided() -> None:
    """Rule 3: what is decided here need not be reported."""
    one = One(decided=4)
    one.wake(Timer.ELECTION)

    effects = one.hear(grants(2), grants(3))

    assert [campaign.first_slot for campaign in messages(effects, Prepare)] == [5]


def test_a_promise_given_is_on_disk_and_tells_the_votes() -> None:
    """Rule 3: the answer to a campaign is written first, and holds every vote from the asked slot on."""
    vote = Acceptance(2, ballot(1, 4), value(2))
    one = One(accepted={1: Acceptance(1, ballot(1, 4), value(1)), 2: vote})

    effects = one.hear(prepare(2, 3, first_slot=2))

    assert records(effects) == [PromiseRecord(ballot(2, 3))]
    assert [given.accepted for given in messages(effects, Promise)] == [(vote,)]


def test_a_candidate_that_promises_a_higher_campaign_stands_down() -> None:
    """Rule 3: it cannot lead with a ballot that it has promised not to serve."""
    one = candidate()
    campaign = one.replica.campaign.ballot

    one.hear(prepare(campaign.round + 1, 3))
    one.hear(promise(2, campaign), promise(4, campaign))

    assert one.role() == "follower"


def test_a_candidate_refuses_a_lower_campaign() -> None:
    """Rule 3: its own campaign was a promise."""
    one = One(promised=ballot(3, 2))
    one.wake(Timer.ELECTION)
    one.hear(grants(2), grants(3))

    effects = one.hear(prepare(4, 0), prepare(3, 5))

    assert messages(effects, Promise) == []
    assert len(messages(effects, Reject)) == 2
    assert one.role() == "candidate"


# Rule 4: a majority of promises


def test_a_majority_of_promises_makes_a_leader() -> None:
    """Rule 4: two promises and the own one are three of five; two are not."""
    one = candidate()
    campaign = one.replica.campaign.ballot

    one.hear(promise(2, campaign))
    assert one.role() == "candidate"
    effects = one.hear(promise(3, campaign))

    assert one.role() == "leader"
    assert receivers(effects, Heartbeat) == [2, 3, 4, 5]
    assert any(note.kind == "leader" for note in of(effects, Note))


def test_a_promise_that_comes_twice_is_one_promise() -> None:
    """Rule 4: distinct nodes make a majority."""
    one = candidate()
    campaign = one.replica.campaign.ballot

    one.hear(promise(2, campaign), promise(2, campaign), promise(2, campaign))

    assert one.role() == "candidate"


def test_promises_of_another_ballot_do_not_count() -> None:
    """Rule 4: a late promise, of an earlier attempt or incarnation, is for a ballot of no present campaign."""
    one = candidate()
    campaign = one.replica.campaign.ballot

    one.hear(promise(2, ballot(campaign.round - 1, 1)), promise(3, ballot(campaign.round - 1, 1)))

    assert one.role() == "candidate"


def test_promises_to_a_candidate_that_gave_up_do_not_count() -> None:
    """Rule 4: it may have promised somebody else since."""
    one = candidate()
    campaign = one.replica.campaign.ballot
    one.wake(Timer.ELECTION, after_ms=400)

    one.hear(promise(2, campaign), promise(3, campaign))

    assert one.role() == "follower"


def test_lost_campaigns_are_sent_again_to_those_who_have_not_promised() -> None:
    """Rule 10: the ballot stays the same, so that a doubled answer is harmless."""
    one = candidate()
    campaign = one.replica.campaign.ballot
    one.hear(promise(3, campaign))

    effects = one.wake(Timer.RESEND, after_ms=100)

    assert receivers(effects, Prepare) == [2, 4, 5]
    assert {again.ballot for again in messages(effects, Prepare)} == {campaign}
    assert one.replica.status().elections == 1


def test_lost_questions_are_asked_again() -> None:
    """Rule 1: whoever has not said yes may not have been reached."""
    one = One()
    one.wake(Timer.ELECTION)
    one.hear(grants(3))

    assert receivers(one.wake(Timer.RESEND, after_ms=100), PreVote) == [2, 4, 5]


def test_on_a_slow_network_nobody_is_asked_again_before_an_answer_can_be_here() -> None:
    """Rule 5: a candidate looks every second, but asks again only after twice the measured round trip."""
    one = One()
    one.wake(Timer.ELECTION)
    for _ in range(4):
        one.wake(Timer.RESEND, after_ms=1_000)
    one.hear(grants(2))  # Asked at 0, answered after four seconds.

    asked = [bool(messages(one.wake(Timer.RESEND, after_ms=1_000), PreVote)) for _ in range(16)]

    assert [second for second, again in enumerate(asked, 5) if again] == [13]


# Rule 5: pauses


def test_a_candidate_that_failed_waits_longer_each_time_up_to_a_cap() -> None:
    """Rule 5: randomised, growing, capped: rivals spread out, and nobody is forgotten for ever."""
    one = One()
    pauses = []
    for _ in range(8):
        one.wake(Timer.ELECTION)
        [(least, most)] = alarms(one.wake(Timer.ELECTION, after_ms=400), Timer.ELECTION)
        assert least == 1
        pauses.append(most)

    assert pauses == [101, 201, 401, 801, 801, 801, 801, 801]


def test_a_leader_that_was_heard_ends_the_growing_of_pauses() -> None:
    """Rule 5: the next election begins afresh."""
    one = One()
    for _ in range(3):
        one.wake(Timer.ELECTION)
        one.wake(Timer.ELECTION, after_ms=400)
    one.hear(heartbeat(2, ballot(1, 2)))
    one.now += 1_000
    one.wake(Timer.ELECTION)

    [(_, most)] = alarms(one.wake(Timer.ELECTION, after_ms=400), Timer.ELECTION)

    assert most == 101


def test_a_campaign_that_cannot_win_any_more_is_given_up_at_once() -> None:
    """Rule 5: with three refusals of five no majority of promises is left to wait for."""
    one = candidate()

    one.hear(reject(2, one, promised=7), reject(3, one, promised=7))
    assert one.role() == "candidate"
    one.hear(reject(4, one, promised=7))

    assert one.role() == "follower"


def test_refusals_of_one_node_are_one_refusal() -> None:
    """Rule 5: a REJECT that comes three times does not end a campaign that others may still promise."""
    one = candidate()

    one.hear(reject(2, one, promised=7), reject(2, one, promised=7), reject(2, one, promised=7))

    assert one.role() == "candidate"


def test_refusals_of_an_earlier_campaign_are_no_refusals_of_the_next() -> None:
    """Rule 5: each campaign is given its own chance."""
    one = candidate()
    one.hear(reject(2, one), reject(3, one))
    one.wake(Timer.ELECTION, after_ms=400)
    one.wake(Timer.ELECTION, after_ms=100)
    one.hear(grants(2), grants(3))

    one.hear(reject(4, one))

    assert one.role() == "candidate"


def test_a_stale_refusal_ends_nothing() -> None:
    """Rule 3: a REJECT of an older ballot says nothing about the one that leads."""
    leader = One(promised=ballot(3, 2))
    leader.take_over()
    stale = Reject(sender=2, ballot=ballot(2, 1), promised=ballot(9, 5), leader=0, decided=0)

    leader.hear(stale)

    assert leader.role() == "leader"


def test_a_refusal_that_names_no_higher_promise_ends_nothing() -> None:
    """Rule 3: only a higher ballot is above a leader's."""
    leader = One()
    leader.take_over()

    leader.hear(reject(2, leader, promised=0, leader=3))

    assert leader.role() == "leader"
