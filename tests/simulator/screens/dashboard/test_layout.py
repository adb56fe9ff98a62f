"""Which forms a screen gets: a function of numbers, so it is tested as one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from simulator.screens.dashboard.layout import choose


def test_a_small_terminal_shows_one_row_a_node() -> None:
    """On 80x24 five nodes are a table of six lines, and the transcript keeps at least five."""
    form = choose(80, 24, 5)

    assert not form.panels
    assert form.nodes_height == 6
    assert 24 - form.nodes_height - form.middle_height - 3 >= 5


def test_a_wide_terminal_shows_a_panel_a_node() -> None:
    """On 200x50 the five panels stand in one row, and network and checks get frames."""
    form = choose(200, 50, 5)

    assert form.panels
    assert form.across == 5
    assert form.net_full
    assert form.checks


@given(
    width=st.integers(min_value=20, max_value=400),
    height=st.integers(min_value=12, max_value=120),
    nodes=st.integers(min_value=1, max_value=9),
)
def test_the_parts_never_take_more_lines_than_there_are(width: int, height: int, nodes: int) -> None:
    """Whatever the size: the board leaves room for the prompt and, when it can, for the transcript."""
    form = choose(width, height, nodes)

    assert form.middle_height >= 0
    assert 1 <= form.across <= nodes
    if height >= nodes + 1 + 3 + 5 + 2:
        assert form.nodes_height + form.middle_height + 3 < height
