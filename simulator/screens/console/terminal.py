"""The line console at a terminal: a prompt with history and completion; answers appear above it as they come."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app_session
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory

from simulator.scenario.session.rich_output import RichOutput
from simulator.screens.console.above_prompt import AbovePrompt
from simulator.screens.console.live import LineConsole
from simulator.text.counted import counted

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

PROMPT = "paxsim> "


class GrammarCompleter(Completer):
    """Offers the words that the grammar allows, earlier lines, and node numbers."""

    def __init__(self, console: LineConsole) -> None:
        self._console = console

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """The words that may stand at the cursor."""
        before = document.text_before_cursor
        begun = "" if not before or before[-1].isspace() else before.split()[-1]
        for word in self._console.complete(before):
            yield Completion(word, start_position=-len(begun))


def run_terminal(cluster: Cluster) -> int:
    """Read and carry out lines until `quit`, Ctrl-D or Ctrl-C (which raises KeyboardInterrupt). Returns 0.

    Lines are carried out one after the other in a thread of their own, so that a person can go on typing.
    """
    above = AbovePrompt(get_app_session().output)
    with contextlib.redirect_stdout(above), contextlib.redirect_stderr(above):
        output = RichOutput(lambda: cast(TextIO, above))
        console = LineConsole(cluster, output, indent=len(PROMPT))
        prompt: PromptSession[str] = PromptSession(
            PROMPT,
            history=_history(),
            completer=GrammarCompleter(console),
            complete_while_typing=False,
            enable_history_search=False,
        )
        worker = _Worker(console, prompt)

        def begin() -> None:
            above.prompt_begins(prompt.app.loop)
            worker.end_prompt_if_over()

        output.write(
            f"{counted(cluster.settings.nodes, 'node')}. 'help' lists all commands, Tab completes, Ctrl-D ends.",
            "quiet",
        )
        try:
            while not worker.over:
                try:
                    typed = prompt.prompt(pre_run=begin)
                except EOFError:
                    break
                finally:
                    above.prompt_ended()
                for line in typed.splitlines():
                    worker.give(line)  # A pasted text may be many lines.
            worker.raise_trouble()
        finally:
            worker.stop()
            console.close()
            above.prompt_ended()
    return 0


class _Worker:
    """The thread that carries out lines. It ends the prompt when a line ends the session or raises an error."""

    def __init__(self, console: LineConsole, prompt: PromptSession[str]) -> None:
        self._console = console
        self._prompt = prompt
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._thread = threading.Thread(target=self._work, name="console lines", daemon=True)
        self._trouble: Exception | None = None
        self.over = False
        self._thread.start()

    def give(self, line: str) -> None:
        """Carry out `line` after those before it."""
        self._lines.put(line)

    def stop(self) -> None:
        """End the thread, and the command that it waits for."""
        self._lines.put(None)
        self._console.interrupt()
        self._thread.join(0.5)

    def raise_trouble(self) -> None:
        """Raise the error of the thread, if any."""
        if self._trouble is not None:
            raise self._trouble

    def _work(self) -> None:
        while (line := self._lines.get()) is not None:
            try:
                going_on = self._console.run(line)
            except Exception as error:  # noqa: BLE001  # Raised again where the command ends: it is a bug of ours.
                self._trouble = error
                going_on = False
            if not going_on:
                self.over = True
                self._end_prompt()
                return

    def end_prompt_if_over(self) -> None:
        """Called when a prompt begins: the line before may just have ended the session."""
        if self.over:
            self._prompt.app.exit(result="")

    def _end_prompt(self) -> None:
        app = self._prompt.app
        loop = app.loop
        if app.is_running and loop is not None:
            loop.call_soon_threadsafe(lambda: app.exit(result="") if app.is_running else None)


def _history() -> History:
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    path = Path(home) / "paxsim" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8"):
            pass
    except OSError:
        return InMemoryHistory()  # A home directory that cannot be written does not prevent the start.
    return FileHistory(str(path))
