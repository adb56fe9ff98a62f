"""JSON at a terminal acts on nothing, and is the same document."""

from __future__ import annotations

import json
import unicodedata

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from simulator.text.json_text import json_text

HOSTILE = "a\x9b31mred \u202egnp.exe \x7f \u2066x\u2069 \U000e0041 \u2028 \ufeff"


def test_a_pipe_gets_the_document_as_it_is() -> None:
    """What a program reads is not changed."""
    assert json_text({"title": HOSTILE}) == msgspec.json.encode({"title": HOSTILE}).decode()
    assert json_text([1], pretty=True) == "[\n  1\n]"


def test_a_terminal_gets_escapes() -> None:
    """C1 controls, bidirectional marks, tags: the document means the same."""
    shown = json_text({"title": HOSTILE}, terminal=True)

    assert json.loads(shown) == {"title": HOSTILE}
    assert shown.isascii()
    assert json_text({"title": "李雷 🙂 é"}, terminal=True) == '{"title":"李雷 🙂 é"}'


@given(text=st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_nothing_that_acts_is_left(text: str) -> None:
    """Whatever Unicode calls a control or a format character, the joiner of emoji excepted."""
    shown = json_text(text, terminal=True)

    assert json.loads(shown) == text
    left = {sign for sign in shown if unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"}}
    assert left <= {"\u200d"}


def test_every_character_that_acts_is_escaped() -> None:
    """The table is complete for the Unicode of this Python."""
    for code in range(0x80, 0x110000):
        sign = chr(code)
        if unicodedata.category(sign) in {"Cc", "Cf", "Zl", "Zp"} and sign != "\u200d":
            assert json_text(sign, terminal=True).isascii(), hex(code)


def test_a_file_name_that_is_no_text_is_shown() -> None:
    """Names of files are bytes; those that are no UTF-8 reach us as halves of characters."""
    assert json_text([{"file": "\udcff.jsonl", "n": (1, None)}]) == '[{"file":"\\\\udcff.jsonl","n":[1,null]}]'
