"""Marks where a rule of `docs/protocol.md` stands in the code."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Marked = TypeVar("Marked", bound=Callable[..., object] | type)


def rule(*numbers: str) -> Callable[[Marked], Marked]:  # noqa: ARG001  Read from the source.
    """Say that the decorated class, function or method carries out these rules. It changes nothing.

    `tests/test_rules.py` reads the marks from the source: each rule of the page has one, and each mark has its rule.
    """

    def mark(part: Marked) -> Marked:
        return part

    return mark
