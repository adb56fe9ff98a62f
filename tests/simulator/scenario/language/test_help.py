"""One table makes the grammar, the help and the page: none of them may know a command that another does not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.scenario.language.command_spec import GROUPS, CommandSpec
from simulator.scenario.language.command_table import BY_NAME, COMMANDS, HINTS
from simulator.scenario.language.help import help_lines
from simulator.scenario.language.parser import parse_line

PAGE = (Path(__file__).parents[4] / "docs" / "console.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("verb", COMMANDS, ids=lambda verb: verb.name)
def test_every_example_of_help_is_understood(verb: CommandSpec) -> None:
    """Whoever copies an example from `help` gets what it says."""
    assert verb.examples
    assert verb.group in GROUPS
    for example, what in verb.examples:
        assert parse_line(example) is not None
        assert what


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_word_that_begins_a_command_has_help(name: str) -> None:
    """Old habits included: their help names today's form."""
    lines = help_lines(name.upper())

    assert BY_NAME[name].usage in lines[1]
    assert BY_NAME[name].instead_of in "\n".join(lines)


def test_help_lists_every_command_once() -> None:
    """And the words that stand for nodes, times and links."""
    text = "\n".join(help_lines())

    for verb in COMMANDS:
        listed = re.findall(rf"^  {verb.name}\b", text, re.MULTILINE)
        assert len(listed) == (0 if verb.instead_of else 1), verb.name
    assert "NODES" in text
    assert "at 2s COMMAND" in text


def test_help_for_a_wrong_word_suggests_the_right_one() -> None:
    """As everywhere."""
    with pytest.raises(InputError, match="did you mean 'partition'"):
        help_lines("partitoin")


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_every_command_stands_in_the_page(name: str) -> None:
    """docs/console.md tells of every word that begins a command."""
    assert re.search(rf"`{name}\b", PAGE, re.IGNORECASE)


def test_every_hint_leads_to_a_command() -> None:
    """What is suggested for a word that people try exists."""
    for hint in HINTS.values():
        assert hint.split()[0] in BY_NAME
