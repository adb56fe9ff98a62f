"""The judge as a library: recording, models of one's own, assertions, and the page that shows them."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import simulator.checks.linearizability as library
from simulator.checks.linearizability import (
    UNKNOWN,
    Event,
    History,
    Model,
    Recorder,
    assert_linearizable,
    check,
    programs,
    run_programs,
)
from simulator.errors import InputError

PAGE = (Path(__file__).parents[4] / "docs" / "judge.md").read_text(encoding="utf-8")
STALE = History(
    [
        Event(process=0, type="invoke", f="write", value=1),
        Event(process=0, type="ok", f="write", value=1),
        Event(process=1, type="invoke", f="read"),
        Event(process=1, type="ok", f="read", value=0),
    ]
)


@pytest.mark.parametrize("block", re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
def test_the_python_of_the_page_runs(block: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block by itself, as a reader would paste it."""
    monkeypatch.chdir(tmp_path)

    exec(compile(block, "docs/judge.md", "exec"), {"__name__": "page"})  # noqa: S102  # Our own page.


def test_every_promised_name_exists_and_is_on_the_page() -> None:
    """And no name is promised twice."""
    assert len(set(library.__all__)) == len(library.__all__)
    for name in library.__all__:
        assert getattr(library, name) is getattr(library, name)
        assert f"`{name}`" in PAGE
    with pytest.raises(AttributeError, match="no attribute 'judgement'"):
        _ = library.judgement


def test_exceptions_leave_the_fate_unknown_and_refusals_do_not() -> None:
    """A process whose operation has an unknown fate does not come back."""
    recorder = Recorder(refusals=(KeyError,))
    for error in (KeyError, ValueError):
        with pytest.raises(error), recorder.call("write", 1):
            raise error
    with recorder.call("read") as call:
        call.ok(1)
    with recorder.call("write", 2) as call:
        call.fail()

    events = [(one.process, one.type) for one in recorder.history]
    assert events == [
        (0, "invoke"), (0, "fail"), (0, "invoke"), (0, "info"),
        (1, "invoke"), (1, "ok"), (1, "invoke"), (1, "fail"),
    ]  # fmt: skip
    assert check(recorder.history, "register", 0).ok


def test_threads_share_a_recorder() -> None:
    """No process has two operations at once, whatever the threads do."""
    recorder = Recorder()

    def run() -> None:
        for _ in range(200):
            with recorder.call("add", 1):
                pass

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert check(recorder.history, "counter").operations == 800


def test_coroutines_share_a_recorder() -> None:
    """Operations that overlap belong to different processes."""
    recorder = Recorder()

    async def one(value: int) -> None:
        with recorder.call("write", value):
            await asyncio.sleep(0)

    async def main() -> None:
        await asyncio.gather(*map(one, range(5)))

    asyncio.run(main())

    assert {event.process for event in recorder.history} == set(range(5))


def test_a_history_is_saved_and_loaded(tmp_path: Path) -> None:
    """Packed or not."""
    for name in ("a.jsonl", "b.jsonl.gz"):
        STALE.save(tmp_path / name)
        assert History.load(tmp_path / name) == STALE
    (tmp_path / "bad").write_text("{", encoding="utf-8")
    with pytest.raises(InputError, match="bad, line 1: no JSON"):
        History.load(tmp_path / "bad")


def test_a_failing_assertion_shows_the_reason_and_the_events() -> None:
    """Only the shortest prefix that fails."""
    more = History([*STALE, Event(process=2, type="invoke", f="write", value=7)])

    with pytest.raises(AssertionError) as failed:
        assert_linearizable(more, "register", 0)

    assert "The first 4 of 5 events fail already" in str(failed.value)
    assert "4  process 1  ok      read   0" in str(failed.value)
    assert "7" not in str(failed.value)
    assert_linearizable(STALE[:3], "register", 0)


def test_an_event_that_fits_no_model_is_named() -> None:
    """By its position; nothing is judged."""
    with pytest.raises(InputError, match="event 1: 'write' is no operation of a fifo-queue"):
        check(STALE, "fifo-queue")
    with pytest.raises(InputError, match="event 1: 'ok' of process 0, which has no open call"):
        check(STALE[1:], "register")
    with pytest.raises(InputError, match="no model 'registers'"):
        check(STALE, "registers")


class Sticky(Model):
    """A cell that keeps the first value that it was given."""

    name = "register"  # The name of another model changes nothing.

    def step(self, state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
        """See `Model`."""
        if f == "write":
            return True, arg if state is None else state
        return result in (UNKNOWN, state), state


def test_a_model_of_ones_own_is_judged_by_search() -> None:
    """Two functions are enough."""
    events = [
        Event(process=0, type="invoke", f="write", value=1), Event(process=0, type="ok", f="write"),
        Event(process=0, type="invoke", f="write", value=2), Event(process=0, type="ok", f="write"),
        Event(process=1, type="invoke", f="read"), Event(process=1, type="ok", f="read", value=1),
    ]  # fmt: skip

    assert check(events, Sticky()).ok
    assert check(events, "register").verdict == "violation"


@settings(max_examples=15, deadline=None)
@given(programs(st.one_of(st.tuples(st.just("push"), st.integers(0, 50)), st.just(("pop", None)))))
def test_drawn_programs_run_in_threads(clients: list[list[tuple[str, Any]]]) -> None:
    """Every operation is recorded; a list with a lock is a stack."""
    lock, elements = threading.Lock(), list[int]()

    def perform(f: str, arg: Any) -> Any:
        with lock:
            if f == "push":
                return elements.append(arg)
            return elements.pop() if elements else None

    history = run_programs(clients, perform)

    assert len(history) == 2 * sum(map(len, clients))
    assert_linearizable(history, "stack")
