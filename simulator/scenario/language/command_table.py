"""The table of commands, from which parsing, help, completion and the page of the language are made."""

from __future__ import annotations

from simulator.scenario.language import (
    commands_blog,
    commands_expect,
    commands_network,
    commands_nodes,
    commands_session,
    commands_time,
)
from simulator.scenario.language.command_spec import GROUPS, CommandSpec

COMMANDS: tuple[CommandSpec, ...] = tuple(
    sorted(
        (
            *commands_blog.COMMANDS,
            *commands_session.COMMANDS,
            *commands_nodes.COMMANDS,
            *commands_network.COMMANDS,
            *commands_expect.COMMANDS,
            *commands_time.COMMANDS,
        ),
        key=lambda verb: GROUPS.index(verb.group),
    )
)
"""All commands, by group."""

BY_NAME: dict[str, CommandSpec] = {name: verb for verb in COMMANDS for name in (verb.name, *verb.aliases)}
"""Every word that begins a command, in lower case."""

HINTS = {
    "delay": "net all delay TIME",
    "jitter": "net all delay TIME jitter TIME",
    "drop": "net all drop P",
    "duplicate": "net all duplicate P",
    "reorder": "net all reorder P",
    "fix": "fixlink A B",
    "unpartition": "heal",
    "merge": "heal",
    "connect": "fixlink A B",
    "disconnect": "faillink A B",
    "show": "status",
    "nodes": "status",
    "assert": "expect FACT",
    "include": "run FILE",
}
"""Words that people try, and the command they mean."""
