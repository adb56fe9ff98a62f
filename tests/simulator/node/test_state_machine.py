"""The state machine and its client table: outcomes of requests, premined nonces and nonce hints."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from blog.blog import Outcome
from chain.mining import mine
from paxos.messages import Hints, Value
from simulator.node.client_table import ClientTable
from simulator.node.state_machine import StateMachine
from simulator.node.storage.chain_file import CHAIN
from tests.simulator.node.node_bench import LEADER, NICE, Bench, posts, request

requests = st.tuples(st.sampled_from(["a", "b"]), st.integers(0, 12) | st.integers(2**64 - 2, 2**64 + 2))


@given(st.lists(st.tuples(requests, st.sampled_from(Outcome))))
def test_the_client_table_keeps_the_first_outcome(applied: list[tuple[tuple[str, int], Outcome]]) -> None:
    """It agrees with a dict for numbers in any order and of any size."""
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


def test_a_replay_gives_the_same_state() -> None:
    """Outcomes, blog and the lines of blog.txt follow from the Ts of the blocks alone."""
    values: list[Value] = [(request(2, NICE),), (request(1),), (request(1), request(2, NICE), request(3, NICE)), ()]
    first, second = StateMachine(1, awaits=lambda _, seq: seq in {2, 3}), StateMachine(1)
    first.extend(values[:2])
    first.extend(values[2:])
    page = first.take()

    lines = second.replay(1, [block.operations_text.encode() for block in page.blocks])
    second.begin(first.height, first.chain.tip, [block.hash for block in page.blocks])

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
    """`mine`, with a count of its calls."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        """See `mine`."""
        self.count += 1
        return mine(prev_hash, text, difficulty)


def test_a_premined_nonce_is_not_searched_again() -> None:
    """A leader searches nonces before the decision, also in several parts."""
    plain, miner = StateMachine(2), Searches()
    state_machine = StateMachine(2, miner=miner)
    values = posts(6)

    state_machine.premine(enumerate(values[:2], 1))
    state_machine.extend(values[:1])
    state_machine.premine(enumerate(values[2:], 3))
    state_machine.extend(values[1:])
    for value in values:
        plain.extend([value])

    assert miner.count == 6
    assert state_machine.take() == plain.take()


def test_a_premined_nonce_of_another_value_is_dropped() -> None:
    """Another leader's value was decided: the chain is the same as without premining."""
    plain, state_machine = StateMachine(2), StateMachine(2)
    values, others = posts(4), posts(3, 100)
    state_machine.premine(enumerate(values, 1))
    state_machine.premine([(9, values[0]), (1, values[1])])  # A gap, and a slot that was premined already.

    state_machine.extend([values[0], *others])
    plain.extend([values[0], *others])
    state_machine.premine(enumerate(values[1:], 5))
    state_machine.extend(values[1:])
    plain.extend(values[1:])

    assert state_machine.take() == plain.take()


def test_premining_stops_at_a_high_difficulty() -> None:
    """When one search takes long, no value is searched that may never be decided."""
    miner = Searches()

    StateMachine(5, miner=miner).premine(enumerate(posts(3), 1))

    assert miner.count == 0


def test_a_right_hint_saves_the_search() -> None:
    """A hint is checked with one hash; the chain is the same."""
    donor, miner = Bench(), Searches()
    donor.decide(*posts(3))
    nonces = tuple(int(line.rpartition('"N":')[2].partition(",")[0]) for line in donor.lines(CHAIN))
    bench = Bench(miner=miner)

    bench.hear(Hints(sender=LEADER, first_slot=1, hints=nonces))
    bench.decide(*posts(3))

    assert (bench.lines(CHAIN), miner.count) == (donor.lines(CHAIN), 0)


def test_a_wrong_or_missing_hint_costs_one_search() -> None:
    """A nonce that does not pass, none, a negative one, and ones for slots that are applied or far away."""
    donor, miner = Bench(), Searches()
    donor.decide(*posts(3))
    bench = Bench(miner=miner)

    for first, nonces in ((1, (1_000_001, -1)), (0, (5,)), (99_999, (5,))):
        bench.hear(Hints(sender=LEADER, first_slot=first, hints=nonces))
    bench.decide(*posts(3))

    assert (bench.lines(CHAIN), miner.count) == (donor.lines(CHAIN), 3)
