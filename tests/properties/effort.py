"""How many examples of a property are tried, as a share of what the profile allows (`tests/conftest.py`)."""

from __future__ import annotations

from hypothesis import settings


def effort(share: float) -> settings:
    """The settings of a test that tries `share` times as many examples as the profile says, and at least 2."""
    return settings(max_examples=max(2, round(settings().max_examples * share)))
