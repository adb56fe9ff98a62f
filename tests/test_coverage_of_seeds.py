"""The page of what no seed does: its reasons name lines that exist, and a branch without a reason is told."""

from __future__ import annotations

from tests.coverage_of_seeds import HOUSE, PAGE, Branch, not_taken, page
from tests.coverage_reasons import FILES, REASONS


def test_every_reason_is_that_of_a_line() -> None:
    """A line that was changed or removed takes its reason with it."""
    for name in FILES:
        assert (HOUSE / name).exists(), name
    for name, line in REASONS:
        lines = [text.strip() for text in (HOUSE / name).read_text(encoding="utf-8").splitlines()]
        assert line in lines, (name, line)


def test_the_page_has_a_reason_for_each_branch() -> None:
    """It was written with these reasons; a hole would stand there as one."""
    text = PAGE.read_text(encoding="utf-8")

    assert "a hole in the search" not in text
    assert text.count("\n| `") >= 50
    assert all(why in text for why in FILES.values())


def test_a_branch_without_a_reason_is_a_hole() -> None:
    """What lies behind a branch that is not taken is not told: its line never ran."""
    name = "paxos/quorum.py"
    taken, behind, hole = Branch(name, 1, 2), Branch(name, 3, 4), Branch(name, 5, -1)

    left = not_taken([({taken, behind, hole}, {(name, 1)}), ({behind, hole}, {(name, 5)})])

    assert left == [hole]
    assert page(left, 2)[1] == [hole]
    assert "a hole in the search" in page(left, 2)[0]
