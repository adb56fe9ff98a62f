"""Every view against its reviewed golden file, at 80 and 200 columns and in a pipe.

After an intended change, `python -m tests.simulator.views.golden` rewrites the files: review the diff.
"""

from __future__ import annotations

import pytest

from simulator.views.demo import VIEWS
from tests.simulator.views.golden import WIDTHS, piped, rendered, stored


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", VIEWS)
def test_a_view_matches_its_golden_file(name: str, width: int) -> None:
    """The golden files hold the screen's text, line for line; no line is wider than the screen."""
    text = rendered(name, width)

    assert text == stored(name, str(width))


@pytest.mark.parametrize("name", VIEWS)
def test_a_view_in_a_pipe_has_no_boxes_and_cuts_nothing(name: str) -> None:
    """Piped output is for grep and awk: aligned text, neither frames nor ellipses nor escapes."""
    text = piped(name)

    assert text == stored(name, "pipe")
    if name not in {"panel", "summary"}:  # These two are made for the dashboard alone.
        assert not set(text) & set("│┌┐└┘─★✕‖…")
    assert not set(text) & set("\x1b\x07")
