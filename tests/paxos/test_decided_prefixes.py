"""What a decided prefix may prove, on both sides of the wire: rule 12."""

from __future__ import annotations

from paxos.ballot import NO_BALLOT
from paxos.messages import Accept, Catchup, CatchupReply, Decide, PreVote
from tests.paxos.bench_of_replicas import Bench
from tests.paxos.one_replica import One, accepted, delivered, messages, request


def test_a_leader_does_not_announce_at_its_ballot_what_others_decided_at_another() -> None:
    """A slot in flight that comes decided from elsewhere was chosen at another ballot, perhaps with another value.

    Followers that voted here must not take the prefix for a word about their votes (rule 12).
    """
    leader = One()
    leader.take_over()
    leader.submit(request(1))

    effects = leader.hear(
        CatchupReply(sender=5, first_slot=1, blocks=("chosen elsewhere",), decided=1),
    )

    assert leader.replica.status().decided == 1
    assert [message.decided for message in messages(effects, Decide)] == []


def test_a_leader_proposes_nothing_in_a_slot_that_it_knows_to_be_decided() -> None:
    """Slots that came decided from elsewhere are closed: the next proposal goes behind them (rule 8)."""
    leader = One()
    leader.take_over()
    leader.hear(CatchupReply(sender=5, first_slot=1, blocks=("a", "b"), decided=2))

    effects = leader.submit(request(1))

    assert [message.first_slot for message in messages(effects, Accept)] == [3]


def test_a_leader_announces_again_once_its_own_votes_are_in() -> None:
    """What was recovered here and decided elsewhere is chosen at this ballot too in the end, and then said (rule 4)."""
    leader = One()
    leader.take_over()
    leader.submit(request(1))
    leader.hear(CatchupReply(sender=5, first_slot=1, blocks=("the same",), decided=1))

    effects = leader.hear(accepted(2, leader, 1), accepted(3, leader, 1))

    assert [message.decided for message in messages(effects, Decide)] == [1]
    assert delivered(effects) == []


def test_a_leader_that_was_replaced_unawares_does_not_mislead_its_last_follower() -> None:
    """An old leader learns by catch-up what others decided, before it hears that it was replaced (rule 12).

    It and one follower were cut off with a proposal in flight for the same slot.
    """
    bench = Bench()
    old = bench.leader()
    bench.run(200)
    friend, *others = (node for node in bench.nodes if node != old)
    bench.split({old, friend}, set(others))
    lost = bench.write(old)
    bench.run(20)
    assert bench.of(friend).votes()[1].value[0].id == lost
    bench.until(lambda: len(bench.leaders()) == 2, 400)
    new = next(node for node in bench.leaders() if node != old)
    kept = bench.write(new)
    bench.until(lambda: bench.answered(new, kept), 50)
    behind = next(node for node in others if node != new)
    bench.until(lambda: bench.of(behind).status().decided == 1, 60)

    assert bench.of(old).election.leading, "the old leader must not have noticed yet"
    bench.receive(old, PreVote(sender=behind, stamp=0, decided=1, promised=NO_BALLOT))
    [(_, _, question)] = bench.messages_of(Catchup, old)
    bench.receive(behind, question)
    [(_, _, answer)] = bench.messages_of(CatchupReply, behind)
    bench.receive(old, answer)
    bench.run(20)
    bench.heal()
    bench.run(2_000)

    assert bench.converged()
