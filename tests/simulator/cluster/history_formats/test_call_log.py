"""The logs of Violin: operations by number, an object in a comment."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.cluster.history import read_recording
from simulator.errors import InputError

QUEUE = """
# Two values, taken in the wrong order.
# @object atomic-queue

[1] call add(7)
[1] return
    [2] call add(seven)   # overlaps
[3] call remove
    [2] return
[3] return seven
[4] call remove()
[4] return empty
"""


def judged(path: Path, text: str, model: str) -> str:
    """The verdict on a file with this text."""
    path.write_text(text, encoding="utf-8")
    return str(check_files([str(path)], model=model)[0]["verdict"])


def test_a_log_is_read_with_the_names_of_its_object(tmp_path: Path) -> None:
    """`add` is enqueue in a queue; `empty` is nothing; a number is one, and any other word is a text."""
    assert judged(tmp_path / "log", QUEUE, "fifo-queue") == "violation"
    events = read_recording(tmp_path / "log").events
    assert [(one.f, one.value) for one in events if one.type == "invoke"] == [
        ("enqueue", 7), ("enqueue", "seven"), ("dequeue", None), ("dequeue", None),
    ]  # fmt: skip
    assert [one.value for one in events if one.type == "ok"] == [None, None, "seven", None]


def test_the_object_decides_what_the_names_mean(tmp_path: Path) -> None:
    """The last that was put in is the first to be taken from a stack."""
    stack = QUEUE.replace("atomic-queue", "atomic-stack").replace("[4] return empty", "[4] return 7")

    assert judged(tmp_path / "log", stack, "stack") == "ok"


def test_a_log_may_begin_with_a_call(tmp_path: Path) -> None:
    """Without a comment its names are those of the model; calls that never returned are pending."""
    assert judged(tmp_path / "log", "[1] call push(a)\n[2] call pop\n[2] return a\n", "stack") == "ok"


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("[1] return", "line 2: a return of operation 1, which is not open"),
        ("[2] pushes 3", "line 2: neither a call, such as '[1] call push(7)', nor a return, such as '[1] return'"),
        ("[2] call peek", "line 2: 'peek' is no operation of a stack: write one of push, pop"),
    ],
)
def test_a_wrong_line_is_told(tmp_path: Path, line: str, sentence: str) -> None:
    """With its number, and in one sentence."""
    (tmp_path / "log").write_text(f"# @object atomic-stack\n{line}\n", encoding="utf-8")

    with pytest.raises(InputError) as refused:
        check_files([str(tmp_path / "log")], model="stack")

    assert sentence in str(refused.value)
