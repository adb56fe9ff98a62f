"""A console for a person, on any screen: lines are carried out at once, answers are shown when they come.

`LineConsole` is what both the line console and the lab use. It never waits for the answer to a request; a command that
waits (`wait`, `expect`, `sleep`) can be interrupted from another thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.cells import cell_len

from simulator.cluster.meter import LoadProgress
from simulator.errors import InputError
from simulator.files.places import ForeignFile
from simulator.scenario.language.commands import Comment, Post
from simulator.scenario.language.completion import complete
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.parser import parse_line
from simulator.scenario.session.interpreter import Interpreter
from simulator.scenario.session.library import scenario_names
from simulator.scenario.session.output import Output, Screen
from simulator.scenario.session.session import Interrupted, Session
from simulator.scenario.session.time_commands import TimeCommands
from simulator.scenario.session.time_travel import TimeTravel
from simulator.screens.console.pace import TURN_S, Pace, either
from simulator.text.sanitize import safe

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

LOOK_MS = 100
"""The interval in seconds at which the thread that shows answers looks whether it should end."""

DELIVERY_MS = 20
"""After each line, held messages that it delivered get so much virtual time, in milliseconds, for what they cause."""

_REMEMBERED = 500

_CARET_WITHIN = 60
_AROUND = 20

ANSWERS = {"yes": True, "y": True, "no": False, "n": False}
"""What a person may answer to a question. Any other line means no, and is carried out."""


class LineConsole:
    """Carries out typed lines on `cluster`, and writes results to `output`, from several threads.

    `screen` is the screen over the cluster, if there is one. `indent` is how far the prompt moves a typed line to the
    right: the caret below a mistake stands under it.
    """

    def __init__(self, cluster: Cluster, output: Output, *, screen: Screen | None = None, indent: int = 0) -> None:
        # Virtual time that nothing else lets pass passes only in `wait`, so a request there is waited for.
        waits = cluster.world == "virtual" and cluster.rewindable is None
        self._interpreter = Interpreter(Session(cluster, output, waits_for_answers=waits, screen=screen))
        self._cluster = cluster
        self._output = output
        self._indent = indent
        self._number = 0
        self._users: dict[str, None] = {}
        self._titles: dict[str, None] = {}
        self._asked = ""  # The line that would replace a foreign file, until the person has answered.
        self._closing = False
        self._news = threading.Event()
        self._turn = threading.Lock()  # Held while a line is carried out, or virtual time passes between lines.
        self._pace = Pace(cluster)
        self._attendant = threading.Thread(
            target=self._attend if cluster.rewindable is None else self._let_time_pass,
            name="console answers",
            daemon=True,
        )
        if cluster.rewindable is not None:
            travel = TimeTravel(cluster, self._interpreter, self._pace.wait)
            self._interpreter.time = TimeCommands(travel, output, self._pace)
            self._pace.interrupted = lambda: self.session.interrupted or self._closing
        if not waits:
            self._attendant.start()

    @property
    def session(self) -> Session:
        """The session; another one after a person went back in time."""
        return self._interpreter.session

    def time_words(self) -> str:
        """How virtual time passes, in a few words; "" for real time."""
        return "" if self._interpreter.time is None else self._interpreter.time.state()

    def run(self, line: str) -> bool:
        """Carry out a line and write its results; False when it ends the session. It may take long."""
        with self._turn:
            going_on = self._run(line)
            if self._interpreter.time is not None and self._cluster.links.holding and self._pace.rate:
                self._pass_time(DELIVERY_MS)
        return going_on

    def _run(self, line: str) -> bool:
        self._number += 1
        asked, self._asked = self._asked, ""
        answer = line.strip().lower()
        if asked and answer in ANSWERS:
            if not ANSWERS[answer]:
                self._output.write("left as it is", "quiet")
                return True
            line = asked
        confirmed = line is asked
        try:
            parsed = parse_line(line, nodes=self._cluster.settings.nodes, number=self._number)
            if parsed is None:
                return True
            if isinstance(parsed.command, Post | Comment):
                self._remember(self._users, parsed.command.user)
                self._remember(self._titles, parsed.command.title)
            self._interpreter.carry_out(parsed, confirmed=confirmed)
        except ForeignFile as error:
            self._asked = line
            self._output.write(f"{error} Replace it nevertheless? yes or no", "bad")
        except ParseError as mistake:
            self._output.write(pointed(line, mistake, self._indent), "bad")
        except InputError as error:
            self._output.write(str(error), "bad")
        except Interrupted:
            self._output.write("(no longer waiting)", "quiet")
        self._news.set()
        return not self._interpreter.over

    def complete(self, before: str) -> Sequence[str]:
        """The words that may stand where the last word of `before` stands. It returns at once and asks no node."""
        cluster = self._cluster
        held = cluster.held() if cluster.links.holding and "deliver" in before.lower() else ()
        return complete(
            before,
            nodes=cluster.settings.nodes,
            titles=self._titles,
            users=self._users,
            held=held,
            files=scenario_names,
        )

    def loads(self) -> Sequence[LoadProgress]:
        """The loads under way."""
        return [load.progress for load in [*self.session.loads]]

    def interrupt(self) -> None:
        """End a waiting command early."""
        self.session.interrupted = True

    def close(self) -> None:
        """Stop showing answers. The cluster goes on."""
        self._closing = True
        self._news.set()
        self._pace.wake()
        if self._attendant.is_alive():
            self._attendant.join(1.0)

    def _remember(self, known: dict[str, None], word: str) -> None:
        known[word] = None
        if len(known) > _REMEMBERED:
            del known[next(iter(known))]

    def _attend(self) -> None:
        session = self.session
        while not self._closing:
            if not session.pending():
                self._news.wait()
                self._news.clear()
                continue
            self._cluster.attend(lambda: self._closing or session.has_due_work(), LOOK_MS)
            session.process_due()

    def _let_time_pass(self) -> None:
        """Let virtual time pass between lines. While messages are held it stands still, as real time does."""
        while not self._closing:
            with self._turn:
                due_ms = self._pace.due_ms()
                if due_ms and not self._cluster.links.holding:
                    self._pass_time(due_ms)
            self._pace.rest()

    def _pass_time(self, for_ms: int) -> None:
        ends = either(lambda: self._closing, time.monotonic() + TURN_S)
        with self._pace.direct(), suppress(Interrupted):
            self.session.pass_time(ends, for_ms)


def pointed(line: str, mistake: ParseError, indent: int) -> str:
    """A mistake, below a caret that stands under its column; `line` was typed `indent` columns from the left.

    Of a long line, which may be broken on the screen, the part around the mistake is repeated.
    """
    before = safe(line[: mistake.column - 1])
    sentence = f"column {mistake.column}: {mistake}"
    if indent + cell_len(before) < _CARET_WITHIN:
        return f"{' ' * (indent + cell_len(before))}^\n{sentence}"
    near = before[-_AROUND:]
    return f"…{near}{safe(line[mistake.column - 1 :][:_AROUND])}\n{' ' * (1 + cell_len(near))}^\n{sentence}"
