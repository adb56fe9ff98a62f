"""Histories in files: written and read back, plain or gzipped, alone or in a trace; and every way to spoil one."""

from __future__ import annotations

import gzip
from pathlib import Path

import msgspec
import pytest

from simulator.checks.command import check_files
from simulator.checks.history_generator import busy_blog
from simulator.cluster.history import Event, is_trace, read_recording, write_history
from simulator.errors import InputError

GOOD = (
    '{"process":0,"type":"invoke","f":"post","value":["ann","t","x"],"time":0}',
    '{"process":0,"type":"ok","f":"post","value":"ok","time":1}',
)


def written(path: Path, *lines: str) -> str:
    """A file with these lines; its name."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("name", ["history.jsonl", "history.jsonl.gz"])
def test_a_history_is_read_back_as_it_was_written(tmp_path: Path, name: str) -> None:
    """Local reads and unknown fates among it."""
    events = [
        *busy_blog(200, 5, seed=6, crash=0.1).events,
        Event(process=77, type="invoke", f="view_all", read="local", node=3, time=9.5),
    ]

    write_history(tmp_path / name, events)

    assert read_recording(tmp_path / name).events == events


def test_a_gzipped_file_is_known_by_its_content(tmp_path: Path) -> None:
    """Whatever it is called."""
    path = tmp_path / "history.jsonl"
    path.write_bytes(gzip.compress("\n".join(GOOD).encode()))

    [verdict] = check_files([str(path)])

    assert verdict == {"file": str(path), "model": "blog", "operations": 1, "verdict": "ok", "why": ""}


def test_the_history_in_a_trace_is_judged(tmp_path: Path) -> None:
    """Other events are passed over, and whoever judges the rest of the trace is asked."""
    lines = ['{"trace":1,"world":"virtual"}', '{"event":"sent","at_ms":1,"number":1}']
    lines += [f'{{"event":"history","at_ms":1,"entry":{line}}}' for line in GOOD]
    trace = written(tmp_path / "run.jsonl", *lines)

    [verdict] = check_files([trace])
    [violated] = check_files([trace], invariants=lambda name, _until: f"agreement: {Path(name).name}.")

    assert (verdict["verdict"], verdict["operations"]) == ("ok", 1)
    assert (violated["verdict"], violated["why"]) == ("violation", "agreement: run.jsonl.")
    assert is_trace(b'{"trace":1}')
    assert not is_trace(GOOD[0].encode())
    assert not is_trace(b"nonsense")


def test_a_trace_that_begins_with_a_full_chain_is_not_accused(tmp_path: Path) -> None:
    """What stood on the chain before is not told, so views of it are no violation: unknown."""
    view = ['{"process":0,"type":"invoke","f":"view_all"}']
    view += ['{"process":0,"type":"ok","f":"view_all","value":[["t","ann"]]}']
    lines = ['{"trace":1}', '{"event":"recovered","at_ms":1,"node":1,"found":{"height":4}}']
    lines += [f'{{"event":"history","at_ms":1,"entry":{line}}}' for line in view]

    [verdict] = check_files([written(tmp_path / "run.jsonl", *lines)])

    assert verdict["verdict"] == "unknown"
    assert "a chain of 4 blocks" in verdict["why"]


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["nonsense"], "line 1: no JSON"),
        ([GOOD[0], "", "{"], "line 3: no JSON"),
        ([GOOD[0], "[1]"], "line 2: no event of a history"),
        (['{"process":"a","type":"invoke","f":"post"}'], "line 1: no event of a history"),
        (['{"process":1,"type":"maybe","f":"post"}'], "line 1: no event of a history"),
        (['{"process":1,"f":"post"}'], "line 1: no event of a history"),
        (['{"process":1,"type":"invoke","f":"like","value":"x"}'], "line 1: 'like' is no operation of a blog"),
        (['{"process":1,"type":"invoke","f":"add","value":1}'], "or --model set"),
        (['{"process":1,"type":"invoke","f":"post","value":["ann","t"]}'], "line 1: the argument of 'post'"),
        ([GOOD[0], GOOD[1].replace('"value":"ok"', '"value":"fine"')], "line 2: the result of 'post'"),
        ([GOOD[1]], "line 1: 'ok' of process 0, which has no open call"),
        ([GOOD[0], GOOD[0]], "line 2: process 0 calls 'post' while its 'post' of line 1 is still open"),
        ([GOOD[0], GOOD[1].replace('"post"', '"comment"')], "line 2: 'comment' ends a call of 'post' (line 1)"),
        ([GOOD[0], GOOD[1].replace("}", ',"read":"local"}')], "line 2: its read and node are not those of its call"),
        (["\x00\x01binary"], "line 1: no JSON"),
    ],
)
def test_a_bad_file_is_told_by_file_and_line(tmp_path: Path, lines: list[str], text: str) -> None:
    """One sentence, never a traceback."""
    name = written(tmp_path / "bad.jsonl", *lines)

    with pytest.raises(InputError) as refused:
        check_files([name])

    assert str(refused.value).startswith(f"{name}, line")
    assert text in str(refused.value)
    assert "\n" not in str(refused.value)


def test_all_faults_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    """Also that one is missing and another no gzip; what is wrong in one way on many lines is said once."""
    first = written(tmp_path / "first.jsonl", "x", GOOD[0], "y", '{"process":1}')
    second = str(tmp_path / "missing.jsonl")
    third = written(tmp_path / "third.jsonl.gz", *GOOD)
    torn = tmp_path / "torn.jsonl.gz"
    torn.write_bytes(gzip.compress(b"\n".join([GOOD[0].encode()] * 99))[:-9])

    with pytest.raises(InputError) as refused:
        check_files([first, second, third, str(torn), written(tmp_path / "good.jsonl", *GOOD)])

    lines = str(refused.value).split("\n")
    assert len(lines) == 4
    assert "lines 1, 3: no JSON" in lines[0]
    assert "line 4: no event of a history" in lines[0]
    assert "missing.jsonl" in lines[1]
    assert "is not gzipped" in lines[2]
    assert "torn.jsonl.gz" in lines[3]


def test_files_are_judged_in_order_with_progress(tmp_path: Path) -> None:
    """One line of progress a file, and a verdict for each, also when one is named twice."""
    good = written(tmp_path / "good.jsonl", *GOOD)
    sent: list[str] = []

    verdicts = check_files([good, good], progress=sent.append)

    assert [verdict["file"] for verdict in verdicts] == [good, good]
    assert [line.split(": ")[1] for line in sent] == ["judging (1 of 2)", "judging (2 of 2)"]


def test_a_line_may_carry_more_than_is_needed(tmp_path: Path) -> None:
    """Jepsen's own histories have an index; a value or a time may be left out."""
    lines = [
        msgspec.json.encode({"process": 0, "type": kind, "f": "read", "index": at, "value": None}).decode()
        for at, kind in enumerate(["invoke", "ok"])
    ]

    [verdict] = check_files([written(tmp_path / "jepsen.jsonl", *lines)], model="register")

    assert verdict["verdict"] == "ok"
