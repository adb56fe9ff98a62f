"""Which module may import which: the table of docs/architecture.md compared with the imports in the code.

The table gives the arrows between the rooms of `simulator/`. The walls that the design depends on have tests of their
own, so that editing the page is not enough to remove them.
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


def all_sources() -> list[Path]:
    """Every Python file of the four packages."""
    return [path for package in OURS for path in sources(package)]


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
    """The same, from the table of docs/architecture.md."""
    page = (HOUSE / "docs" / "architecture.md").read_text(encoding="utf-8")
    return {row["room"]: set(re.findall(r"`(\w+)`", row["arrows"])) for row in ROW.finditer(page)}


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_knows_only_itself(package: str) -> None:
    """`blog`, `chain` and `paxos` import neither each other nor any library that reads clocks, files or chance."""
    for path in sources(package):
        for name in imports_of(path):
            root = name.split(".")[0]
            assert root == package or root in PURE_MAY_IMPORT, f"{path.relative_to(HOUSE)} imports {name}"


@pytest.mark.parametrize("package", PURE)
def test_a_pure_package_meets_no_file_screen_or_chance(package: str) -> None:
    """They use no built-in that does so either. `hash` and `id` differ from one process to the next."""
    for path in sources(package):
        names = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Name)]
        used = {name.id for name in names if isinstance(name.ctx, ast.Load)}  # A field may be called `hash`.
        assert not used & IMPURE_BUILTINS, f"{path.relative_to(HOUSE)} uses {sorted(used & IMPURE_BUILTINS)}"


def test_the_drawing_shows_every_room() -> None:
    """Each folder and module of `simulator/` has its row in docs/architecture.md, and each row its folder or module."""
    assert set(rooms_in_the_drawing()) == set(rooms_in_the_code())


def test_the_code_has_exactly_the_arrows_of_the_drawing() -> None:
    """A room imports the rooms that its row names, and no other: an unused arrow would permit what is not needed."""
    assert rooms_in_the_code() == rooms_in_the_drawing()


def test_no_arrow_leads_upwards() -> None:
    """A room imports only rooms above it in the table, so that each can be read knowing only those."""
    drawn = rooms_in_the_drawing()
    place = {room: number for number, room in enumerate(drawn)}

    upwards = {room: [other for other in arrows if place[other] >= place[room]] for room, arrows in drawn.items()}

    assert not {room: arrows for room, arrows in upwards.items() if arrows}


@pytest.mark.parametrize("folder", sorted({str(path.parent.relative_to(HOUSE)) for path in all_sources()}))
def test_no_circle_inside_a_folder(folder: str) -> None:
    """The modules and folders of one folder form no circle of imports."""
    inside = tuple(Path(folder).parts)
    arrows: dict[str, set[str]] = {}
    for path in sources(folder):
        child = path.relative_to(HOUSE / folder).parts[0].removesuffix(".py")
        others = {
            name.split(".")[len(inside)]
            for name in imports_of(path)
            if tuple(name.split(".")[: len(inside)]) == inside and len(name.split(".")) > len(inside)
        }
        arrows.setdefault(child, set()).update(others - {child})

    assert list(TopologicalSorter(arrows).static_order())


def test_a_node_knows_nothing_of_the_worlds() -> None:
    """`node` imports only `settings` and `errors` of the simulator, so that it runs the same in every world."""
    assert rooms_in_the_code()["node"] == {"settings", "errors"}


def test_the_two_worlds_do_not_know_each_other() -> None:
    """`processes` and `virtual` share only rooms below both. `open` alone imports both."""
    for world, other in (("processes", "virtual"), ("virtual", "processes")):
        for path in sources(f"simulator/worlds/{world}"):
            assert not any(name.startswith(f"simulator.worlds.{other}") for name in imports_of(path)), path


def test_the_audit_is_written_against_the_files_alone() -> None:
    """`checks/audit` judges what nodes wrote, so it shares no code with what writes it, except `errors`."""
    for path in sources("simulator/checks/audit"):
        for name in imports_of(path):
            if name.split(".")[0] in OURS:
                assert name.startswith(("simulator.checks.audit", "simulator.errors")), f"{path} imports {name}"


def test_a_node_process_starts_without_the_screen() -> None:
    """The modules that a spawned node imports load no screen library, which would cost 0.1 to 0.4 s each."""
    modules = ["simulator.cli.main", "simulator.node.node"]
    for room in ("node", "worlds/processes"):
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
    """Importing all of one pure package loads no other package of ours, not even indirectly."""
    modules = [
        ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__") for path in sources(package)
    ]
    program = f"import sys, {', '.join(modules)}; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)

    assert {name.split(".")[0] for name in done.stdout.split()} & set(OURS) == {package}
