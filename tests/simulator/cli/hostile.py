"""Hostile inputs, drawn by a seed: scenarios, histories, traces and arguments of a stranger."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random
from typing import Any

from simulator.scenario.language.command_table import COMMANDS

ODD = (
    "", " ", "0", "-1", "1e9", "99999999999999999999", "NaN", "~", "~nobody/x", "../../x", "/dev/full", "$HOME",
    "/dev/zero",
    "\u202e", "\x1b[2J", "\x00", "\udcff", "é", "🙂", "'", '"', "\\", "#", "&", "@", "@99", "@leader", "at",
    "1ms", "9999999m",
    "100%", "101%", "all", "leader", "crashed", "rest", "1,1,1", "9", "1>1", "1-9", "a" * 5_000, "(", ")", "POST(",
    "--json",
    "within", "on", "not", "is", "blockchain.txt", "../paxos.txt", "node-1", "x.jsonl", "virtual", "None", "{}", "%s",
)  # fmt: skip
HISTORY = '{"process":0,"type":"invoke","f":"post","value":["ann","t","x"],"time":0}'
ANSWER = '{"process":0,"type":"ok","f":"post","value":"ok","time":1}'
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 9, 1 << 53, 1 << 64, -(1 << 200), 1.5, 1e308, "", "x", "\u202e", [], [[]], [None] * 9, {},
    {"a": {}},
    "9" * 5_000, ["ann", "t"], ["ann", "t", "x", "y"], "local", "info",
)  # fmt: skip


def scenario(dice: Random) -> bytes:
    """Lines of examples with words replaced, swapped and torn, and now and then bytes that are no text."""
    examples = [line for command in COMMANDS for line, _ in command.examples]
    rows = ["set world virtual"]
    for _ in range(dice.randint(1, 12)):
        words = dice.choice(examples).split()
        for _ in range(dice.choice((0, 1, 1, 2))):
            words[dice.randrange(len(words))] = dice.choice(ODD)
        if dice.random() < 0.2:
            words.insert(dice.randrange(len(words) + 1), dice.choice(ODD))
        rows.append(" ".join(words))
    raw = "\n".join(rows).encode("utf-8", "surrogateescape")
    if dice.random() < 0.1:
        raw = raw[: dice.randrange(len(raw))] + dice.randbytes(20)
    return raw


def history(dice: Random) -> bytes:
    """A short history with fields replaced, lines torn, doubled and swapped; gzipped now and then."""
    rows = [HISTORY, ANSWER] * dice.randint(0, 4)
    return _packed(dice, _spoiled(dice, rows))


def trace(dice: Random, sound: list[str]) -> bytes:
    """A sound trace with the same done to it."""
    return _packed(dice, _spoiled(dice, sound[: dice.randint(1, 80)]))


def arguments(dice: Random, folder: Path) -> list[str]:
    """A command line of words that exist and words that do not; it starts no real node."""
    verb = dice.choice(("run", "check", "verify", "scenarios", "completion", "bogus", "explore"))
    words = [verb]
    always = {"run": ["--world", "virtual"], "explore": ["--seeds", "1", "--workers", "1", "--out", "found"]}.get(
        verb, []
    )
    options = {
        "run": (
            "--world",
            "--seed",
            "--nodes",
            "--trace",
            "--break",
            "--json",
            "--difficulty",
            "--window",
            "--sync",
            "--data",
        ),
        "check": ("--model", "--init", "--time-limit", "--json"),
        "explore": ("--seeds", "--start", "--workers", "--shard", "--profile", "--break", "--results", "--tell"),
    }.get(verb, ("--json", "--color", "--bogus", "-q", "-v"))
    for _ in range(dice.randint(0, 3)):
        words.append(dice.choice(options))
        if dice.random() < 0.8:
            words.append(dice.choice(ODD).replace("\x00", "").replace("/dev/zero", "/dev/null"))
    if dice.random() < 0.8:
        words.append(dice.choice(("normal-operation", str(folder), str(folder / "none"), *ODD)).replace("\x00", ""))
    return words + always


def _spoiled(dice: Random, rows: list[str]) -> bytes:
    rows = list(rows)
    for _ in range(dice.choice((0, 1, 1, 3))):
        if not rows:
            rows.append("{}")
        at = dice.randrange(len(rows))
        match dice.randrange(7):
            case 0:
                del rows[at]
            case 1:
                rows.insert(dice.randrange(len(rows)), rows[at])
            case 2:
                rows[at] = rows[at][: dice.randrange(len(rows[at]) + 1)]
            case 3:
                rows[at] = "[" * dice.choice((5, 200, 100_000))
            case _:
                rows[at] = _altered(dice, rows[at])
    raw = "\n".join(rows).encode("utf-8", "surrogateescape")
    return raw if dice.random() < 0.9 else raw + dice.randbytes(30)


def _altered(dice: Random, row: str) -> str:
    try:
        value = json.loads(row)
    except (ValueError, RecursionError):
        return row
    if not isinstance(value, dict) or not value:
        return row
    inner = value
    while True:
        key = dice.choice(list(inner))
        if isinstance(inner[key], dict) and inner[key] and dice.random() < 0.7:
            inner = inner[key]
            continue
        if isinstance(inner[key], list) and inner[key] and dice.random() < 0.5:
            inner[key][dice.randrange(len(inner[key]))] = dice.choice(VALUES)
        elif dice.random() < 0.2:
            del inner[key]
        else:
            inner[key] = dice.choice(VALUES)
        return json.dumps(value)


def _packed(dice: Random, raw: bytes) -> bytes:
    if dice.random() < 0.8:
        return raw
    packed = gzip.compress(raw)
    return packed if dice.random() < 0.5 else packed[: dice.randrange(len(packed))]
