"""A console for a person, on any screen: lines are carried out at once, answers are shown when they come.

`LineConsole` is what both the line console and the lab use. It never waits for the answer to a request; a command that
waits (`wait`, `expect`, `sleep`) can be interrupted from another thread.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
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
from simulator.text.sanitize import safe

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

LOOK_MS = 100
"""The interval in seconds at which the thread that shows answers looks whether it should end."""

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
        # Virtual time passes only in `wait`, so a request in the virtual world is waited for.
        self.session = Session(cluster, output, waits_for_answers=cluster.world == "virtual", screen=screen)
        self._cluster = cluster
        self._output = output
        self._indent = indent
        self._interpreter = Interpreter(self.session)
        self._number = 0
        self._users: dict[str, None] = {}
        self._titles: dict[str, None] = {}
        self._asked = ""  # The line that would replace a foreign file, until the person has answered.
        self._closing = False
        self._news = threading.Event()
        self._attendant = threading.Thread(target=self._attend, name="console answers", daemon=True)
        if not self.session.waits_for_answers:
            self._attendant.start()

    def run(self, line: str) -> bool:
        """Carry out a line and write its results; False when it ends the session. It may take long."""
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
