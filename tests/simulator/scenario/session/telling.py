"""A session on a fake cluster, told line by line."""

from __future__ import annotations

from simulator.scenario.language.parser import parse_line
from simulator.scenario.session.interpreter import Interpreter
from simulator.scenario.session.output import Tone
from simulator.scenario.session.session import Session
from simulator.settings import Settings
from simulator.views.sheet import View
from tests.simulator.scenario.fake import FakeCluster


class Notebook:
    """A stage that writes down what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.documents: list[object] = []

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Write down the lines."""
        self.lines += text.split("\n")

    def show(self, view: View) -> None:
        """Write down the plain form."""
        self.lines += view.plain().split("\n")

    def document(self, value: object) -> None:
        """Keep the value."""
        self.documents.append(value)


class Story:
    """A cluster, a session on it, and what was said."""

    def __init__(self, settings: Settings | None = None, *, waits_for_answers: bool = True) -> None:
        self.cluster = FakeCluster(settings)
        self.notebook = Notebook()
        self.session = Session(self.cluster, self.notebook, waits_for_answers=waits_for_answers)
        self.runner = Interpreter(self.session)
        self._number = 0

    def tell(self, *lines: str) -> list[str]:
        """Carry out these lines; returns what was said meanwhile."""
        before = len(self.notebook.lines)
        for text in lines:
            self._number += 1
            line = parse_line(text, nodes=self.cluster.settings.nodes, number=self._number)
            assert line is not None
            self.runner.carry_out(line)
        return self.notebook.lines[before:]

    def failures(self) -> list[str]:
        """The lines that failed, as written."""
        return [failure.command for failure in self.session.failures]
