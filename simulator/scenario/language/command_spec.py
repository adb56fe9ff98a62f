"""One row of the table of commands: its name, what it does, how it is written, and its parser."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simulator.scenario.language.commands import Command
from simulator.scenario.language.grammar import Cursor

GROUPS = (
    "write", "read", "inspect", "nodes", "links", "weather", "by hand", "disks", "why", "load", "wait",
    "expect", "time", "session",
)  # fmt: skip
"""The groups of commands, in the order in which help and the page list them."""


def no_words(command: Command) -> Callable[[Cursor], Command]:
    """The parser of a command that takes no words."""

    def parse(words: Cursor) -> Command:
        words.done()
        return command

    return parse


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandSpec:
    """A command of the language. `usage` is its grammar, `examples` are (line, what it does); every example parses.

    `parse` reads the words behind the verb. `aliases` are other names with the same grammar; `old` verbs are left out
    of the list of commands and stand for another one in `instead_of`. `keywords` are the words that completion offers.
    """

    name: str
    group: str
    usage: str
    summary: str
    examples: tuple[tuple[str, str], ...]
    parse: Callable[[Cursor], Command]
    aliases: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()
    instead_of: str = ""
