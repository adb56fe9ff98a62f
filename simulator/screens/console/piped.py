"""The console in a pipe: one command a line, writes are waited for, plain results on stdout, mistakes on stderr.

It imports no screen library, so that the first write leaves as soon as the nodes are up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

from simulator.errors import InputError
from simulator.scenario.language.commands import Line, SetKey
from simulator.scenario.language.errors import LineError, ParseError
from simulator.scenario.language.parser import parse_line
from simulator.scenario.session.output import PlainOutput
from simulator.screens.console.lines import LineSource
from simulator.settings import Settings
from simulator.worlds.open import open_cluster, with_setting

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.interpreter import Interpreter

ALL_WELL, FAILED, MISUNDERSTOOD = 0, 1, 2

_FIRST_LINE_S = 0.02
"""How long, in seconds, the console waits for the first line of a pipe before it starts the nodes without it."""


class PipedConsole:
    """Reads commands from `lines` until they end or are `quit`.

    The cluster starts before the first command that needs it.
    """

    def __init__(self, settings: Settings, lines: LineSource, stdout: TextIO, stderr: TextIO, world: str) -> None:
        self._settings = settings
        self._world = world
        self._lines = lines
        self._output = PlainOutput(stdout)
        self._complaints = PlainOutput(stderr)
        self._cluster: Cluster | None = None
        self._interpreter: Interpreter | None = None
        self._number = 0
        self._misunderstood = False

    def run(self) -> int:
        """Carry out all lines. Returns 2 when one was not understood, 1 when one failed, else 0."""
        try:
            while (text := self._next_line()) is not None:
                self._number += 1
                line = self._understand(text)
                if line is not None:
                    self._carry_out(line)
                if self._interpreter is not None and self._interpreter.over:
                    break
            if self._interpreter is not None:
                self._interpreter.session.finish()
        finally:
            if self._cluster is not None:
                self._cluster.close()
        if self._misunderstood:
            return MISUNDERSTOOD
        return FAILED if self._interpreter is not None and self._interpreter.session.failures else ALL_WELL

    def _next_line(self) -> str | None:
        if self._cluster is None and not self._lines.ready(_FIRST_LINE_S):
            self._open()
        session = self._interpreter.session if self._interpreter is not None else None
        # Virtual time stands still between commands, however slowly they come: the same commands give the same run. So
        # does the time of real processes while messages are held by hand.
        if session is not None and session.cluster.world == "processes":
            while session.pending() and not (session.cluster.links.holding or self._lines.ready()):
                session.pass_time(lambda: self._lines.ready() or not session.pending(), 60_000)
        return self._lines.next()

    def _understand(self, text: str) -> Line | None:
        try:
            return parse_line(text, nodes=self._settings.nodes, number=self._number)
        except ParseError as mistake:
            self._misunderstood = True
            self._complaints.write(f"paxsim: {LineError(mistake, line=self._number)}")
            return None

    def _carry_out(self, line: Line) -> None:
        if isinstance(line.command, SetKey) and (self._interpreter is None or not self._interpreter.session.began):
            self._set(line.command)
            return
        runner = self._interpreter or self._open()
        try:
            runner.carry_out(line)
        except InputError as error:
            runner.session.fail(line, str(error))
            self._complaints.write(f"paxsim: line {line.number}: {error}")

    def _set(self, command: SetKey) -> None:
        if command.key == "world":
            self._world = str(command.value)
        else:
            self._settings = with_setting(self._settings, command.key, command.value)
        if self._cluster is not None:
            # No command has used the cluster yet, so nothing is lost with it.
            self._cluster.close()
            self._cluster = self._interpreter = None

    def _open(self) -> Interpreter:
        self._cluster = open_cluster(self._world, self._settings, rewindable=True)
        from simulator.scenario.session.interpreter import Interpreter  # noqa: PLC0415  While the nodes start.
        from simulator.scenario.session.session import Session  # noqa: PLC0415
        from simulator.scenario.session.time_commands import TimeCommands  # noqa: PLC0415

        session = Session(self._cluster, self._output, warn=lambda text: self._complaints.write(f"paxsim: {text}"))
        self._interpreter = Interpreter(session)
        if self._cluster.rewindable is not None:
            from simulator.scenario.session.time_travel import TimeTravel  # noqa: PLC0415

            travel = TimeTravel(self._cluster, self._interpreter)
            self._interpreter.time = TimeCommands(travel, self._output)
        return self._interpreter
