"""`paxsim`: real processes, the screen over them, and the console's language below."""

from __future__ import annotations

import sys
from multiprocessing import resource_tracker
from typing import TYPE_CHECKING

from simulator.cluster.log_filter import LogFilter
from simulator.scenario.session.output import Tone
from simulator.screens.console.live import LineConsole
from simulator.screens.dashboard.app import PROMPT, Lab
from simulator.screens.dashboard.runner import Pending, ShowHelp, ShowLog
from simulator.screens.dashboard.source import ClusterSource
from simulator.settings import Settings
from simulator.text.json_text import json_text
from simulator.views.palette import BAD, GOOD, QUIET
from simulator.views.sheet import bit
from simulator.worlds.open import open_cluster

if TYPE_CHECKING:
    from simulator.views.sheet import View

_TURN_S = 0.001

STYLES: dict[Tone, str] = {"plain": "", "good": GOOD, "bad": BAD, "quiet": QUIET}


class LabOutput:
    """Writes a session's output to the lab's transcript. Threads may share it."""

    def __init__(self, pending_output: Pending) -> None:
        self._pending_output = pending_output

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Write each line, made safe."""
        for line in text.split("\n"):
            self._pending_output.write(bit(line, STYLES[tone]))

    def show(self, view: View) -> None:
        """Draw a view in the transcript."""
        self._pending_output.write(view)

    def document(self, value: object) -> None:
        """Write one line of JSON."""
        self._pending_output.write(bit(json_text(value, terminal=True)))


class LabScreen:
    """What a line may ask of the lab's screen."""

    def __init__(self, pending_output: Pending) -> None:
        self._pending_output = pending_output

    def show_help(self) -> None:
        """Open the page of help."""
        self._pending_output.write(ShowHelp())

    def show_log(self, wanted: LogFilter) -> None:
        """Show this part of the running log."""
        self._pending_output.write(ShowLog(wanted))


def run_lab(settings: Settings, world: str = "processes") -> int:
    """Open the lab on five (or `settings.nodes`) nodes until the person leaves. Returns 0. It needs a terminal.

    Raises:
        InputError: the cluster cannot be started (the data directory is in use or damaged).
    """
    # Once Textual holds the terminal, a process that starts late (a restarted node) could not start this helper of
    # multiprocessing any more.
    resource_tracker.ensure_running()
    # The screen's thread shares the interpreter with the router and the checks. A key should not wait 5 ms, the
    # default switch interval, for each turn of theirs.
    sys.setswitchinterval(_TURN_S)
    cluster = open_cluster(world, settings, rewindable=True)
    try:
        pending_output = Pending()
        console = LineConsole(cluster, LabOutput(pending_output), screen=LabScreen(pending_output), indent=len(PROMPT))
        try:
            return Lab(ClusterSource(cluster), console, pending_output).run() or 0
        finally:
            console.close()
    finally:
        cluster.close()
