"""The line index: reads a chain file while its node writes it."""

from __future__ import annotations

from pathlib import Path

from simulator.node.storage.line_index import LineIndex


def test_any_lines_of_a_long_and_growing_file(tmp_path: Path) -> None:
    """Only lines that exist and are whole."""
    path = tmp_path / "blockchain.txt"
    reader = LineIndex(path)
    assert reader.lines(1, 10) == []

    path.write_text("".join(f"{number}\n" for number in range(1, 1001)) + "10")

    assert reader.lines(990, 2_000) == [str(number) for number in range(990, 1001)]
    assert reader.lines(700, 702) == ["700", "701", "702"]
    assert reader.lines(-5, 2) == ["1", "2"]
    assert reader.lines(5, 4) == []
    with path.open("a") as file:
        file.write("01\n")
    assert reader.lines(1_001, 1_001) == ["1001"]


def test_a_file_that_was_cut_or_replaced_is_read_from_its_start(tmp_path: Path) -> None:
    """A node may cut off a torn line or set a damaged file aside."""
    path = tmp_path / "blockchain.txt"
    path.write_text("".join(f"{number}\n" for number in range(1, 601)))
    reader = LineIndex(path)
    assert reader.lines(599, 600) == ["599", "600"]

    path.write_text("".join(f"new {number}\n" for number in range(1, 300)))

    assert reader.lines(258, 258) == ["new 258"]
