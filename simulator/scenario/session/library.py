"""Finds scenarios, files by path and built-in ones by name, and reads their header comments."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path

import msgspec

from simulator.errors import InputError
from simulator.files.bounded_lines import read_bytes
from simulator.files.places import ANYWHERE, Places
from simulator.scenario.language.commands import Line, SetKey
from simulator.scenario.language.parser import DEFAULT_NODES, decode_scenario, parse_scenario
from simulator.text.suggest import did_you_mean

BUILTIN = Path(__file__).parent.parent / "builtin"
SUFFIX = ".paxsim"
MOST_BYTES = 4 * 1024 * 1024
ROW_CHARACTERS = 100
MOST_NAMES = 100
MOST_ENTRIES = 2_000
_HEADER = re.compile(r"#\s*(break|forbidden by):\s*(.+?)\s*$", re.IGNORECASE)


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """A parsed scenario.

    `lesson` is its first comment, `break_rule` the rule that it breaks on purpose (`# break: NAME`), `forbidden_by` the
    line of the protocol that forbids it (`# forbidden by: …`), `remarks` the comments before each line, by line number,
    `rows` its size in lines (a long line counts as several).
    """

    name: str
    lines: tuple[Line, ...]
    lesson: str = ""
    break_rule: str | None = None
    forbidden_by: str = ""
    remarks: dict[int, tuple[str, ...]] = {}
    rows: int = 0

    @property
    def wishes(self) -> dict[str, int | str]:
        """The settings that its `set` lines ask for."""
        return {line.command.key: line.command.value for line in self.lines if isinstance(line.command, SetKey)}


def builtin_names() -> list[str]:
    """The built-in scenarios in the order of the course; the number that begins their file names is left out."""
    return [_name(path) for path in _builtin_files()]


def builtin_scenarios() -> list[Scenario]:
    """All built-in scenarios in the order of the course."""
    return [load_scenario(name) for name in builtin_names()]


def load_scenario(name: str, *, nodes: int = DEFAULT_NODES, places: Places = ANYWHERE) -> Scenario:
    """Read the scenario in the file `name`, or the built-in one of that name; `nodes` unless it sets another number.

    `places` says what `name` may reach.

    Raises:
        InputError: there is none, it cannot be read, it holds no command, or (`FileErrors`) it cannot be understood.
    """
    path = _find(name, places)
    text = decode_scenario(read_bytes(path, MOST_BYTES), name)
    lines = parse_scenario(text, source=name, nodes=nodes)
    if not lines:
        raise InputError(f"{name!r} holds no command: a scenario has one a line, such as: post alice Hello hi.")
    comments = [row.strip() for row in text.split("\n") if row.strip().startswith("#")]
    headers = {found[1].lower(): found[2] for row in comments if (found := _HEADER.match(row))}
    lesson = comments[0].lstrip("# ").strip() if comments else ""
    return Scenario(
        name=name,
        lines=tuple(lines),
        lesson=lesson,
        break_rule=headers.get("break"),
        forbidden_by=headers.get("forbidden by", ""),
        remarks=_remarks(text.split("\n"), {line.number for line in lines}),
        rows=text.count("\n") + 1 + len(text) // ROW_CHARACTERS,
    )


def scenario_names(begun: str) -> list[str]:
    """Built-in scenarios, scenario files and folders whose names begin so, `MOST_NAMES` at most."""
    folder = begun[: begun.rfind("/") + 1]
    found: list[str] = []
    with suppress(OSError, ValueError):
        for path in islice(sorted(Path(folder or ".").iterdir()), MOST_ENTRIES):
            if path.name.startswith(".") and not begun[len(folder) :].startswith("."):
                continue
            if path.suffix == SUFFIX or path.is_dir():
                found.append(f"{folder}{path.name}{'/' if path.is_dir() else ''}")
    return [name for name in [*builtin_names(), *found] if name.startswith(begun)][:MOST_NAMES]


def _remarks(rows: Sequence[str], numbers: Collection[int]) -> dict[int, tuple[str, ...]]:
    """The comments before each of these lines, without the headers."""
    found: dict[int, tuple[str, ...]] = {}
    waiting: list[str] = []
    for number, row in enumerate(rows, start=1):
        if number in numbers:
            if waiting:
                found[number] = tuple(waiting)
            waiting = []
        elif row.strip().startswith("#") and not _HEADER.match(row.strip()):
            waiting.append(row.strip())
    return found


def _builtin_files() -> list[Path]:
    return sorted(BUILTIN.glob(f"*{SUFFIX}"))


def _name(path: Path) -> str:
    return re.sub(r"^\d+-", "", path.stem)


def _find(name: str, places: Places) -> Path:
    with suppress(OSError, ValueError):  # No file can have this name: it is too long, or contains a NUL.
        if Path(name).exists():
            return places.path(name)
    known = {_name(file): file for file in _builtin_files()}
    builtin = known.get(name.removesuffix(SUFFIX))
    if builtin is None:
        if places.from_file or name.startswith("~"):
            places.path(name)
        raise InputError(
            f"there is no file {name!r} and no built-in scenario of that name{did_you_mean(name, known)} "
            "'paxsim scenarios' lists them."
        )
    return builtin
