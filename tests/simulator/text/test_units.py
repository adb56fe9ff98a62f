"""TIME and PROBABILITY: what is understood, and what a person is told when it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.errors import InputError
from simulator.text.units import format_ms, parse_probability, parse_time_ms


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("250ms", 250), ("3s", 3_000), ("1.5S", 1_500), ("0.1s", 100), (".5s", 500), ("2m", 120_000), ("0ms", 0)],
)
def test_a_time_is_a_number_with_its_unit(text: str, milliseconds: int) -> None:
    """Milliseconds, seconds and minutes, in either case and with decimals, come out exact."""
    assert parse_time_ms(text) == milliseconds


@pytest.mark.parametrize("text", ["", "s", "3", "-3s", "3 s", "3h", "1e3s", "٣s", "0.0001s", "3ss", "9" * 40 + "s"])
def test_anything_else_is_refused_in_one_sentence(text: str) -> None:
    """A wrong time is never guessed at: the sentence shows a form that would be right."""
    with pytest.raises(InputError, match="write"):
        parse_time_ms(text)


def test_a_bare_time_is_told_its_three_meanings() -> None:
    """The number itself stands in the hint, so that it can be copied."""
    with pytest.raises(InputError, match="write 3ms, 3s or 3m"):
        parse_time_ms("3")


@pytest.mark.parametrize(("text", "chance"), [("30%", 0.3), ("0%", 0.0), ("100%", 1.0), ("0.5%", 0.005)])
def test_a_probability_is_a_number_with_a_percent_sign(text: str, chance: float) -> None:
    """Percent in, a chance from 0 to 1 out."""
    assert parse_probability(text) == chance


@pytest.mark.parametrize(("text", "meant"), [("30", "write 30%"), ("0.3", "write 30%"), ("101%", "0% to 100%")])
def test_a_wrong_probability_is_told_the_right_one(text: str, meant: str) -> None:
    """0.3 most likely meant 30%, and 30 certainly did."""
    with pytest.raises(InputError, match=meant):
        parse_probability(text)


@given(st.integers(min_value=0, max_value=10**10))
def test_a_printed_time_reads_back_the_same(milliseconds: int) -> None:
    """Scenario lines are printed and parsed again, so nothing may be lost on the way."""
    assert parse_time_ms(format_ms(milliseconds)) == milliseconds
