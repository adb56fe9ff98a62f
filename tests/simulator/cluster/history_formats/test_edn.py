"""EDN: what histories use, in a stream, and what is no EDN."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from simulator.cluster.history_formats.edn import EdnError, parse_edn, read_edn


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("nil", None),
        ("[true false]", [True, False]),
        ("{:f :read, :value [1 nil]}", {"f": "read", "value": [1, None]}),
        ('"a \\"b\\" \\u00e4\\n"', 'a "b" ä\n'),
        ("(1 -2 +3 4N 1.5 2M 1e3)", [1, -2, 3, 4, 1.5, 2, 1000.0]),
        ("#{3 1 2}", [1, 2, 3]),
        ("#jepsen.history.Op{:process 0}", {"process": 0}),
        ('#inst "2020-01-01"', "2020-01-01"),
        ("[1 #_ 2 #_[3 4] 5] ; the end", [1, 5]),
        ("[\\a \\newline \\u0041]", ["a", "\n", "A"]),
        ("{1 2, [3] 4}", {"1": 2, "[3]": 4}),
        (":nemesis/start", "nemesis/start"),
        ('"\\ud83d\\ude00 \\ud800"', "\U0001f600 \ufffd"),
        ("\\ud800", "\ufffd"),
    ],
)
def test_a_value_is_read(text: str, value: Any) -> None:
    """Each kind of token."""
    assert parse_edn(text) == value


def test_values_are_read_one_by_one_with_their_lines() -> None:
    """A map may go over several lines, and a text too."""
    lines = list(enumerate(["{:a 1}", "", "{:b", ' "x', 'y"} {:c 3}'], 1))

    assert list(read_edn(lines)) == [(1, {"a": 1}), (3, {"b": "x\ny"}), (5, {"c": 3})]


@pytest.mark.parametrize("around", ["[]", "()"])
def test_one_collection_around_all_is_entered(around: str) -> None:
    """Its maps are given one by one."""
    lines = list(enumerate([around[0] + "{:a 1}", "{:a 2}" + around[1]], 1))

    assert [value for _, value in read_edn(lines)] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[{:a 1}", "the '\\[' of line 1 has no end"),
        ("{:a", "the '{' of line 1 has no end"),
        ("{:a 1}}", "an unexpected '}'"),
        ("{:a}", "a key that has no value"),
        ('{:a "x', "a text in quotes has no end"),
        ("[" * 200, "more than 100 brackets"),
        ("9" * 40, "more than 30 digits"),
    ],
)
def test_what_is_no_edn_is_named(text: str, why: str) -> None:
    """With the line."""
    with pytest.raises(EdnError, match=why) as refused:
        list(read_edn([(1, text)]))

    assert refused.value.line == 1


def test_any_damage_is_an_error_or_another_value() -> None:
    """No other exception, whatever is changed."""
    text = '#jepsen.history.Op{:type :ok, :value [1 #{2 "x\\n"} \\a], :process 0, :error (1.5 -3N)} ; end'
    dice = Random(7)
    for _ in range(3_000):
        damaged = list(text)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(damaged))
            damaged[at : at + dice.randint(0, 2)] = dice.choice(['"', "{", "}", "[", "#", "\\", ":", "\x00", "é", ""])
        try:
            list(read_edn([(1, "".join(damaged))]))
        except EdnError:
            continue
