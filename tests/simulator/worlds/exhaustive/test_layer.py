"""States and numbers that go to files come back as they were, in order; a full disk loses nothing."""

from __future__ import annotations

import errno
import os
from array import array
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from simulator.errors import InputError
from simulator.worlds.exhaustive import layer as layers
from simulator.worlds.exhaustive.layer import Layer, NotPlain
from simulator.worlds.exhaustive.number_log import NumberLog
from simulator.worlds.exhaustive.search import Search
from tests.simulator.worlds.exhaustive.models.paxos_register import PaxosRegister
from tests.simulator.worlds.exhaustive.models.turing import PaxosTiny


class Pair(NamedTuple):
    """A state with names: it is no plain tuple, since what is read again would have none."""

    left: int
    right: int


def filled(layer: Layer[Any], states: list[Any]) -> Layer[Any]:
    """The states appended 100 at a time, in parts of at least 150."""
    for begin in range(0, len(states), 100):
        layer.latest += states[begin : begin + 100]
        layer.settle(150)
    return layer


@pytest.mark.parametrize("in_memory", [0, 300, 10_000])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: (n, 2**40 + n, -n),
        lambda _: (),
        lambda n: Pair(n, n),
        lambda n: (n, "word"),
        lambda n: (n, 2**70),
        lambda n: frozenset({n}),
        lambda n: (n, n == 3, 1.0),
    ],
)
def test_states_come_back_as_they_were(make: Any, in_memory: int) -> None:
    """Plain ones from the file, others from memory; of the same types."""
    states = [make(number) for number in range(1_234)]
    layer = filled(Layer(in_memory=in_memory), states)
    found: list[Any] = []
    while len(found) < len(layer):
        found += layer.take(len(found), 77, len(found))

    assert found == states
    assert [[*map(type, one)] for one in found] == [[*map(type, one)] for one in states]
    assert [type(one) for one in found] == [type(one) for one in states]


def test_states_that_cannot_be_kept_are_refused_where_they_must_be(tmp_path: Path) -> None:
    """With a path every state is in the file."""
    with pytest.raises(NotPlain):
        filled(Layer(tmp_path / "states"), [("word",)] * 500)


def test_numbers_are_read_from_the_file_and_from_memory() -> None:
    """At every place."""
    log = NumberLog()
    for number in range(1_000):
        log.latest.append(number * number - 500)
        log.settle(99)

    assert len(log.latest) < 100 < len(log)
    assert [log[place] for place in range(len(log))] == [number * number - 500 for number in range(1_000)]


def test_a_file_of_before_is_taken_up_and_cut_to_what_counted(tmp_path: Path) -> None:
    """What was written after it is gone; a changed or short file is refused."""
    path = tmp_path / "numbers"
    log = NumberLog(path)
    log.latest.extend(range(100))
    log.settle(0)
    checksum = log.file.checksum
    log.latest.extend(range(50))
    log.settle(0)

    again = NumberLog(path)
    assert [*again.take_up(100, checksum)] == [array("q", range(100))]
    assert path.stat().st_size == 800
    with pytest.raises(InputError, match="is damaged: it is shorter"):
        [*NumberLog(path).take_up(101, checksum)]
    path.write_bytes(b"x" + path.read_bytes()[1:])
    with pytest.raises(InputError, match="is damaged: its checksum"):
        [*NumberLog(path).take_up(100, checksum)]


@pytest.mark.parametrize("model", [PaxosRegister(2), PaxosTiny(2)], ids=["numbers", "sets"])
def test_a_search_with_all_in_files_is_the_same(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """States, transitions and paths."""
    whole = Search(model)
    expected = whole.run()
    monkeypatch.setattr(layers, "PART", 50)
    monkeypatch.setattr(Layer.__init__, "__kwdefaults__", {"in_memory": 0})
    monkeypatch.setattr(Layer.settle, "__defaults__", (50,))
    monkeypatch.setattr(NumberLog.settle, "__defaults__", (10,))

    search = Search(model)
    outcome = search.run()

    assert (outcome.progress.states, outcome.transitions) == (expected.progress.states, expected.transitions)
    assert outcome.progress.depth == expected.progress.depth
    for number in (0, 1, 500, outcome.progress.states - 1):
        assert search.path(number) == whole.path(number)


def test_a_full_disk_ends_a_search_that_can_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is lost: with room again it comes to the same end."""
    expected = Search(PaxosRegister(2)).run()
    monkeypatch.setattr(NumberLog.settle, "__defaults__", (10,))
    monkeypatch.setattr(Layer.__init__, "__kwdefaults__", {"in_memory": 0})
    monkeypatch.setattr(Layer.settle, "__defaults__", (50,))
    search, write, calls = Search(PaxosRegister(2)), os.pwrite, iter(range(10_000))

    def sometimes_full(fd: int, raw: bytes, at: int) -> int:
        turn = next(calls)
        if turn % 7 == 3:
            return write(fd, raw[: len(raw) // 2], at)
        if turn % 7 == 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(fd, raw, at)

    monkeypatch.setattr(os, "pwrite", sometimes_full)
    ended, outcome = 0, None
    while outcome is None:
        try:
            outcome = search.run()
        except OSError:
            ended += 1

    assert ended > 3
    assert (outcome.progress.states, outcome.transitions) == (expected.progress.states, expected.transitions)
    assert len(search.path(outcome.progress.states - 1)) == 20
