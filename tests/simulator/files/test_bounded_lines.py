"""Files from strangers: read in a stream, refused in one sentence where they leave the bounds, never waited for."""

from __future__ import annotations

import gzip
import os
import time
from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.cluster.history import read_recording
from simulator.errors import InputError
from simulator.files import bounded_lines
from simulator.files.bounded_lines import ReadingTimedOut, check_nesting, opened_lines
from simulator.files.names import expanded
from simulator.trace.reader import read_trace

CALL = b'{"process":0,"type":"invoke","f":"read","time":0}\n'
HEADER = b'{"trace":2,"world":"virtual","seed":0,"settings":{"nodes":3}}\n'


def lines_of(path: Path, until: float | None = None) -> list[bytes]:
    """All lines of a file."""
    with opened_lines(path, until) as lines:
        return list(lines)


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    """Empty ones included, so that numbers are right; the last one may have no end. Packed files read the same."""
    text = b"one\n\nthree\r\n" + b"x" * 300_000 + b"\nlast"
    plain, packed = tmp_path / "plain", tmp_path / "packed"
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text[:9]) + gzip.compress(text[9:]))

    assert lines_of(plain) == lines_of(packed) == text.split(b"\n")
    plain.write_bytes(b"")
    assert lines_of(plain) == []


def test_a_small_archive_that_unpacks_to_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of zeros packs to a kilobyte: a history or a trace does not."""
    monkeypatch.setattr(bounded_lines, "FREE_BYTES", 1 << 20)
    bomb = tmp_path / "bomb.jsonl.gz"
    bomb.write_bytes(gzip.compress(CALL * 200_000))

    with pytest.raises(InputError, match="unpacks to more than"):
        lines_of(bomb)
    with pytest.raises(InputError, match="unpacks to more than"):
        check_files([str(bomb)])


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it fills the memory."""
    monkeypatch.setattr(bounded_lines, "MOST_LINE_BYTES", 1_000)
    path = tmp_path / "endless"
    path.write_bytes(b"short\n" + b"x" * 2_000)

    with pytest.raises(InputError, match="line 2: it is longer than"):
        lines_of(path)


def test_a_file_of_too_many_lines_or_bytes_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Empty lines cost time, too."""
    path = tmp_path / "long"
    path.write_bytes(b"\n" * 2_000)

    monkeypatch.setattr(bounded_lines, "MOST_LINES", 1_000)
    with pytest.raises(InputError, match="more than 1000 lines"):
        lines_of(path)
    monkeypatch.setattr(bounded_lines, "MOST_BYTES", 1_000)
    with pytest.raises(InputError, match="is larger than"):
        lines_of(path)


def test_a_history_that_takes_too_much_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its events are kept, unlike those of a trace."""
    path = tmp_path / "many.jsonl"
    path.write_bytes(CALL * 1_000)

    monkeypatch.setattr("simulator.cluster.history.MOST_MEMORY_BYTES", 50_000)
    with pytest.raises(InputError, match="the most that is judged: split the history"):
        check_files([str(path)], model="register")


@pytest.mark.parametrize(
    ("line", "deep"),
    [
        (b'{"value":' + b"[" * 99 + b"]" * 99 + b"}", False),
        (b'{"value":' + b"[" * 100 + b"]" * 100 + b"}", True),
        (b'{"value":' + b'{"a":' * 5_000, True),
        (b'{"value":"' + b"[" * 5_000 + b'"}', False),
        (b'{"value":"\\"' + b"[" * 5_000, False),
        (b'{"value":[' + b"[]," * 5_000 + b"1]}", False),
    ],
)
def test_brackets_within_brackets_have_a_bound(line: bytes, deep: bool) -> None:
    """Those inside of a text do not count, and many side by side are no matter."""
    if deep:
        with pytest.raises(ValueError, match="more than 100 brackets are open at once"):
            check_nesting(line)
    else:
        check_nesting(line)


def test_deep_nesting_is_told_by_its_line(tmp_path: Path) -> None:
    """Nine hundred lists in one another: JSON that decodes, and that nothing after it could walk through."""
    deep = b"[" * 900 + b"]" * 900
    history, trace = tmp_path / "deep.jsonl", tmp_path / "trace.jsonl"
    history.write_bytes(CALL + CALL.replace(b'"time":0', b'"value":' + deep))
    trace.write_bytes(HEADER + b'{"event":"history","at_ms":1,"entry":' + deep + b"}\n")

    with pytest.raises(InputError, match=r"line 2: no JSON .more than 100 brackets"):
        check_files([str(history)], model="register")
    with pytest.raises(InputError, match=r"line 2: no event of a trace .more than 100 brackets"):
        list(read_trace(trace).lines())


def test_after_a_thousand_invalid_lines_no_more_are_read(tmp_path: Path) -> None:
    """A file that is something else altogether must not fill the memory with its mistakes."""
    path = tmp_path / "other.txt"
    path.write_bytes(b"x\n" * 5_000)

    assert len(read_recording(path).faults) == 1_000


def test_what_is_no_file_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    """A pipe that nobody writes to would hold the command for ever, and a device might never end."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    for path, what in ((pipe, "a pipe"), (tmp_path, "a directory"), (Path("/dev/zero"), "a device")):
        for read in (read_recording, read_trace, lines_of):
            with pytest.raises(InputError, match=f"cannot be read: it is {what}"):
                read(path)


def test_names_that_no_file_can_have(tmp_path: Path) -> None:
    """One sentence each: a NUL, a user that does not exist, a name that is too long, a link to itself."""
    (tmp_path / "loop").symlink_to("loop")

    for name in ("a\0b", "~nobody-of-this-name/x", "x" * 5_000, str(tmp_path / "loop"), str(tmp_path / "missing")):
        with pytest.raises(InputError, match="'"):
            read_recording(name)
    assert expanded("~") == Path.home()


def test_reading_ends_when_its_time_is_over(tmp_path: Path) -> None:
    """`--time-limit` covers reading: the verdict is unknown, and says which limit was reached."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(CALL)

    with pytest.raises(ReadingTimedOut):
        lines_of(path, until=time.monotonic() - 1)
    [verdict] = check_files([str(path)], model="register", time_limit_s=0.0)

    assert (verdict["verdict"], verdict["why"]) == ("unknown", "not settled within 0 s.")
