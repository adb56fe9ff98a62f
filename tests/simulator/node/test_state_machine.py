"""Chain, blog and outcomes of one node: what is remembered of a request, and what is found ahead of a decision."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blog.blog import Outcome
from chain.mining import mine
from paxos.messages import Value
from simulator.node.client_table import ClientTable
from simulator.node.state_machine import StateMachine
from tests.simulator.node.node_bench import NICE, posts, request

requests = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 12) | st.integers(2**64 - 2, 2**64 + 2))


@given(st.lists(st.tuples(requests, st.sampled_from(Outcome))))
def test_outcomes_are_a_dict_that_keeps_what_came_first(applied: list[tuple[tuple[str, int], Outcome]]) -> None:
    """In whatever order clients' numbers come, and however large they are."""
    client_table, expected = ClientTable(), dict[tuple[str, int], tuple[Outcome, int]]()

    for slot, ((client, seq), outcome) in enumerate(applied, 1):
        new = client_table.claim(client, seq, slot)
        assert new == ((client, seq) not in expected)
        if new:
            expected[client, seq] = (outcome, slot)
            if outcome is not Outcome.OK:
                client_table.amend(client, seq, outcome)

    for client in ("a", "b", "c"):
        for seq in (*range(14), *range(2**64 - 3, 2**64 + 4)):
            known = expected.get((client, seq))
            assert client_table.get(client, seq) == known
            assert client_table.slot_of(client, seq) == (known[1] if known else 0)


def test_a_replay_remembers_what_the_first_time_did() -> None:
    """From the T of the blocks alone: outcomes, blog and the lines of blog.txt."""
    values: list[Value] = [(request(2, NICE),), (request(1),), (request(1), request(2, NICE), request(3, NICE)), ()]
    first, second = StateMachine(1, awaits=lambda _, seq: seq in {2, 3}), StateMachine(1)
    for value in values:
        first.extend(value)
    page = first.take()

    lines = second.replay(1, [block.operations_text.encode() for block in page.blocks])
    second.begin(first.height, first.chain.tip, page.blocks)

    assert lines == page.blog_lines
    assert [(done.seq, done.outcome) for done in page.applied] == [(2, Outcome.CANNOT_COMMENT), (3, Outcome.OK)]
    assert [second.client_table.get("c1", seq) for seq in (1, 2, 3)] == [
        (Outcome.OK, 2),
        (Outcome.CANNOT_COMMENT, 1),
        (Outcome.OK, 3),
    ]
    assert second.blog.view_all() == first.blog.view_all()
    assert (second.hashes, first.take().blocks) == (first.hashes, [])


class Searches:
    """`mine`, counted."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        """See `mine`."""
        self.count += 1
        return mine(prev_hash, text, difficulty)


def test_what_was_foreseen_is_not_searched_again() -> None:
    """The leader searches while the votes are on their way; also when they come in several parts."""
    plain, miner = StateMachine(2), Searches()
    state_machine = StateMachine(2, miner=miner)
    values = posts(6)

    state_machine.premine(enumerate(values[:2], 1))
    state_machine.extend(values[0])
    state_machine.premine(enumerate(values[2:], 3))
    for value in values[1:]:
        state_machine.extend(value)
    for value in values:
        plain.extend(value)

    assert miner.count == 6
    assert state_machine.take() == plain.take()


def test_what_was_foreseen_wrongly_is_thrown_away() -> None:
    """Another leader had another value decided: the chain is what it would have been without looking ahead."""
    plain, state_machine = StateMachine(2), StateMachine(2)
    values, others = posts(4), posts(3, 100)
    state_machine.premine(enumerate(values, 1))
    state_machine.premine([(9, values[0]), (1, values[1])])  # A gap, and a slot that was foreseen already.

    for value in (values[0], *others):
        state_machine.extend(value)
        plain.extend(value)
    state_machine.premine(enumerate(values[1:], 5))
    for value in values[1:]:
        state_machine.extend(value)
        plain.extend(value)

    assert state_machine.take() == plain.take()


def test_looking_ahead_is_bounded_where_it_is_dear() -> None:
    """At a difficulty at which one search takes long, nothing is searched that may never be decided."""
    miner = Searches()

    StateMachine(5, miner=miner).premine(enumerate(posts(3), 1))

    assert miner.count == 0
