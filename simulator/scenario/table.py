"""The one table of commands: parsing, help, completion and the page of the language all come from it."""

from __future__ import annotations

from simulator.scenario import verbs_blog, verbs_faults, verbs_session, verbs_story
from simulator.scenario.verb import GROUPS, Verb

VERBS: tuple[Verb, ...] = tuple(
    sorted(
        (*verbs_blog.VERBS, *verbs_session.VERBS, *verbs_faults.VERBS, *verbs_story.VERBS),
        key=lambda verb: GROUPS.index(verb.group),
    )
)
"""All commands, by group."""

BY_NAME: dict[str, Verb] = {name: verb for verb in VERBS for name in (verb.name, *verb.aliases)}
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
"""Words that people try, and what they mean."""
