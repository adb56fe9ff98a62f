"""What a node may take for chosen, and how it gets what it lacks: rules 11 and 12."""

from __future__ import annotations

import pytest

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.effects import Deliver, Install, SendNow, ServeCatchup, Timer
from paxos.learner import Learner
from paxos.messages import Accept, Acceptance, Catchup, CatchupReply, Value
from paxos.routes import Routes
from paxos.timeouts import Timeouts
from tests.paxos.one_replica import alarms, ballot, core, delivered, messages, of, receivers, value

OLD, NEW = ballot(1, 2), ballot(2, 3)


class Alone:
    """A learner of node 1 beside its acceptor; `settled` is what it said to be applied."""

    def __init__(self, decided: Slot = 0, votes: dict[Slot, Acceptance] | None = None) -> None:
        self.core = core()
        self.acceptor = Acceptor(self.core, NO_BALLOT, NO_BALLOT, votes or {})
        self.settled: list[Value] = []
        self.learner = Learner(
            self.core, Timeouts(self.core), self.acceptor, decided, self.settled.append, routes=Routes(self.core)
        )

    def accept(self, campaign: Ballot, first_slot: Slot, *values: Value) -> None:
        """The acceptor votes."""
        assert self.acceptor.accept(Accept(sender=2, ballot=campaign, first_slot=first_slot, values=values, decided=0))
        self.core.take_effects()


@pytest.fixture
def alone() -> Alone:
    """A learner that knows nothing yet."""
    return Alone()


def reply(node: int, first_slot: Slot, blocks: int, decided: Slot) -> CatchupReply:
    """Blocks of `node`."""
    return CatchupReply(sender=node, first_slot=first_slot, blocks=("block",) * blocks, decided=decided)


def test_slots_are_delivered_in_order(alone: Alone) -> None:
    """Rule 11: what is chosen beyond a gap waits until the gap is closed."""
    alone.learner.choose(2, value(2))
    alone.learner.advance()
    assert (alone.core.take_effects(), alone.learner.decided) == ([], 0)

    alone.learner.choose(1, value(1))
    alone.learner.advance()

    assert alone.core.take_effects() == [Deliver(1, value(1)), Deliver(2, value(2))]
    assert (alone.learner.decided, alone.settled) == (2, [value(1), value(2)])


def test_a_slot_is_delivered_once(alone: Alone) -> None:
    """Rule 11: a decision that is told again changes nothing."""
    alone.learner.choose(1, value(1))
    alone.learner.advance()
    alone.core.take_effects()

    alone.learner.choose(1, value(1))
    alone.learner.advance()

    assert alone.core.take_effects() == []
    assert alone.learner.chosen == {}


def test_a_prefix_proves_votes_of_its_own_ballot(alone: Alone) -> None:
    """Rule 12: what was accepted at b is chosen when the leader of b says so."""
    alone.accept(NEW, 1, value(1), value(2))

    alone.learner.prefix_decided(NEW, 2, source=3)

    assert delivered(alone.core.take_effects()) == [(1, value(1)), (2, value(2))]


@pytest.mark.parametrize("announced_at", [NEW, ballot(1, 1)])
def test_a_prefix_proves_no_vote_of_another_ballot(alone: Alone, announced_at: Ballot) -> None:
    """Rule 12: a vote of another ballot, higher or lower, may be for another value; the slot is fetched instead."""
    alone.accept(OLD, 1, value(1))

    alone.learner.prefix_decided(announced_at, 1, source=3)
    alone.learner.flush()

    effects = alone.core.take_effects()
    assert delivered(effects) == []
    assert messages(effects, Catchup) == [Catchup(sender=1, first_slot=1, last_slot=1)]


def test_a_prefix_proves_votes_that_come_after_it(alone: Alone) -> None:
    """Rule 12: DECIDE may overtake the ACCEPT that it speaks of."""
    alone.learner.prefix_decided(NEW, 1, source=3)
    alone.accept(NEW, 1, value(1))

    alone.learner.advance()

    assert delivered(alone.core.take_effects()) == [(1, value(1))]


def test_a_vote_beyond_the_prefix_is_not_proved(alone: Alone) -> None:
    """Rule 12: the prefix ends where it ends."""
    alone.accept(NEW, 1, value(1), value(2))

    alone.learner.prefix_decided(NEW, 1, source=3)

    assert delivered(alone.core.take_effects()) == [(1, value(1))]


