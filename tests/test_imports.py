"""The walls of the house: who may import whom, held against the code by reading its imports.

The arrows inside `simulator/` are read from the table of docs/architecture.md, so that the drawing and the code cannot
part. The arrows that the design stands on are repeated here: redrawing the page is not enough to break them.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

HOUSE = Path(__file__).parent.parent
PURE = ("blog", "chain", "paxos")
OURS = (*PURE, "simulator")
PURE_MAY_IMPORT = {
    "__future__", "abc", "bisect", "collections", "dataclasses", "enum", "functools", "hashlib", "heapq", "itertools",
    "json", "math", "msgspec", "operator", "re", "string", "typing", "unicodedata",
}  # fmt: skip
IMPURE_BUILTINS = {"open", "print", "input", "eval", "exec", "compile", "__import__", "breakpoint", "hash", "id"}
SCREEN = ("rich", "textual", "prompt_toolkit", "click")
ROW = re.compile(r"^\| `(?P<room>\w+)` \|(?P<what>[^|]*)\|(?P<arrows>[^|]*)\|$", re.MULTILINE)


def sources(folder: str) -> list[Path]:
    """Every Python file under one of our folders."""
    return sorted((HOUSE / folder).rglob("*.py"))


@cache
def imports_of(path: Path) -> tuple[str, ...]:
    """The full names of everything that a file imports, at its top or inside a function."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write the whole name of what is imported"
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def room_of(name: str) -> str | None:
    """The room of `simulator/` that a full name lies in; None for what lies outside and for the package itself."""
    parts = name.split(".")
    if parts[0] != "simulator" or len(parts) == 1:
        return None
    place = HOUSE / "simulator" / parts[1]
    return parts[1] if place.is_dir() or place.with_suffix(".py").exists() else None


def rooms_in_the_code() -> dict[str, set[str]]:
    """Each room of `simulator/` and the other rooms that it imports."""
    found: dict[str, set[str]] = {}
    for path in sources("simulator"):
        room = path.relative_to(HOUSE / "simulator").parts[0].removesuffix(".py")
        if room in {"__init__", "__main__"}:
            continue
        arrows = {other for name in imports_of(path) if (other := room_of(name)) is not None}
        found.setdefault(room, set()).update(arrows - {room})
    return found


def rooms_in_the_drawing() -> dict[str, set[str]]:
    """The same as docs/architecture.md draws it."""
    page = (HOUSE / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {row["room"]: set(re.findall(r"`(\w+)`", row["arrows"])) for row in ROW.finditer(page)}


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_knows_only_itself(package: str) -> None:
    """`blog`, `chain` and `paxos` do not know each other, nor the world, nor any library that could bring it in."""
    for path in sources(package):
        for name in imports_of(path):
            root = name.split(".")[0]
            assert root == package or root in PURE_MAY_IMPORT, f"{path.relative_to(HOUSE)} imports {name}"


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_meets_no_file_screen_or_chance(package: str) -> None:
    """Neither do they touch the world without an import; `hash` and `id` differ from one process to the next."""
    for path in sources(package):
        names = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)]
        used = {name.id for name in names if isinstance(name.ctx, ast.Load)}  # A field may be called `hash`.
        assert not used & IMPURE_BUILTINS, f"{path.relative_to(HOUSE)} uses {sorted(used & IMPURE_BUILTINS)}"


def test_the_drawing_shows_every_room() -> None:
    """Each folder and module of `simulator/` has its row in docs/architecture.md, and no row is a ghost."""
    assert set(rooms_in_the_drawing()) == set(rooms_in_the_code())


def test_every_import_follows_an_arrow_of_the_drawing() -> None:
    """A room imports only those rooms that its row names."""
    drawn = rooms_in_the_drawing()

    strays = {room: sorted(used - drawn.get(room, set())) for room, used in rooms_in_the_code().items()}

    assert not {room: used for room, used in strays.items() if used}


def test_no_arrow_is_drawn_that_nobody_follows() -> None:
    """A drawing with spare arrows permits what nobody needs."""
    used = rooms_in_the_code()

    spare = {room: sorted(arrows - used.get(room, set())) for room, arrows in rooms_in_the_drawing().items()}

    assert not {room: arrows for room, arrows in spare.items() if arrows}


def test_arrows_never_lead_back() -> None:
    """No circles: every room can be read with only the rooms below it in mind."""
    assert list(TopologicalSorter(rooms_in_the_drawing()).static_order())


def test_the_two_worlds_share_no_code_but_what_lies_below_both() -> None:
    """`processes` and `virtual` do not know each other, and nothing below them knows either."""
    drawn = rooms_in_the_drawing()
    for room in ("cluster", "clients", "node", "storage", "faults", "wire", "host", "settings", "state", "check"):
        assert not drawn.get(room, set()) & {"processes", "virtual"}, room
    assert "virtual" not in drawn["processes"]
    assert "processes" not in drawn["virtual"]


def test_the_node_side_knows_nothing_of_people() -> None:
    """Worlds, nodes and storage know no room that a person looks at, and no person's room is known by them."""
    upper = {"cli", "console", "dashboard", "views", "scenario", "explore", "report", "bench"}
    drawn = rooms_in_the_drawing()
    for room in set(drawn) - upper:
        assert not drawn[room] & upper, room
    assert not any("cli" in arrows for arrows in drawn.values())


def test_a_node_process_starts_without_the_screen() -> None:
    """What a spawned node imports, the command's door among it, brings in no screen library (0.1 to 0.4 s each)."""
    modules = ["simulator.cli.main", "simulator.node.node"]
    for room in ("storage", "processes"):
        modules += [
            ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
            for path in sources(f"simulator/{room}")
        ]
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert "simulator" in loaded
    assert not loaded & set(SCREEN)


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_brings_in_nothing_of_ours(package: str) -> None:
    """Even by a detour, importing all of one pure package loads no other package of ours."""
    modules = [
        ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for path in sources(package)
    ]
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)

    assert {name.split(".")[0] for name in done.stdout.split()} & set(OURS) == {package}
