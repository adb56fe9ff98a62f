"""Each rule of docs/protocol.md is marked where it stands in the code, and each mark names a rule of that page."""

from __future__ import annotations

import ast
import re
from pathlib import Path

HOUSE = Path(__file__).parent.parent
NUMBERED = re.compile(r"^(\d+)\. ", re.MULTILINE)
NOT_BUILT: dict[str, str] = {}
"""Rules without code, and why."""


def rules_of_the_page() -> set[str]:
    """The numbers of all rules."""
    return set(NUMBERED.findall((HOUSE / "docs" / "protocol.md").read_text(encoding="utf-8")))


def marks_in_the_code() -> dict[str, list[str]]:
    """Each number that a `@rule` names, and the functions and classes that it marks."""
    marks: dict[str, list[str]] = {}
    for folder in ("paxos", "simulator/node"):
        for path in sorted((HOUSE / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.FunctionDef | ast.ClassDef):
                    for mark in node.decorator_list:
                        if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "rule":
                            for number in mark.args:
                                assert isinstance(number, ast.Constant)
                                marks.setdefault(str(number.value), []).append(f"{path.name}:{node.name}")
    return marks


def test_every_rule_is_marked_in_the_code() -> None:
    """A rule without a mark stands nowhere, or cannot be found."""
    assert rules_of_the_page() - set(marks_in_the_code()) == set(NOT_BUILT)


def test_every_mark_names_a_rule() -> None:
    """A mark without a rule is a mistake, or its rule is missing on the page."""
    assert set(marks_in_the_code()) <= rules_of_the_page()
