"""`paxsim maelstrom`: one node on stdin and stdout, with its files in a directory."""

from __future__ import annotations

import os
import re
import selectors
import time
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from paxos.ballot import NodeId
from simulator.errors import InputError
from simulator.maelstrom.gateway import Gateway
from simulator.maelstrom.messages import Lines
from simulator.maelstrom.store_codec import store_value
from simulator.maelstrom.store_node import store_node_type
from simulator.node.drivable import Drivable
from simulator.node.host import Host
from simulator.node.node import NodeStopped
from simulator.node.storage.identity import Identity
from simulator.node.storage.real_disk import RealDisk
from simulator.node.storage.storage import Storage
from simulator.settings import Settings

READ_BYTES = 1 << 16
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def serve(settings: Settings, *, descriptors: tuple[int, int] = (0, 1)) -> None:
    """Speak the protocol until stdin ends. `settings.data` "" keeps the node's files in a temporary directory.

    Raises:
        InputError: a line is no message of the protocol, the node's files are damaged, or its disk fails.
    """
    store_node_type(settings.break_rule)  # A rule that does not exist is told before the first line is read.
    if settings.data:
        _serve(settings, Path(settings.data), descriptors)
        return
    with TemporaryDirectory(prefix="paxsim-maelstrom-", ignore_cleanup_errors=True) as name:
        _serve(settings, Path(name), descriptors)


def _serve(settings: Settings, data: Path, descriptors: tuple[int, int]) -> None:
    stdin, stdout = descriptors

    def build(name: str, number: NodeId, nodes: int, host: Host) -> Drivable:
        if _NAME.fullmatch(name) is None:
            raise InputError(f"{name[:80]!r} cannot be the name of a folder: call nodes n1, n2 and so on.")
        here = Settings(
            nodes=nodes, data=str(data), difficulty=settings.difficulty, sync=settings.sync, seed=settings.seed
        )
        disk = RealDisk(data / name, settings.sync)
        storage = Storage(disk, settings.difficulty, Identity("maelstrom", number), values=store_value)
        nonce = int.from_bytes(os.urandom(6), "big")
        return store_node_type(settings.break_rule)(number, here, storage, host, nonce=nonce)

    pending: list[bytes] = []
    gateway = Gateway(build, pending.append, Random(), f"m{os.urandom(6).hex()}")
    source = _Input(stdin)
    try:
        while not source.closed or gateway.waits:
            arrived = source.read(_timeout_s(gateway))
            now_ms = _clock_ms()
            for line in arrived:
                gateway.handle(line, now_ms)
            gateway.turn(now_ms)
            _write_all(stdout, pending)
    except NodeStopped as stop:
        _write_all(stdout, pending)
        raise InputError(f"{stop}.") from None
    finally:
        source.close()


class _Input:
    """Lines of a pipe, a terminal or a file, whichever stdin is."""

    def __init__(self, fd: int) -> None:
        self.closed = False
        self._fd = fd
        self._lines = Lines()
        self._selector: selectors.BaseSelector | None = selectors.DefaultSelector()
        try:
            self._selector.register(fd, selectors.EVENT_READ)
        except PermissionError:  # A file is always ready, and no selector takes it.
            self.close()

    def read(self, timeout_s: float | None) -> list[bytes]:
        """The lines that have come within `timeout_s`, at its end only time has passed."""
        if self.closed:
            time.sleep(timeout_s or 0.0)  # Nothing can come any more: the next timer is all there is to wait for.
            return []
        if self._selector is not None and not self._selector.select(timeout_s):
            return []
        data = os.read(self._fd, READ_BYTES)
        self.closed = not data
        return self._lines.feed(data) if data else self._lines.end()

    def close(self) -> None:
        """Let the selector go; stdin belongs to whoever opened it."""
        if self._selector is not None:
            self._selector.close()
            self._selector = None


def _timeout_s(gateway: Gateway) -> float | None:
    if gateway.node is None:
        return None
    due = min(gateway.due_ms.values(), default=None)
    return None if due is None else max(0.0, (due - _clock_ms()) / 1000)


def _write_all(stdout: int, pending: list[bytes]) -> None:
    """Write all lines. It waits for the reader: a harness that does not read has stopped this node."""
    data = memoryview(b"".join(pending))
    pending.clear()
    while data:
        data = data[os.write(stdout, data) :]


def _clock_ms() -> int:
    return time.monotonic_ns() // 1_000_000
