"""Several processes for one search: children that see all that is known when they begin, and send back bytes.

A child is a fork, so nothing is handed to it and what it learns is lost with it. What it sends is taken in a fixed
order, so a search comes to the same end with any number of them. One that fails, for whatever reason, sends nothing
more, and its parent does the work itself. Where processes cannot be forked there is only the parent.
"""

from __future__ import annotations

import os
import signal
import threading
from array import array
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Generic, NamedTuple, TypeVar, cast

import msgspec

S = TypeVar("S", bound=Hashable)

SIZE = 8
"""The bytes that tell how long a message is."""


class Work(NamedTuple, Generic[S]):
    """The states after those of a batch, their fingerprints, and up to where those after each state reach.

    What is known to be visited may be left out; `transitions` counts it all the same. `left` are the places of those
    states of the batch whose steps were not taken: they need something that is not known yet.
    """

    afters: list[S]
    keys: Sequence[Hashable]
    ends: list[int]
    transitions: int
    left: Sequence[int] = ()


class Child:
    """A forked process that runs `task`, which is given the function that sends."""

    def __init__(self, task: Callable[[Callable[[bytes], None]], None]) -> None:
        read, write = os.pipe()
        try:
            self._pid = os.fork()
        except BaseException:
            os.close(read)
            os.close(write)
            raise
        if self._pid == 0:
            _run_child(task, read, write)
        os.close(write)
        self._file: BinaryIO = os.fdopen(read, "rb")

    def receive(self) -> bytes | None:
        """The next message; None: there are no more."""
        size = self._file.read(SIZE)
        if len(size) < SIZE:
            return None
        raw = self._file.read(int.from_bytes(size, "little"))
        return raw if len(raw) == int.from_bytes(size, "little") else None

    def end(self) -> None:
        """End it, if it has not ended. Idempotent."""
        if self._pid > 0:
            self._file.close()
            with suppress(ProcessLookupError):
                os.kill(self._pid, signal.SIGKILL)
            with suppress(ChildProcessError):
                os.waitpid(self._pid, 0)
            self._pid = 0


def _run_child(task: Callable[[Callable[[bytes], None]], None], read: int, write: int) -> None:
    status = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group: the parent decides.
        os.close(read)
        with os.fdopen(write, "wb") as file:

            def send(raw: bytes) -> None:
                file.write(len(raw).to_bytes(SIZE, "little"))
                file.write(raw)
                file.flush()

            task(send)
        status = 0
    except BaseException:  # noqa: BLE001, S110  The parent does the work again, and sees what is wrong.
        pass
    finally:
        os._exit(status)


def can_fork() -> bool:
    """False where there is no fork, and where other threads might hold locks that a child would wait for."""
    return hasattr(os, "fork") and threading.active_count() == 1


def spread(workers: int) -> Callable[[Callable[[Sequence[Any]], bytes], Sequence[Any]], list[bytes]]:
    """The function of `Spread` (`model`) with so many processes."""

    def spread_items(work: Callable[[Sequence[Any]], bytes], items: Sequence[Any]) -> list[bytes]:
        size = -(-len(items) // workers) or 1
        parts = [items[begin : begin + size] for begin in range(0, len(items), size)]
        if len(parts) < 2 or not can_fork():
            return [work(part) for part in parts]
        children: list[Child] = []
        try:
            for part in parts:
                with suppress(OSError):
                    children.append(Child(lambda send, part=part: send(work(part))))  # type: ignore[misc]
            found = [child.receive() for child in children]
        finally:
            for child in children:
                child.end()
        found += [None] * (len(parts) - len(found))
        return [work(part) if raw is None else raw for part, raw in zip(parts, found, strict=True)]

    return spread_items


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, list[int], bytes, list[tuple[int, ...]], list[int]]).decode


class Round(Generic[S]):
    """Batches of states that children expand, each child every so-manieth of them."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[list[S], Child]] = deque()
        self._children: list[Child] = []

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def begin(
        self,
        batches: Sequence[list[S]],
        workers: int,
        work: Callable[[list[S]], Work[S]],
        absent: Callable[[array[int]], list[int]],
    ) -> None:
        """Fork the children. `absent`: the places of the fingerprints that are not known.

        Raises:
            OSError: the system has no process to spare.
        """
        self.end()
        for number in range(workers):
            mine = batches[number::workers]
            try:
                self._children.append(Child(lambda send, mine=mine: _expand(send, mine, work, absent)))  # type: ignore[misc]
            except OSError:
                self.end()
                raise
        self._waiting.extend((batch, self._children[at % workers]) for at, batch in enumerate(batches))

    def next(self) -> tuple[list[S], Work[S] | None]:
        """The next batch, and what its child found; None: it found nothing that can be used."""
        batch, child = self._waiting.popleft()
        raw, work = child.receive(), None
        if raw is not None:
            with suppress(msgspec.MsgspecError):
                transitions, ends, keys, afters, left = _decode(raw)
                work = Work(cast("list[S]", afters), array("q", keys), ends, transitions, left)
        if not self._waiting:
            self.end()
        return batch, work

    def end(self) -> None:
        """End the children. Idempotent."""
        for child in self._children:
            child.end()
        self._children.clear()
        self._waiting.clear()


def _expand(
    send: Callable[[bytes], None],
    batches: Sequence[list[S]],
    work: Callable[[list[S]], Work[S]],
    absent: Callable[[array[int]], list[int]],
) -> None:
    """Send of each batch the states that were not known, each once, the first time."""
    sent: set[int] = set()
    for batch in batches:
        done = work(batch)
        keys = array("q", cast("Sequence[int]", done.keys))
        places: list[int] = []
        for place in absent(keys):
            if keys[place] not in sent:
                sent.add(keys[place])
                places.append(place)
        afters = [done.afters[place] for place in places]
        if any(type(state) is not tuple for state in afters):
            raise TypeError("a state is no plain tuple")
        ends, at = [], 0
        for end in done.ends:
            while at < len(places) and places[at] < end:
                at += 1
            ends.append(at)
        packed = array("q", [keys[place] for place in places]).tobytes()
        send(_encode((done.transitions, ends, packed, afters, done.left)))
