"""The process that checks a run while it goes on, beside the nodes: the supervisor has no time and no memory for it."""

from __future__ import annotations

import gc
import os
import selectors
import signal
import time
import traceback
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import NamedTuple

from simulator.settings import Settings
from simulator.worlds.processes.recording import Extent
from simulator.worlds.processes.run_checker import RunChecker

NICENESS = 5
"""Nodes and the network go first."""
REST = 39.0
"""After each chunk of the recording it rests so many times as long: a fortieth of a core is left to it.

Whoever asks ends the rest, and waits for what is not yet judged.
"""


class Checked(NamedTuple):
    """What is checked: see `RunChecker`."""

    settings: Settings
    run: str
    whole: bool


def run_checks(checked: Checked, fd: int, wake: int, questions: Connection) -> None:
    """Follow the recording `fd` at each byte of `wake`, and answer `questions`, until nobody can ask any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor.
    os.nice(NICENESS)
    gc.set_threshold(100_000, 20, 100)
    os.set_blocking(wake, False)
    checker = RunChecker(checked.settings, checked.run, fd, whole=checked.whole)
    bug = ""
    behind = False
    with selectors.DefaultSelector() as selector, suppress(EOFError, OSError):  # Until the supervisor is gone.
        selector.register(wake, selectors.EVENT_READ)
        selector.register(questions, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select(0 if behind else None)}
            if questions in ready:
                asked = Extent(*questions.recv())
                questions.send(({}, bug) if bug else _answer(checker, asked, questions))
                continue
            if wake in ready and not os.read(wake, 1 << 16):
                return
            began = time.monotonic()
            behind, bug = (False, bug) if bug else _follow(checker, os.fstat(fd).st_size)
            questions.poll(REST * (time.monotonic() - began))


def _answer(checker: RunChecker, asked: Extent, questions: Connection) -> tuple[dict[str, str], str]:
    """The verdicts, and the traceback of a bug of ours or ""."""

    def newest() -> Extent:
        questions.send(None)
        return Extent(*questions.recv())

    try:
        return checker.verdicts(asked, newest), ""
    except EOFError:
        raise
    except Exception:  # noqa: BLE001  Whoever asks gets it.
        return {}, traceback.format_exc()


def _follow(checker: RunChecker, size: int) -> tuple[bool, str]:
    """Judge the next chunk. Returns whether more is left, and the traceback of a bug of ours, or ""."""
    try:
        return checker.follow(size), ""
    except Exception:  # noqa: BLE001  Whoever asks for the verdicts gets it.
        return False, traceback.format_exc()
