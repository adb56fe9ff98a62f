"""`paxsim console`: at a terminal a prompt, in a pipe one command a line."""

from __future__ import annotations

import io
import os
import sys
from typing import TextIO

from simulator.screens.console.lines import LineSource
from simulator.screens.console.piped import PipedConsole
from simulator.settings import Settings
from simulator.worlds.open import open_cluster


def run_console(
    settings: Settings,
    *,
    stdin: TextIO | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
    world: str = "processes",
) -> int:
    """Start the nodes, carry out commands until they end, end the nodes; return the exit status.

    In a pipe: 0, 1 when an expectation or a command failed, 2 when a line was not understood. At a terminal: 0.

    Raises:
        InputError: the cluster cannot be started (the data directory is in use or damaged).
        KeyboardInterrupt: Ctrl-C. The nodes have ended.
    """
    # A stream is None when it was closed before we began (`paxsim console <&-`).
    source = stdin or sys.stdin or io.StringIO()
    out, err = stdout or sys.stdout or io.StringIO(), stderr or sys.stderr or io.StringIO()
    if source.isatty() and out.isatty() and os.environ.get("TERM") != "dumb":
        return _at_terminal(settings, world)
    return PipedConsole(settings, LineSource(source), out, err, world).run()


def _at_terminal(settings: Settings, world: str) -> int:
    cluster = open_cluster(world, settings, rewindable=True)
    try:
        # While the nodes start: these imports take 0.3 s, and a piped console does without them.
        from simulator.screens.console.terminal import run_terminal  # noqa: PLC0415

        return run_terminal(cluster)
    finally:
        cluster.close()
