"""A number with its noun, in the singular for one."""

from __future__ import annotations


def counted(number: int, one: str, many: str = "") -> str:
    """`1 block`, `2 blocks`; `many` is the plural where an s is not enough."""
    return f"{number} {noun(number, one, many)}"


def noun(number: int, one: str, many: str = "") -> str:
    """The noun alone, as it stands behind `number`."""
    return one if number == 1 else many or f"{one}s"
