"""Text from people and files is shown as data: nothing in it reaches the terminal as a command."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.text import Text

from simulator.text.sanitize import safe


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 100 % [bold]", "plain, 100 % [bold]"),
        ("a\x1b[31mb", "a␛[31mb"),
        ("two\nlines\tand\x07", "two⏎lines⇥and␇"),
        ("\x7f\x9b", "␡\\u009b"),
        ("left\u202eright", "left\\u202eright"),
        ("\ud800", "\\ud800"),
        ("李雷 🙂 é", "李雷 🙂 é"),
    ],
)
def test_what_could_move_a_cursor_becomes_visible(text: str, shown: str) -> None:
    """Control characters become symbols or numbers; letters of any language stay as they are."""
    assert safe(text) == shown


@given(text=st.text(alphabet=st.characters(), max_size=200))
def test_no_control_character_is_left(text: str) -> None:
    """One line, printable and encodable, whatever went in; twice is the same as once."""
    shown = safe(text)

    assert len(shown.splitlines()) <= 1
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in shown)
    shown.encode()  # Nothing that a terminal's encoding refuses.
    assert safe(shown) == shown
    assert Text(shown).plain == shown
