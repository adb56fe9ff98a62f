"""The engine gives the published numbers of states and depths, exactly (`models.md`)."""

from __future__ import annotations

from typing import Any

import pytest

from simulator.worlds.exhaustive.lamport_paxos import LamportPaxos
from simulator.worlds.exhaustive.model import Model, always
from simulator.worlds.exhaustive.search import Search
from tests.simulator.worlds.exhaustive.models.clients import SingleCopy
from tests.simulator.worlds.exhaustive.models.history import WithHistory
from tests.simulator.worlds.exhaustive.models.multipaxos_smr import MultiPaxosSmr
from tests.simulator.worlds.exhaustive.models.packed_smr import Numbers, PackedSmr
from tests.simulator.worlds.exhaustive.models.paxos_register import PaxosRegister
from tests.simulator.worlds.exhaustive.models.turing import PaxosTiny, Voting

SMALL: dict[str, tuple[Model[Any, Any], int, int]] = {
    "paxos, one client": (PaxosRegister(1), 265, 14),
    "paxos, two clients": (PaxosRegister(2), 16_668, 21),
    "paxos, two clients, with their history": (WithHistory(PaxosRegister(2)), 16_668, 21),
    "one copy, four clients": (WithHistory(SingleCopy(4)), 400_233, 17),
    "Voting": (Voting(3), 6_752, 16),
    "Paxos, tiny": (PaxosTiny(2), 3_921, 17),
    "Paxos, tiny, of small numbers": (LamportPaxos(2), 3_921, 17),
    "Paxos, small, of small numbers": (LamportPaxos(3), 185_369, 25),
}

LARGE = {"one copy, four clients"}
"""They take seconds."""


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LARGE else name for name in SMALL]
)
def test_a_published_model_has_its_published_states(name: str) -> None:
    """Distinct states, the first included, and the depth in states."""
    model, states, depth = SMALL[name]

    outcome = Search(model).run()

    assert outcome.complete
    assert (outcome.progress.states, outcome.progress.depth) == (states, depth)


class Agreeing(PackedSmr):
    """The replicated log, with the property that it lacks; counts the states that do not have it."""

    def __init__(self, *, mended: bool = False) -> None:
        super().__init__(mended=mended)
        self.wrong = 0

    def properties(self) -> list[Any]:
        """No slot has two commands."""
        return [always("agreement", self.agrees), always("count", self.counted)]

    def agrees(self, state: Numbers) -> bool:
        """No slot has two commands."""
        return not self.disagreement(state)

    def counted(self, state: Numbers) -> bool:
        """True in every state."""
        self.wrong += self.disagreement(state)
        return True


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_the_published_log_disagrees_after_13_steps_in_216_of_its_states() -> None:
    """A commit notice that names only the slot commits an older acceptance: `commit-by-index`."""
    model = Agreeing()

    outcome = Search(model, keep_going=True).run()

    assert (outcome.progress.states, outcome.progress.depth) == (343_796, 28)
    assert [len(found.steps) for found in outcome.found] == [13]
    assert model.wrong == 216


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_a_notice_with_its_ballot_mends_it() -> None:
    """No slot has two commands."""
    outcome = Search(Agreeing(mended=True)).run()

    assert outcome.complete
    assert not outcome.found


@pytest.mark.parametrize("mended", [False, True])
def test_the_log_of_small_numbers_is_the_log(mended: bool) -> None:
    """With one ballot it has the same states and depth as the one that is written as the module reads."""
    plain, packed = Search(MultiPaxosSmr(1, mended=mended)).run(), Search(PackedSmr(1, mended=mended)).run()

    assert packed.progress.states == plain.progress.states == 736
    assert packed.progress.depth == plain.progress.depth
