"""The queue between two processes: frames survive any cut of the stream, and a writer never waits for its reader."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.worlds.processes.framed_pipe import HEAD, Inlet, Outlet, PipeEnd, frame, split, widen

Ends = tuple[int, int]


@pytest.fixture
def ends() -> Iterator[Ends]:
    """A pipe: its reading end and its writing end."""
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def everything(inlet: Inlet) -> list[tuple[int, list[bytes]]]:
    """Address and messages of every frame that waits."""
    return [(address, list(split(body))) for address, _, body in inlet.read()]


@given(
    frames=st.lists(st.tuples(st.integers(0, 2**32 - 1), st.lists(st.binary(max_size=40), max_size=4)), max_size=6),
    cuts=st.lists(st.integers(1, 30), min_size=1, max_size=50),
)
def test_frames_survive_any_cut_of_the_stream(frames: list[tuple[int, list[bytes]]], cuts: list[int]) -> None:
    """However the bytes trickle in, the same frames come out, in order."""
    stream = b"".join(frame(address, messages) for address, messages in frames)
    reading, writing = os.pipe()
    inlet, found = Inlet(reading), []

    for number in range(len(stream)):
        piece, stream = stream[: cuts[number % len(cuts)]], stream[cuts[number % len(cuts)] :]
        if not piece:
            break
        os.write(writing, piece)
        found += everything(inlet)
    os.close(writing)
    os.close(reading)

    assert found == frames


def test_a_frame_tells_how_many_messages_it_carries() -> None:
    """The counters of the links need not look inside."""
    size, address, count = HEAD.unpack_from(frame(6, [b"one", b"", b"three"]))

    assert (size, address, count) == (3 * 4 + 8, 6, 3)


def test_after_a_full_read_the_next_one_brings_all_there_is(ends: Ends) -> None:
    """A burst is not cut into small batches, and a trickle costs no room for a burst."""
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1])
    widen(ends[1])
    sent = [b"%06d" % number * 100 for number in range(1000)]
    for message in sent:
        outlet.put(frame(0, [message]))
    if not outlet.flush():
        pytest.skip("pipes cannot be widened here")

    reads = []
    while not inlet.empty:
        reads.append([message for _, messages in everything(inlet) for message in messages])

    assert [message for read in reads for message in read] == sent
    assert len(reads) == 3  # 64 KiB, the rest, nothing.


def test_a_pipe_end_arrives_in_a_spawned_process_as_a_descriptor(ends: Ends) -> None:
    """And the process can write to it."""
    process = multiprocessing.get_context("spawn").Process(target=os.write, args=(PipeEnd(ends[1]), b"here"))
    process.start()
    process.join()

    assert os.read(ends[0], 10) == b"here"


def test_a_writer_never_waits_for_a_reader_that_stands_still(ends: Ends) -> None:
    """What the pipe does not take stays with the writer, and arrives whole once the reader goes on."""
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1])
    big = os.urandom(3_000_000)
    outlet.put(frame(1, [big]))
    outlet.put(frame(2, [b"after"]))

    assert not outlet.flush()
    assert outlet.waiting > 0

    found: list[tuple[int, list[bytes]]] = []
    while len(found) < 2:
        found += everything(inlet)
        outlet.flush()
    assert found == [(1, [big]), (2, [b"after"])]
    assert outlet.waiting == 0


def test_a_full_backlog_drops_the_oldest_messages_between_nodes_alone(ends: Ends) -> None:
    """A node that stands still costs bounded memory, and what its clients asked is not among the losses."""
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1], limit=200_000)
    outlet.put(frame(0, [b"a client's call"]))
    for number in range(300):
        outlet.put(frame(1, [b"%d" % number, bytes(10_000)]), 2)
        outlet.flush()

    found: list[tuple[int, list[bytes]]] = []
    while outlet.waiting or not found:
        outlet.flush()
        found += everything(inlet)
    found += everything(inlet)
    numbers = [int(messages[0]) for address, messages in found if address == 1]

    assert found[0] == (0, [b"a client's call"])
    assert numbers == sorted(numbers)
    assert numbers[-1] == 299
    assert outlet.dropped == 2 * (300 - len(numbers)) > 0


def test_a_reader_that_is_gone_swallows_everything() -> None:
    """A node killed in mid-read is nobody else's trouble."""
    reading, writing = os.pipe()
    outlet = Outlet(writing)
    os.close(reading)

    outlet.put(frame(1, [b"lost"]))

    assert outlet.flush()
    assert outlet.closed
    os.close(writing)


def test_the_end_of_the_writer_is_seen() -> None:
    """End of file is how a node learns that the supervisor is gone."""
    reading, writing = os.pipe()
    inlet = Inlet(reading)

    before = (inlet.read(), inlet.closed)
    os.close(writing)
    after = (inlet.read(), inlet.closed)

    assert (before, after) == (([], False), ([], True))
    os.close(reading)
