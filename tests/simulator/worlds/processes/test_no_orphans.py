"""However the main process ends, its nodes end with it, and nothing of it runs twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOUSE = Path(__file__).parents[4]
LAB = """
import sys, time
from simulator.faults.faults import Pause
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.settings import Settings
from tests.simulator.worlds.processes.fake import build_fake

cluster = ProcessCluster(Settings(nodes=3, data=sys.argv[1]), build=build_fake)
assert cluster.wait(lambda: len(cluster.events(9)) == 3, 20_000)
cluster.apply(Pause(2))
print(*[cluster.pid(node) for node in (1, 2, 3)], flush=True)
time.sleep(60)
"""


@contextmanager
def lab(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """A script that runs three nodes, one of them paused, and its nodes' processes. It has no `__main__` guard."""
    script = tmp_path / "lab.py"
    script.write_text(LAB)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HOUSE), *sys.path])}
    main = subprocess.Popen(
        [sys.executable, str(script), str(tmp_path / "data")],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, start_new_session=True,
    )  # fmt: skip
    pids: list[int] = []
    try:
        assert main.stdout is not None
        pids = [int(word) for word in main.stdout.readline().split()]
        yield main, pids
    finally:
        main.kill()
        main.communicate()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def members(session: int) -> set[int]:
    """All processes of a session that have not ended, helpers of multiprocessing among them."""
    found: set[int] = set()
    for directory in Path("/proc").glob("[0-9]*"):
        with suppress(FileNotFoundError, ProcessLookupError):
            state, _, _, its_session, *_ = (directory / "stat").read_text().rpartition(")")[2].split()
            if int(its_session) == session and state != "Z":
                found.add(int(directory.name))
    return found


def children(parent: int) -> set[int]:
    """The nodes that a process has started."""
    try:
        lists = [path.read_text() for path in Path(f"/proc/{parent}/task").glob("*/children")]
        found = {int(word) for text in lists for word in text.split()}
        return {pid for pid in found if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()}
    except (FileNotFoundError, ProcessLookupError):
        return set()


def all_end(session: int) -> bool:
    """True as soon as nobody of the session is left, false after ten seconds."""
    end = time.monotonic() + 10
    while members(session) and time.monotonic() < end:
        time.sleep(0.01)
    return not members(session)


def test_killing_the_supervisor_leaves_no_orphan(tmp_path: Path) -> None:
    """A kill -9 of the main process takes all nodes with it, a stopped one too."""
    with lab(tmp_path) as (main, pids):
        assert len(pids) == 3
        assert members(main.pid) >= {main.pid, *pids}

        main.kill()
        main.wait()

        assert all_end(main.pid)


def test_nodes_that_are_stopped_in_their_first_moments_leave_no_orphan(tmp_path: Path) -> None:
    """They have not run a line of ours yet: what ties them to their parent was set before they began."""
    main = subprocess.Popen(
        [sys.executable, "-m", "simulator", "console", "--data", str(tmp_path / "data")],
        stdin=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(HOUSE)}, start_new_session=True,
    )  # fmt: skip
    stopped: set[int] = set()
    try:
        end = time.monotonic() + 30
        while len(stopped) < 5 and time.monotonic() < end:
            for pid in children(main.pid) - stopped:
                os.kill(pid, signal.SIGSTOP)
                stopped.add(pid)
        assert len(stopped) >= 5
        while any(") T " not in Path(f"/proc/{pid}/stat").read_text() for pid in stopped):
            time.sleep(0.001)  # A busy machine takes a moment to stop them.

        main.kill()
        main.wait()

        assert all_end(main.pid)
    finally:
        for pid in stopped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        assert main.stdin is not None
        main.stdin.close()


def test_ctrl_c_while_nodes_start_ends_everything(tmp_path: Path) -> None:
    """The whole foreground group gets it: no node complains, and the command tells it in one sentence."""
    main = subprocess.Popen(
        [sys.executable, "-m", "simulator", "console", "--data", str(tmp_path / "data")],
        stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(HOUSE)}, start_new_session=True,
    )  # fmt: skip
    end = time.monotonic() + 30
    while len(children(main.pid)) < 3 and time.monotonic() < end:
        pass
    os.killpg(main.pid, signal.SIGINT)
    _, complaint = main.communicate(timeout=30)

    assert (main.returncode, complaint) == (130, "paxsim: interrupted.\n")
    assert all_end(main.pid)


def test_ctrl_c_ends_everything_once(tmp_path: Path) -> None:
    """The whole foreground group gets the signal: nodes leave it to the supervisor, which ends them at its exit."""
    with lab(tmp_path) as (main, _):
        os.killpg(main.pid, signal.SIGINT)
        _, complaint = main.communicate(timeout=10)

        assert all_end(main.pid)
        assert complaint.count("Traceback") == 1  # The script's own, which catches nothing.
        assert "KeyboardInterrupt" in complaint


def test_nodes_load_no_screen() -> None:
    """What a node process imports before it has work to do decides how soon the lab is up."""
    check = "import sys, simulator.worlds.processes.node_main as c; c.build_node; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=HOUSE).stdout

    assert not {"rich", "textual", "prompt_toolkit", "click", "asyncio"} & set(loaded.split())
