"""Compares figures with those of an earlier run, as ratios."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from simulator.errors import InputError
from simulator.tools.bench.case import Figure, rounded


class _Earlier(msgspec.Struct):
    name: str
    unit: str
    median: float


class _Document(msgspec.Struct):
    results: list[_Earlier]


class Change(msgspec.Struct, frozen=True):
    """`ratio` is the median now divided by the median then. `verdict` is one word."""

    name: str
    then: float
    now: float
    unit: str
    ratio: float
    verdict: str


def compare(figures: Sequence[Figure], path: Path) -> list[Change]:
    """The changes since the run whose JSON document is in `path`; cases measured in only one run are left out.

    Raises:
        InputError: the file is no such document.
        OSError: it cannot be read.
    """
    then = {earlier.name: earlier for earlier in _read(path)}
    changes = []
    for now in figures:
        earlier = then.get(now.name)
        if earlier is not None and earlier.unit == now.unit and earlier.median:
            ratio = rounded(now.median / earlier.median)
            changes.append(Change(now.name, earlier.median, now.median, now.unit, ratio, _verdict(now, earlier)))
    return changes


def _verdict(now: Figure, then: _Earlier) -> str:
    """A change counts when the earlier median lies outside the range of the values measured now."""
    if now.min <= then.median <= now.max:
        return "same"
    return "better" if (now.median > then.median) is (now.better == "higher") else "worse"


def _read(path: Path) -> list[_Earlier]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Document).results
    except msgspec.DecodeError as error:
        raise InputError(f"{str(path)!r} is not what 'paxsim bench --json' prints ({error}).") from None
