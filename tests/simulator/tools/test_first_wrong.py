"""The blame falls on the right step, for every broken rule of safety: what is expected by hand, and what is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.tools.first_wrong.expected import EXPECTED, safety_mutants
from simulator.tools.first_wrong.table import HEADER, Blame, agreement_blame, first_blame, fits, row

PAGE = Path(__file__).parents[3] / "docs" / "first-wrong.md"
FAST = (
    "accept-ignores-promise",
    "small-accept-quorum",
    "promise-hides-decided",
    "acceptance-not-kept",
    "old-era-counts",
)


def rows() -> dict[str, str]:
    """The lines of the table by rule."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    table = lines[lines.index(HEADER) + 2 :]
    return {line.split("`")[1]: line for line in table if line.startswith("| `")}


def seeds(line: str) -> list[int | None]:
    """The seed of each of the two runs of a line; None: there is none."""
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    return [None if cell == "-" else int(cell) for cell in (cells[2], cells[5])]


def test_the_table_has_every_mutant_of_safety_and_nothing_unexpected() -> None:
    """Whoever adds a mutant of safety says which of its steps is the first."""
    assert sorted(EXPECTED) == sorted(safety_mutants()) == sorted(rows())
    assert "not expected" not in PAGE.read_text(encoding="utf-8")
    assert sum(seeds(line)[1] is not None for line in rows().values()) >= 15


@pytest.mark.parametrize("rule", FAST)
def test_the_first_violation_blames_the_step_that_is_expected(rule: str) -> None:
    """The seed of the table, read from its trace."""
    blame = first_blame(rule, seeds(rows()[rule])[0] or 0)

    assert blame is not None
    assert fits(rule, blame)
    assert blame.first.at_ms <= blame.shown_ms


def test_disagreement_is_not_blamed_on_where_it_became_visible() -> None:
    """Two values are decided a quarter of a second after the decision without a majority."""
    blame = agreement_blame("small-accept-quorum", 3)

    assert blame is not None
    assert fits("small-accept-quorum", blame)
    assert blame.first.at_ms < blame.shown_ms - 200


@pytest.mark.slow
@pytest.mark.parametrize("rule", safety_mutants())
def test_the_table_is_what_its_seeds_give(rule: str) -> None:
    """Both runs of each line, made again."""
    line = rows()[rule]
    first, agreed = seeds(line)
    found: list[Blame | None] = [
        None if first is None else first_blame(rule, first),
        None if agreed is None else agreement_blame(rule, agreed),
    ]

    assert row(rule, *found) == line