def test_an_older_prefix_does_not_shorten_a_newer_one(alone: Alone) -> None:
    """Rule 12: messages may be reordered; the farthest word of the highest ballot counts."""
    alone.learner.prefix_decided(NEW, 2, source=3)
    alone.learner.prefix_decided(NEW, 1, source=3)
    alone.learner.prefix_decided(OLD, 9, source=2)
    alone.accept(NEW, 1, value(1), value(2), value(3))

    alone.learner.advance()

    assert delivered(alone.core.take_effects()) == [(1, value(1)), (2, value(2))]


def test_the_prefix_of_a_lower_ballot_is_no_word_about_votes_of_the_higher_one(alone: Alone) -> None:
    """Rule 12: a farther prefix of an older leader does not stretch the word of the newer one."""
    alone.accept(NEW, 1, value(1))
    alone.learner.prefix_decided(NEW, 0, source=3)

    alone.learner.prefix_decided(OLD, 1, source=2)

    assert delivered(alone.core.take_effects()) == []


def test_a_gap_is_fetched_and_no_more_than_the_gap(alone: Alone) -> None:
    """Rule 12: one lost ACCEPT costs one block, not all that came after it."""
    alone.accept(NEW, 3, value(3), value(4))
    alone.learner.prefix_decided(NEW, 4, source=3)

    alone.learner.flush()

    effects = alone.core.take_effects()
    assert messages(effects, Catchup) == [Catchup(sender=1, first_slot=1, last_slot=2)]
    assert receivers(effects, Catchup) == [3]


def test_what_follows_a_fetched_gap_is_delivered_from_votes(alone: Alone) -> None:
    """Rules 11 and 12: the log goes on behind the blocks that were fetched."""
    alone.accept(NEW, 2, value(2))
    alone.learner.prefix_decided(NEW, 2, source=3)
    alone.learner.flush()
    alone.core.take_effects()

    alone.learner.fetched(reply(3, 1, 1, decided=2))
    assert of(alone.core.take_effects(), Install) == [Install(3, 1, ("block",))]
    alone.learner.installed(1)

    assert delivered(alone.core.take_effects()) == [(2, value(2))]


def test_a_question_is_asked_once_until_it_is_answered_or_overdue(alone: Alone) -> None:
    """Rule 12: a batch that wants more does not ask the same again; the CATCHUP alarm does, and somebody else."""
    alone.learner.want(5, source=3)
    alone.learner.want(5, source=4)
    alone.learner.flush()
    first = alone.core.take_effects()
    assert alarms(first, Timer.CATCHUP)

    alone.learner.want(6, source=3)
    alone.learner.flush()
    assert alone.core.take_effects() == []
    alone.learner.retry()
    alone.learner.flush()

    asked = receivers(first, Catchup) + receivers(alone.core.take_effects(), Catchup)
    assert sorted(asked) == [3, 4]


def test_fetched_blocks_are_not_asked_for_again_while_they_are_checked(alone: Alone) -> None:
    """Rule 12: between a reply and the word of how far the chain reaches, nothing is known to be missing."""
    alone.learner.want(2, source=3)
    alone.learner.flush()
    alone.core.take_effects()

    alone.learner.fetched(reply(3, 1, 1, decided=2))
    alone.learner.flush()
    assert messages(alone.core.take_effects(), Catchup) == []
    alone.learner.installed(1)
    alone.learner.flush()

    assert messages(alone.core.take_effects(), Catchup) == [Catchup(sender=1, first_slot=2, last_slot=2)]


def test_blocks_that_were_refused_are_asked_for_again(alone: Alone) -> None:
    """Rule 12: a peer whose blocks do not hold ends no catch-up; the next one is asked."""
    alone.learner.want(1, source=3)
    alone.learner.want(1, source=4)
    alone.learner.flush()
    [bad] = receivers(alone.core.take_effects(), Catchup)

    alone.learner.fetched(reply(bad, 1, 1, decided=1))
    alone.learner.installed(0)
    alone.learner.flush()

    assert receivers(alone.core.take_effects(), Catchup) == [7 - bad]


