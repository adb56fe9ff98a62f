"""Ways around links that are cut one way, as the link states show them (rule 7)."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.messages import Catchup, LinkState, Path, Relay
from paxos.routes import Routes
from tests.paxos.one_replica import ballot, core, messages, receivers

QUESTION = Catchup(sender=1, first_slot=1, last_slot=2)


def state(node: NodeId, *hears: NodeId, version: int = 1, leads: Ballot = NO_BALLOT) -> LinkState:
    """What `node` says of its links."""
    return LinkState(node=node, version=version, hears=hears, leads=leads, decided=0, cut_off=False)


def routes(hears: Mapping[NodeId, tuple[NodeId, ...]]) -> Routes:
    """The routes of node 1 of five, which knows whom each of these nodes hears."""
    known = Routes(core())
    known.active = True
    for node, others in hears.items():
        known.take(state(node, *others))
    return known


@pytest.mark.parametrize(
    ("hears", "way"),
    [
        ({5: (1,)}, (5,)),
        ({5: (2,), 2: (1,)}, (2, 5)),
        ({5: (3,), 3: (2,), 2: (1,)}, (2, 3, 5)),
        ({5: (4, 2), 4: (3,), 3: (2,), 2: (1,)}, (2, 5)),
        ({5: (2,), 2: (5,)}, (5,)),
        ({2: (1,), 3: (2,)}, (5,)),
    ],
    ids=["straight", "through one", "through two", "the shortest", "no way there", "nothing is known of it"],
)
def test_a_message_takes_the_shortest_way_on_which_each_hears_the_one_before(
    hears: Mapping[NodeId, tuple[NodeId, ...]], way: Path
) -> None:
    """Rule 7: without a known way it goes straight; that loses nothing."""
    assert routes(hears).way(5) == way


def test_while_nobody_is_cut_off_every_message_goes_straight() -> None:
    """What was known in an earlier case of need is old by now, and looking for ways is work."""
    known = routes({5: (2,), 2: (1,)})
    known.active = False

    known.send(5, QUESTION)

    effects = known.core.take_effects()
    assert (receivers(effects, Catchup), messages(effects, Relay)) == ([5], [])


def test_a_message_around_is_wrapped_and_unwrapped_node_by_node() -> None:
    """Rule 7: each hop makes the path shorter, so a relay cannot loop."""
    known = routes({5: (3,), 3: (2,), 2: (1,)})
    known.send(5, QUESTION)
    effects = known.core.take_effects()
    assert receivers(effects, Relay) == [2]
    [relay] = messages(effects, Relay)
    assert (relay.sender, relay.path, relay.message) == (1, (3, 5), QUESTION)

    second = Routes(core(node=2))
    second.pass_on(relay)

    effects = second.core.take_effects()
    assert receivers(effects, Relay) == [3]
    assert messages(effects, Relay) == [Relay(sender=2, path=(5,), message=QUESTION)]


def test_a_state_that_is_not_renewed_is_not_believed_for_long() -> None:
    """A node that has died leads nowhere; its last version, told on and on by others, makes it no younger."""
    known = routes({5: (2,), 2: (1,)})
    known.core.see_clock(known.valid_ms)

    assert not known.take(state(2, 1, version=1))
    assert known.take(state(5, 2, version=2))

    assert known.way(5) == (5,)
    assert [one.node for one in known.fresh()] == [5]
    assert [one.node for one in known.all_states()] == [2, 5]


def test_an_answer_goes_straight_to_its_origin_where_a_way_is_known() -> None:
    """Rule 7: else back as the question came; the way of the question may be cut one way."""
    known = routes({2: (1,)})

    assert known.back((2, 3)) == (2, ())
    assert known.back((4, 3)) == (3, (4,))
    known.active = False
    assert known.back((2, 3)) == (3, (2,))


def test_of_two_leaders_the_one_with_the_higher_ballot_is_followed_if_there_is_a_way() -> None:
    """An old leader may not know yet that it leads no longer; one that cannot be reached is of no use."""
    known = routes({})
    known.take(state(2, 1, leads=ballot(1, 2)))
    known.take(state(4, leads=ballot(3, 4)))
    known.take(state(3, 2, leads=ballot(2, 3)))

    leader = known.leader()

    assert leader is not None
    assert leader.node == 3
