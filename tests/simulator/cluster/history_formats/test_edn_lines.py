"""Flat maps on lines of their own are read at once, and give what reading token by token gives."""

from __future__ import annotations

from random import Random

import pytest

from simulator.cluster.history_formats import edn
from simulator.cluster.history_formats.edn import EdnError, read_edn

ATOMS = [
    r"nil",
    r"true",
    r"false",
    r"12",
    r"-3",
    r"1.5",
    r"2N",
    r":x",
    r":a/b",
    r"foo",
    r'"s"',
    r'""',
    r"\c",
    r"12345678901234567890",
    r"+4",
    r'#uuid"x"',
    r'"a,b"',
    r'"q\"z"',
    r"²",
    r"٣",
    r"[]",
    r"[1]",
    r"[[:r,:x,nil]]",
    r"{:a,1}",
    r"(2)",
    r"#{3}",
]
EDITS = ('"', "[", "]", "}", "{", " ", ";", "#_", "\\", ",", ":", "\0", "(", "")


def drawn_line(dice: Random) -> str:
    """A map, one of three with an edit at a random place."""
    pairs = (f":{dice.choice(('process', 'type', 'f', 'value'))} {value(dice, 0)}" for _ in range(dice.randint(0, 5)))
    line = dice.choice(("", "", "#jepsen.history.Op")) + "{" + ", ".join(pairs) + "}"
    if dice.random() < 0.3:
        at = dice.randrange(len(line) + 1)
        line = line[:at] + dice.choice(EDITS) + line[at + dice.randint(0, 1) :]
    return line


def value(dice: Random, depth: int) -> str:
    """An atom, or a vector of values."""
    if depth > 2 or dice.random() < 0.7:
        return dice.choice(ATOMS)
    return "[" + dice.choice((" ", ", ")).join(value(dice, depth + 1) for _ in range(dice.randint(0, 3))) + "]"


def read(lines: list[str]) -> str:
    """All values, and the mistake at which reading stopped."""
    found: list[object] = []
    try:
        found.extend(read_edn(enumerate(lines, 1)))
    except EdnError as error:
        found.append((error.line, str(error)))
    return repr(found)


def test_both_ways_of_reading_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    """On whole lines, and on broken ones."""
    dice = Random(1)
    files = [[drawn_line(dice) for _ in range(dice.randint(1, 3))] for _ in range(5_000)]
    at_once = [read(lines) for lines in files]
    monkeypatch.setattr(edn._Reader, "flat_map", lambda *_: None)

    assert at_once == [read(lines) for lines in files]
