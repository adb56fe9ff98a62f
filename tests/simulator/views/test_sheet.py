"""Sheets: how a table fits a narrow screen, and how user text stays text."""

from __future__ import annotations

import io

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from simulator.views.nodes import status_view
from simulator.views.samples import states
from simulator.views.sheet import Column, Page, Sheet, bit, show


def _draw(sheet: Sheet, width: int) -> str:
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=None, legacy_windows=False).print(sheet)
    return file.getvalue()


def test_columns_of_the_highest_rank_go_first() -> None:
    """On a narrow screen the least important columns are left out whole."""
    columns = (Column("node"), Column("queue", rank=1), Column("comments", rank=2))
    sheet = Sheet(columns=columns, rows=((bit(1), bit(22), bit(333)),))

    assert "comments" in _draw(sheet, 40)
    assert "comments" not in _draw(sheet, 15)
    assert "queue" in _draw(sheet, 15)
    assert "queue" not in _draw(sheet, 6)


@given(width=st.integers(min_value=24, max_value=220))
def test_the_status_table_fits_every_screen(width: int) -> None:
    """From 24 columns up no line is wider than the screen, and every node keeps exactly one row."""
    lines = [line.plain for line in status_view(states()).lines(width)]

    assert len(lines) == 6
    assert all(cell_len(line.rstrip()) <= width for line in lines)


@given(text=st.text(max_size=60), width=st.integers(min_value=5, max_value=80))
def test_text_from_people_never_breaks_a_line_or_reaches_the_terminal(text: str, width: int) -> None:
    """For any title a row stays one line, and no control character reaches the terminal."""
    sheet = Sheet(columns=(Column("title", room=5), Column("n")), rows=((bit(text), bit(7)),), header=False)

    rendered, plain = _draw(sheet, width), sheet.plain()

    assert rendered.count("\n") == 1
    assert plain.count("\n") == 0
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in rendered[:-1] + plain)


def test_markup_in_a_title_is_text() -> None:
    """`[bold]` in a post is seven characters, not a style."""
    assert "[bold]x[/]" in _draw(Sheet(columns=(Column("t", room=4),), rows=((bit("[bold]x[/]"),),)), 40)


def test_a_view_prints_itself_plainly_where_there_is_no_terminal() -> None:
    """The same view is a table on a screen and aligned text in a pipe."""
    file = io.StringIO()

    show(Page((status_view(states(), "nodes"), status_view([]))), Console(file=file, width=40))

    assert file.getvalue().startswith("nodes\nnode  state")
    assert "accepted" in file.getvalue()


def test_colour_forced_into_a_pipe_still_cuts_nothing() -> None:
    """`--color always` adds styles to the plain form; the words stay the same, whole and aligned."""
    file, view = io.StringIO(), status_view(states())

    show(view, Console(file=file, width=40, force_terminal=True, color_system="standard", highlight=False))

    assert "\x1b[" in file.getvalue()
    assert Text.from_ansi(file.getvalue()).plain.rstrip() == view.plain()


def test_equal_sheets_look_equal() -> None:
    """Sheets with equal content are equal, so the dashboard can skip rendering them."""
    assert status_view(states()) == status_view(states())
    assert status_view(states()) != status_view(states()[:4])
