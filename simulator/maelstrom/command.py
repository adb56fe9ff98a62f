"""`paxsim run --world maelstrom --bin COMMAND`: try a node program, print the verdict, keep the history."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TextIO

from simulator.cluster.history import write_history
from simulator.errors import InputError
from simulator.maelstrom.timetable import DRAWN, drawn_timetable, read_timetable
from simulator.maelstrom.trial import OK, Trial, TrialResult
from simulator.scenario.language.commands import Line, SetKey
from simulator.settings import Settings
from simulator.text.json_text import json_text
from simulator.text.sanitize import safe
from simulator.worlds.open import with_wishes

PASSED, FAILED = 0, 1


def try_program(
    command: str,
    names: Sequence[str],
    *,
    settings: Settings,
    out: str | None = None,
    json: bool = False,
    progress: Callable[[str], None] = lambda _text: None,
    stdout: TextIO | None = None,
) -> int:
    """Try a node program in each scenario; without one, in faults drawn by the seed. Returns 0 when all is well, or 1.

    `settings.data` is where the logs of the nodes are kept; "" is a temporary directory. `out` gets the history.

    Raises:
        InputError: the command is no node program, a file cannot be read, or there is nothing to write to.
    """
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise InputError(f"{command!r} cannot be split into words: {str(error).lower()}.") from None
    if not words:
        raise InputError("--bin names no command: write --bin 'python3 node.py'.")
    if out is not None and len(names) > 1:
        raise InputError("-o keeps the history of one scenario: name one.")
    tables = [(name, read_timetable(name, settings.nodes)) for name in names]
    tables = tables or [(DRAWN, drawn_timetable(settings.seed, settings.nodes))]
    results = [_Table(words, name, lines, out, progress).tried(settings) for name, lines in tables]
    stream = stdout or sys.stdout
    if json:
        document: object = results[0] if len(results) == 1 else results
        stream.write(json_text(document, pretty=True, terminal=stream.isatty()) + "\n")
    else:
        stream.write("".join(f"{line}\n" for result in results for line in _verdict_lines(result)))
    stream.flush()
    return PASSED if all(result.passed for result in results) else FAILED


@dataclass(frozen=True)
class _Table:
    """What one trial is about, where its history goes, and who hears of it."""

    words: Sequence[str]
    name: str
    lines: Sequence[Line]
    out: str | None
    progress: Callable[[str], None]

    def tried(self, settings: Settings) -> TrialResult:
        """Try the program, with the logs of its nodes in the settings' directory or in a temporary one."""
        wishes = {line.command.key: line.command.value for line in self.lines if isinstance(line.command, SetKey)}
        chosen = with_wishes(settings, wishes)
        if chosen.data:
            Path(chosen.data).mkdir(parents=True, exist_ok=True)
            return self._tried(chosen, Path(chosen.data))
        with TemporaryDirectory(prefix="paxsim-maelstrom-", ignore_cleanup_errors=True) as folder:
            return self._tried(chosen, Path(folder))

    def _tried(self, settings: Settings, folder: Path) -> TrialResult:
        trial = Trial(self.words, settings, folder, self.progress)
        try:
            asyncio.run(trial.run(self.lines))
        finally:
            if self.out is not None and trial.clients.history:
                write_history(self.out, trial.clients.history)
        return trial.result(self.name, self.out)


def _verdict_lines(result: TrialResult) -> list[str]:
    counts = ", ".join(f"{count} {word}" for word, count in result.operations.items())
    verdict = "PASSED" if result.passed else "FAILED"
    lines = [f"{verdict} {safe(result.scenario)} (maelstrom, seed {result.seed}): {counts}"]
    lines += [f"  line {wrong['line']}: {safe(wrong['command'])}: {safe(wrong['why'])}" for wrong in result.failures]
    lines += [f"  {name}: {safe(why)}" for name, why in result.checks.items() if why != OK]
    return lines
