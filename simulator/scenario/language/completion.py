"""Completion: the words that may follow. It only offers words and checks nothing."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from simulator.cluster.events import HeldMessage
from simulator.scenario.language.command_table import BY_NAME, COMMANDS
from simulator.scenario.language.help import help_words

_MOST_NUMBERS = 40
_AFTER_TITLE = {"comment", "read"}
_NODE_USAGES = re.compile(r"\b(N|A B|A>B|NODES|GROUPS|LINKS)\b")


def complete(
    before: str,
    *,
    nodes: int,
    titles: Iterable[str] = (),
    users: Iterable[str] = (),
    held: Iterable[HeldMessage] = (),
    files: Callable[[str], Iterable[str]] = lambda _begun: (),
) -> Sequence[str]:
    """The words that may stand where the last word of `before` stands, or begins when `before` ends in a blank.

    No word is offered that the line has already. `held` are the messages that wait for a person: `deliver` offers their
    links, kinds and numbers. `files` gives the scenarios that `run` finds under names that begin so.
    """
    words = before.split()
    begun = "" if not before or before[-1].isspace() else words.pop()
    behind = _without_prefix(words)
    if behind is None:
        return ["1s", "2s", "5s", "10s"]
    words = behind
    if not words:
        at_nodes = [f"@{node}" for node in range(1, nodes + 1)] if begun.startswith("@") else []
        return _fitting(begun, [*at_nodes, *(verb.name for verb in COMMANDS if not verb.instead_of)])
    verb = BY_NAME.get(words[0].lower())
    if verb is None:
        return []
    offers = list(verb.keywords)
    place = len(words)
    if verb.name == "help":
        offers += help_words()
    elif verb.name == "run":
        return _fitting(begun, [_quoted(name) for name in files(begun)]) if place == 1 else []
    if _NODE_USAGES.search(verb.usage) and verb.group not in {"write", "expect"}:
        offers += [str(node) for node in range(1, nodes + 1)]
    if verb.name == "deliver" and (waiting := list(held)):
        offers = _waiting(waiting, words[1] if place > 1 else "", begun)
    if verb.group == "write":
        offers += users if place == 1 else titles if place == 2 and verb.name in _AFTER_TITLE else ()
    elif verb.name in {"view", "read"}:
        kind = words[1].lower() if place > 1 else ""
        offers = [*users] if kind == "user" else [*titles] if kind == "title" or verb.name == "read" else offers
    elif verb.name == "expect" and place > 1 and words[1].lower() in {"title", "titles"}:
        offers += titles
    named = {part.lower() for word in words[1:] for part in word.split(",")} if verb.group != "write" else set()
    offers = [word for word in offers if word.lower() not in named]
    if "," in begun and verb.name != "deliver":  # A list: what stands before the last comma stays.
        first = begun.rpartition(",")[0]
        offers = [f"{first},{word}" for word in offers if word not in first.split(",")]
    return _fitting(begun, [_quoted(word) for word in offers])


def _waiting(held: Sequence[HeldMessage], chosen: str, begun: str) -> list[str]:
    """The words for `deliver`: after links, the kinds that wait there; before, links and numbers."""
    if chosen:
        named = chosen.split(",")
        there = [message for message in held if f"{message.source}>{message.target}" in named]
        return [message.text.split(maxsplit=1)[0].lower() for message in there]
    if "," in begun:
        before = begun.rsplit(",", 1)[0]
        links = [f"{message.source}>{message.target}" for message in held]
        return [f"{before},{link}" for link in links if link not in before.split(",")]
    numbers = [str(message.number) for message in held[:_MOST_NUMBERS]]
    return ["all", *(f"{message.source}>{message.target}" for message in held), *numbers]


def _without_prefix(words: list[str]) -> list[str] | None:
    """The words after `@3` and `at 2s`; None when a time comes next."""
    while words and (words[0].startswith("@") or words[0].lower() == "at"):
        if words[0].startswith("@"):
            words = words[1:]
        elif len(words) == 1:
            return None
        else:
            words = words[2:]
    return words


def _fitting(begun: str, offers: Sequence[str]) -> list[str]:
    return [word for word in dict.fromkeys(offers) if word.lower().startswith(begun.lower())]


def _quoted(word: str) -> str:
    if word and re.fullmatch(r"[^\s\"'\\#&()]+", word):
        return word
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
