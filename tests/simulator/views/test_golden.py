"""Every view against a status of it that a person has looked at, at 80 and at 200 columns and in a pipe.

After a change that is meant, `python -m tests.simulator.views.golden` draws the statuses anew: look at the difference.
"""

from __future__ import annotations

import pytest

from simulator.views.demo import VIEWS
from tests.simulator.views.golden import WIDTHS, drawn, piped, stored


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_looks_as_it_did_when_a_person_last_looked(name: str, width: int) -> None:
    """The golden files hold the screen's text, line for line; no line is wider than the screen."""
    picture = drawn(name, width)

    assert picture == stored(name, str(width))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_in_a_pipe_has_no_boxes_and_cuts_nothing(name: str) -> None:
    """Piped output is for grep and awk: aligned text, neither frames nor ellipses nor escapes."""
    text = piped(name)

    assert text == stored(name, "pipe")
    if name not in {"panel", "summary"}:  # These two are made for the dashboard alone.
        assert not set(text) & set("│┌┐└┘─★✕‖…")
    assert not set(text) & set("\x1b\x07")
