"""A process of the bare pattern: it writes what it gets, syncs, and acknowledges. No protocol, no blog, no chain.

The first node gets a request, sends it to the four others, writes it, and answers when two of them have written it too.
It imports only the pipes, so that it starts as fast as any process of ours could.
"""

from __future__ import annotations

import os
import selectors
from pathlib import Path

from simulator.worlds.processes.framed_pipe import SUPERVISOR, Inlet, Outlet, frame, split

LEADER = 1
HELLO = b"hello"

_sync_data = getattr(os, "fdatasync", os.fsync)


def run_bare_node(
    node: int,
    nodes: int,
    directory: str,
    ends: tuple[int, int],
    *,
    synced: bool,
    grouped: bool,
) -> None:
    """Run until the input pipe ends.

    Each message is written, synced and answered by itself or, when `grouped`, with all that one read has brought.
    """
    file = os.open(Path(directory) / f"bare-{node}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1])
    bare = _Bare(node, nodes, outlet)
    outlet.put(frame(1 << SUPERVISOR, [HELLO]))
    outlet.flush()
    with selectors.DefaultSelector() as selector:
        selector.register(inlet.fd, selectors.EVENT_READ)
        while not inlet.closed:
            selector.select()
            for source, _, body in inlet.read():
                for message in split(body):
                    bare.hear(source, message)
                    if not grouped:
                        _settle(bare, file, synced=synced)
            _settle(bare, file, synced=synced)
    os._exit(0)


def _settle(bare: _Bare, file: int, *, synced: bool) -> None:
    if bare.unwritten:
        os.write(file, b"".join(bare.unwritten))
        bare.unwritten.clear()
        if synced:
            _sync_data(file)
        bare.speak()


class _Bare:
    """Counts votes. A message is eight bytes that name it and a payload; a vote is the name alone."""

    def __init__(self, node: int, nodes: int, outlet: Outlet) -> None:
        self.unwritten: list[bytes] = []
        self._leads = node == LEADER
        self._all = sum(1 << other for other in range(1, nodes + 1) if other != node)
        self._needed = nodes // 2
        self._outlet = outlet
        self._votes: dict[bytes, int] = {}
        self._own: list[bytes] = []

    def hear(self, source: int, message: bytes) -> None:
        """Handle a request or a vote."""
        name = message[:8]
        if source == SUPERVISOR or len(message) > 8:
            self.unwritten.append(message)
            self._own.append(name)
            if self._leads:
                self._votes[name] = 0
                self._outlet.put(frame(self._all, [message]))
                self._outlet.flush()
        else:
            self._count(name)

    def speak(self) -> None:
        """Send what was written, one frame for each message."""
        for name in self._own:
            if self._leads:
                self._count(name)
            else:
                self._outlet.put(frame(1 << LEADER, [name]))
                self._outlet.flush()
        self._own.clear()

    def _count(self, name: bytes) -> None:
        votes = self._votes.get(name)
        if votes is None:
            return  # It has its majority.
        if votes < self._needed:
            self._votes[name] = votes + 1
            return
        del self._votes[name]
        self._outlet.put(frame(1 << SUPERVISOR, [name]))
        self._outlet.flush()