def test_a_node_whose_peers_all_send_bad_blocks_asks_again_after_growing_pauses(alone: Alone) -> None:
    """It asked again at once, 865 times a second, for as long as the blocks were bad."""
    alone.learner.want(1, source=3)
    alone.learner.want(1, source=4)
    pauses: list[int] = []

    for _ in range(30):
        alone.learner.flush()
        effects = alone.core.take_effects()
        if not messages(effects, Catchup):
            alone.learner.retry()
            alone.learner.flush()
            effects = alone.core.take_effects()
        [asked] = receivers(effects, Catchup)
        alone.learner.fetched(reply(asked, 1, 1, decided=1))
        alone.learner.installed(0)
        pauses += [least for least, _ in alarms(alone.core.take_effects(), Timer.CATCHUP)]

    resend_ms = Timeouts(alone.core).resend_ms()
    assert len(pauses) == 30 - 3, "each of the other nodes is tried once before the first pause"
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * resend_ms, 32 * resend_ms)


def test_good_blocks_end_the_pause(alone: Alone) -> None:
    """A reply that was late need not wait for the timer: the next slots are asked for at once."""
    alone.learner.want(3, source=3)
    for _ in range(4):
        alone.learner.flush()
        alone.learner.fetched(reply(3, 1, 1, decided=3))
        alone.learner.installed(0)
    alone.learner.flush()
    alone.core.take_effects()

    alone.learner.fetched(reply(3, 1, 1, decided=3))
    alone.learner.installed(1)
    alone.learner.flush()

    [asked] = messages(alone.core.take_effects(), Catchup)
    assert asked.first_slot == 2


@pytest.mark.parametrize(("first_slot", "blocks"), [(1, 2), (4, 2), (3, 0)])
def test_blocks_that_do_not_go_on_from_here_are_not_installed(first_slot: Slot, blocks: int) -> None:
    """Rule 12: a late or a doubled reply, or one for a gap that is not ours, changes nothing."""
    alone = Alone(decided=2)

    alone.learner.fetched(reply(3, first_slot, blocks, decided=0))

    assert alone.core.take_effects() == []


def test_blocks_that_overlap_the_prefix_are_installed() -> None:
    """Rule 12: it is enough that they hold the next slot; the driver passes over the known ones."""
    alone = Alone(decided=2)

    alone.learner.fetched(reply(3, 1, 4, decided=4))

    assert of(alone.core.take_effects(), Install) == [Install(3, 1, ("block",) * 4)]


def test_one_question_asks_for_no_more_than_a_reply_of_decent_size(alone: Alone) -> None:
    """Rule 12: who is far behind takes a stream of blocks, chunk by chunk."""
    most = alone.core.config.limits.catchup_slots
    alone.learner.want(10 * most, source=3)

    alone.learner.flush()

    assert messages(alone.core.take_effects(), Catchup) == [Catchup(sender=1, first_slot=1, last_slot=most)]


def test_nobody_is_asked_for_what_nobody_is_known_to_have(alone: Alone) -> None:
    """Rule 12: a slot that only this node itself was told of is asked of nobody."""
    alone.learner.want(3, source=1)

    alone.learner.flush()

    assert alone.core.take_effects() == []


def test_a_node_serves_what_it_has_decided_and_nothing_beyond() -> None:
    """Rule 12: what is only accepted is not handed over, however far the question goes."""
    alone = Alone(decided=3)
    alone.accept(NEW, 4, value(4))

    alone.learner.serve(Catchup(sender=2, first_slot=2, last_slot=9))

    assert of(alone.core.take_effects(), ServeCatchup) == [ServeCatchup(2, 2, 3)]


def test_a_node_that_has_nothing_to_serve_says_nothing() -> None:
    """Rule 12: a question for slots that are not decided here is left to others."""
    alone = Alone(decided=3)

    alone.learner.serve(Catchup(sender=2, first_slot=4, last_slot=9))

    assert alone.core.take_effects() == []


def test_an_installed_prefix_never_goes_back(alone: Alone) -> None:
    """Invariant: the decided prefix never falls, whatever order the reports of the driver come in."""
    alone.learner.installed(5)
    alone.learner.installed(3)

    assert alone.learner.decided == 5


def test_installed_slots_are_not_delivered_again(alone: Alone) -> None:
    """Rule 11: what was chosen beyond the gap and came as blocks meanwhile is over."""
    alone.learner.choose(2, value(2))
    alone.learner.choose(4, value(4))

    alone.learner.installed(3)

    assert delivered(alone.core.take_effects()) == [(4, value(4))]
    assert alone.learner.chosen == {}


def test_a_question_proves_nothing_and_need_not_wait_for_the_disk(alone: Alone) -> None:
    """What is on disk before what is said: CATCHUP says nothing that a crash could make untrue."""
    alone.learner.want(1, source=3)

    alone.learner.flush()

    assert isinstance(alone.core.take_effects()[0], SendNow)
