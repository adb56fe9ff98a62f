"""The text of `help`, made from the table of commands."""

from __future__ import annotations

from itertools import groupby

from simulator.errors import InputError
from simulator.scenario.language.command_spec import CommandSpec
from simulator.scenario.language.command_table import BY_NAME, COMMANDS
from simulator.text.suggest import did_you_mean

PHRASES = (
    ("@3 COMMAND", "sends one command to node 3"),
    ("at 2s COMMAND", "waits until the session's clock reads 2 s"),
    ("at step 120 COMMAND", "waits for this step of a virtual world: a millisecond has several"),
    ("NODE", "1 to 9, leader, follower, random, majority, minority"),
    ("NODES", "NODE,NODE,… or all, crashed, rest"),
    ("GROUPS", "NODES / NODES / …"),
    ("LINKS", "all, A>B (one way), A-B (both ways), N (all of one node)"),
    ("TIME, P", "250ms, 1.5s, 2m; 30%"),
)


def overview() -> list[tuple[str, str]]:
    """All commands as (usage, summary), a title (group, "") before each group; then the phrases."""
    rows: list[tuple[str, str]] = []
    for group, verbs in groupby((verb for verb in COMMANDS if not verb.instead_of), key=lambda verb: verb.group):
        rows.append((group, ""))
        rows.extend((_short(verb), verb.summary) for verb in verbs)
    rows.append(("words", ""))
    rows.extend(PHRASES)
    return rows


def help_words() -> list[str]:
    """The words that may follow `help`."""
    return [verb.name for verb in COMMANDS]


def help_lines(word: str = "") -> list[str]:
    """The lines of `help` or `help COMMAND`.

    Raises:
        InputError: there is no such command.
    """
    if not word:
        return _overview_lines()
    verb = BY_NAME.get(word.lower())
    if verb is None:
        raise InputError(f"there is no command {word!r}{did_you_mean(word, BY_NAME)} 'help' lists all commands.")
    lines = [f"{verb.name}: {verb.summary}.", f"  {verb.usage}"]
    if verb.instead_of:
        lines.append(f"  An old habit; today's form: {verb.instead_of}")
    if verb.aliases:
        lines.append(f"  Also: {', '.join(verb.aliases)}")
    width = max(len(example) for example, _ in verb.examples)
    lines += [f"    {example.ljust(width)}   {what}" for example, what in verb.examples]
    return lines


def _overview_lines() -> list[str]:
    rows = overview()
    width = max(len(usage) for usage, summary in rows if summary)
    return [f"  {usage.ljust(width)}  {summary}" if summary else usage.upper() for usage, summary in rows]


def _short(verb: CommandSpec) -> str:
    """A usage short enough to stand beside its summary; `help COMMAND` shows all of it."""
    return verb.usage if len(verb.usage) <= 40 else f"{verb.usage[:38].rsplit(' ', 1)[0]} …"
