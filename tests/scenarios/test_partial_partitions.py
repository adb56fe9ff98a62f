"""One stable leader in every partial partition, and a page that says how soon."""

from __future__ import annotations

import pytest

from simulator.settings import MAX_NODES
from tests.scenarios.partial_partitions import ROWS, Measured, Row, links_left, measure
from tests.scenarios.table import PAGE, demand, line, page

SEEDS_TRIED = 4
NAMES = [f"{row.shape}, {row.nodes} nodes{', lossy' if row.loss else ''}" for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_one_stable_leader_stands_soon(row: Row) -> None:
    """Within four election timeouts of the cut, with no further change; where no node reaches a majority, nobody."""
    for seed in range(SEEDS_TRIED):
        demand(measure(row, seed))


def test_the_hub_takes_over_from_a_leader_that_lost_its_quorum() -> None:
    """Of 5 and 7 nodes nobody but the hub can lead a star, and the old leader says that it leads no longer."""
    for nodes in (5, 7):
        for seed in range(SEEDS_TRIED):
            measured = measure(Row("quorum loss", nodes, 0.0), seed)
            hub = 1 + seed % nodes
            assert measured.leader == hub, measured.text()
            assert measured.moments[-1][1] == f"leader {hub}", measured.text()
            assert any(what.startswith("step-down") for _, what in measured.moments), measured.text()


def test_the_hub_leads_though_its_log_is_old() -> None:
    """Nobody else reaches a majority of 5; what it missed is on its chain in the end, or `problems` would say so."""
    for seed in range(SEEDS_TRIED):
        measured = measure(Row("constrained election", 5, 0.0), seed)
        assert (measured.leader, measured.changes) == (1 + seed % 5, 1), measured.text()


def test_a_leader_that_keeps_its_majority_stays() -> None:
    """Of 3 nodes, a leader and the hub are a majority: losing the third is no reason for an election."""
    for seed in range(SEEDS_TRIED):
        assert measure(Row("quorum loss", 3, 0.0), seed).moments == ()


def test_the_shapes_are_what_the_page_says() -> None:
    """A hub reaches all and the others only it; a row reaches neighbours, of which 7 nodes have too few."""
    for nodes in (3, 5, 7):
        ids = range(1, nodes + 1)
        star = links_left("quorum loss", ids, hub=2)
        row = links_left("chained", ids, hub=2)
        assert [sum(node in pair for pair in star) for node in ids] == [nodes - 1 if node == 2 else 1 for node in ids]
        assert sum(node_reach(row, node) > nodes // 2 for node in ids) == {3: 3, 5: 3, 7: 0}[nodes]
    wide = links_left("chained, two each way", range(1, 8), hub=2)
    assert [node_reach(wide, node) for node in range(1, 8)] == [3, 4, 5, 5, 5, 4, 3]
    assert max(row.nodes for row in ROWS) <= MAX_NODES


def node_reach(links: set[frozenset[int]], node: int) -> int:
    """How many nodes it reaches, itself among them."""
    return 1 + sum(node in pair for pair in links)


@pytest.mark.parametrize(
    "worse",
    [{"changes": 3}, {"timeouts": 4.1}, {"leader": 0}, {"answered": 0.99}, {"problems": ("agreement: two values",)}],
)
def test_a_run_that_falls_short_is_told(worse: dict[str, object]) -> None:
    """The demands can fail, each by itself, and say with which code the run is shown again."""
    fine: dict[str, object] = {"timeouts": 1.5, "changes": 1, "leader": 3, "answered": 1.0, "problems": ()}
    row = Row("quorum loss", 5, 0.0)

    demand(measured_as(row, fine))
    with pytest.raises(AssertionError, match=r"measure\(Row\(.*\), seed=9\)"):
        demand(measured_as(row, fine | worse))


def measured_as(row: Row, what: dict[str, object]) -> Measured:
    """A run that was never run."""
    return Measured(row=row, seed=9, timeout_ms=200, moments=(), **what)  # type: ignore[arg-type]


def test_the_page_has_a_line_for_every_row() -> None:
    """In the order of the table, each with its shape, size and links; the numbers are held by the slow test."""
    lines = [text for text in PAGE.read_text(encoding="utf-8").splitlines() if text.startswith("| ")][2:]

    heads = [line(row, [measured_as(row, NOTHING)]).split("|")[1:4] for row in ROWS]
    assert [text.split("|")[1:4] for text in lines] == heads


NOTHING: dict[str, object] = {"timeouts": 0.0, "changes": 0, "leader": 0, "answered": 0.0, "problems": ()}


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_the_page_is_what_is_measured() -> None:
    """100 seeds a row, each held to what the page demands; the words are the program's, and the medians still true.

    The worst of 100 seeds changes with any change to the order in which dice are drawn, so it may differ from the page
    within what is demanded. `python -m tests.scenarios.table` writes the page anew.
    """
    written, now = PAGE.read_text(encoding="utf-8").splitlines(), page().splitlines()

    assert [text for text in written if not text.startswith("| ")] == [text for text in now if text[:2] != "| "]
    for before, after in zip(numbers(written), numbers(now), strict=True):
        assert [before[place] for place in (0, 2)] == pytest.approx([after[place] for place in (0, 2)], abs=0.5)
        assert before[4] == pytest.approx(after[4], abs=1)


def numbers(lines: list[str]) -> list[list[float]]:
    """The figures of each row: timeouts, changes and shares, each as median and worst."""
    rows = [text.split("|")[4:-1] for text in lines if text.startswith("| ")]
    return [[float(cell.strip().removesuffix("%")) for cell in row] for row in rows[2:]]
