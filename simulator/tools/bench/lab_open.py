"""The cost of the lab's screen: the same writes with the screen in a real pseudo-terminal, and without it."""

from __future__ import annotations

import os
import select
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort, Skipped
from simulator.worlds.processes.cluster import ProcessCluster

OUTSTANDING = 64
COLUMNS, LINES = 160, 46
_MODULE = "simulator.tools.bench.lab_open"


def throughput(effort: Effort, *, drawn: bool) -> Sequence[float]:
    """Writes a second in a process of its own, with or without the screen."""
    seconds = effort.pick(4000, 500) / 1000
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        result = Path(directory) / "result"
        _in_terminal([sys.executable, "-m", _MODULE, str(int(drawn)), str(seconds), directory, str(result)])
        try:
            return [float(result.read_text(encoding="utf-8"))]
        except (OSError, ValueError):
            raise RuntimeError("the lab ended before its writes were counted") from None


def _in_terminal(command: list[str]) -> None:
    """Run a command whose three streams are a terminal, and read its output as fast as a good terminal does."""
    if sys.platform == "win32":
        raise Skipped("a pseudo-terminal is needed.")
    import fcntl  # noqa: PLC0415  Where there is no pseudo-terminal there is no such module either.
    import pty  # noqa: PLC0415
    import termios  # noqa: PLC0415

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    environment = {**os.environ, "TERM": "xterm-256color"}
    process = subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    )
    os.close(theirs)
    try:
        while process.poll() is None:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    os.read(ours, 1 << 16)
                except OSError:  # The other side is closed.
                    process.wait()
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def _count(cluster: ProcessCluster, seconds: float, result: Path) -> None:
    stream = real.Stream(cluster, real.leader(cluster), OUTSTANDING)
    stream.flow(1)
    rate = stream.flow(seconds)
    stream.drain()
    result.write_text(str(rate), encoding="utf-8")


def main(arguments: Sequence[str]) -> None:
    """Run the writes, under the lab when the first argument is 1: the program inside the terminal."""
    drawn, seconds, directory, result = arguments[0] == "1", float(arguments[1]), arguments[2], Path(arguments[3])
    with real.running(data=str(Path(directory) / "data")) as cluster:
        if drawn:
            _count_under_lab(cluster, seconds, result)
        else:
            _count(cluster, seconds, result)


def _count_under_lab(cluster: ProcessCluster, seconds: float, result: Path) -> None:
    from simulator.screens.console.live import LineConsole  # noqa: PLC0415  Without the lab nothing of it is loaded.
    from simulator.screens.dashboard.app import Lab  # noqa: PLC0415
    from simulator.screens.dashboard.lab import LabOutput  # noqa: PLC0415
    from simulator.screens.dashboard.runner import Pending  # noqa: PLC0415
    from simulator.screens.dashboard.source import ClusterSource  # noqa: PLC0415

    sayings = Pending()
    console = LineConsole(cluster, LabOutput(sayings))
    lab = Lab(ClusterSource(cluster), console, sayings)

    def work() -> None:
        while not lab.is_running:
            time.sleep(0.05)  # The screen needs half a second to come up, and does not report it.
        try:
            _count(cluster, seconds, result)
        finally:
            lab.call_from_thread(lab.exit, 0)

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    lab.run()
    worker.join()
    console.close()


CASES = [
    Case(
        name="lab/closed",
        story=f"{OUTSTANDING} writes outstanding, no screen",
        unit="writes/s",
        better="higher",
        measure=partial(throughput, drawn=False),
        settings={"nodes": 5, "sync": "fsync", "outstanding": OUTSTANDING},
    ),
    Case(
        name="lab/open",
        story=f"the same with the lab drawn, {COLUMNS} by {LINES}",
        unit="writes/s",
        better="higher",
        measure=partial(throughput, drawn=True),
        settings={"nodes": 5, "sync": "fsync", "outstanding": OUTSTANDING, "columns": COLUMNS, "lines": LINES},
        limit="lab/closed",
        aim=0.9,
    ),
]

if __name__ == "__main__":
    main(sys.argv[1:])
