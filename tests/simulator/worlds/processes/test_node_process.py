"""How one process of a node ends, also while another thread of this program starts or reaps processes."""

from __future__ import annotations

import os
import threading
from multiprocessing.connection import wait
from pathlib import Path

from simulator.settings import Settings
from simulator.worlds.processes.node_process import NodeProcess
from tests.simulator.worlds.processes.fake import build_fake


def killed(tmp_path: Path) -> NodeProcess:
    """A process that has been killed and not been reaped."""
    (tmp_path / "node-1").mkdir()
    process = NodeProcess(1, Settings(nodes=3, data=str(tmp_path)), build_fake)
    process.kill()
    wait([process.sentinel])
    process.close_pipes()
    return process


def test_it_tells_how_the_process_ended(tmp_path: Path) -> None:
    """By name of the signal."""
    assert killed(tmp_path).reap() == "killed by SIGKILL"


def test_it_waits_for_another_thread_that_has_taken_the_exit_code(tmp_path: Path) -> None:
    """Multiprocessing reaps all children when any thread starts a process; it stores each code a moment later."""
    process = killed(tmp_path)
    popen = process._process._popen  # type: ignore[attr-defined]
    _, status = os.waitpid(process.pid, 0)
    store = threading.Timer(0.2, lambda: setattr(popen, "returncode", os.waitstatus_to_exitcode(status)))

    store.start()

    assert process.reap() == "killed by SIGKILL"
    store.join()


def test_a_process_that_another_thread_has_reaped_can_be_paused_and_resumed(tmp_path: Path) -> None:
    """The supervisor learns of its end in its next turn; until then a fault at it does nothing."""
    process = killed(tmp_path)
    _, status = os.waitpid(process.pid, 0)

    process.pause()
    process.resume()

    process._process._popen.returncode = os.waitstatus_to_exitcode(status)  # type: ignore[attr-defined]
    assert process.reap() == "killed by SIGKILL"
