"""The table of fingerprints knows what a set knows, compiled and in Python, and stays within 16 bytes a state."""

from __future__ import annotations

import os
import subprocess
import sys
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.worlds.exhaustive import visited
from simulator.worlds.exhaustive.visited import EMPTY, Fingerprints, KnownStates

ENDS = (0, 1, -1, EMPTY, EMPTY + 1, EMPTY - 1, 2**63 - 1, -(2**63))
numbers = st.one_of(st.sampled_from(ENDS), st.integers(-20, 20), st.integers(-(2**63), 2**63 - 1))
batches = st.lists(st.lists(numbers, max_size=30), max_size=12)


@given(batches)
def test_a_table_knows_what_a_set_knows(given_batches: list[list[int]]) -> None:
    """The first of equal keys is new, in its batch and after it. One number of 2**64 is taken for the next."""
    table, known = Fingerprints(), KnownStates()
    for keys in given_batches:
        assert table.add_all(keys) == known.add_all([key if key != EMPTY else EMPTY + 1 for key in keys])
    assert len(table) == len(known)
    assert {table.key_at(at) for at in range(len(table))} <= {key for keys in given_batches for key in keys}


@given(batches, st.integers(1, 40))
def test_both_forms_do_the_same_place_by_place(given_batches: list[list[int]], more: int) -> None:
    """Tables of any size, filled up to their last place but one, and moved."""
    compiled, reference = (array("q", [EMPTY]) * (sum(map(len, given_batches)) + more) for _ in range(2))
    for keys in given_batches:
        packed = array("q", keys)
        assert visited.absent(compiled, packed) == visited.absent_in_python(reference, packed)
        assert visited.insert(compiled, packed) == visited.insert_in_python(reference, packed)
        assert compiled == reference
    moved, as_well = (array("q", [EMPTY]) * (len(compiled) + more) for _ in range(2))
    visited.move(compiled, moved)
    visited.move_in_python(reference, as_well)
    assert moved == as_well


@pytest.mark.skipif(visited.FORM == "Python", reason="it is not compiled here")
def test_the_compiled_form_refuses_what_is_no_table() -> None:
    """Arguments of other sizes, and a table without a free place."""
    full, one = array("q", [1, 2]), array("q", [3])
    for table, keys in ((array("q"), one), (array("b", [1, 2, 3]), one), (full, array("b", [1]))):
        with pytest.raises(ValueError, match="arrays of 64 bit numbers"):
            visited.insert(table, keys)
    with pytest.raises(ValueError, match="the table is full"):
        visited.insert(full, one)
    with pytest.raises(ValueError, match="the table is full"):
        visited.move(one, array("q"))
    with pytest.raises(TypeError):
        visited.insert(bytes(16), one)  # type: ignore[arg-type]


def test_a_table_takes_at_most_16_bytes_a_state() -> None:
    """Also just after it has grown."""
    table = Fingerprints()
    for begin in range(0, 60_000, 500):
        table.add_all([hash((number, 7)) for number in range(begin, begin + 500)])
        assert len(table) < 5_000 or table.bytes_used <= 16.1 * len(table)


def test_without_the_compiled_form_python_does_it() -> None:
    """PAXSIM_PURE chooses."""
    code = "from simulator.worlds.exhaustive.visited import FORM; print(FORM)"
    environment = {**os.environ, "PAXSIM_PURE": "1", "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "Python"
