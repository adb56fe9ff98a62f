"""A search that is kept in a folder goes on where it was, in whatever way it ended, and comes to the same end."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from simulator.errors import InputError
from simulator.worlds.exhaustive.kept_search import SearchFolder
from simulator.worlds.exhaustive.model import Model
from simulator.worlds.exhaustive.model_errors import ModelError
from simulator.worlds.exhaustive.search import Bounds, Outcome, Search
from tests.simulator.worlds.exhaustive.kept import PURPOSE, Judged, go_on, same
from tests.simulator.worlds.exhaustive.test_search import TwoJugs


@pytest.fixture(scope="module")
def whole() -> Outcome[Any]:
    """The search without interruption."""
    outcome = Search(Judged(2), keep_going=True).run()
    assert outcome.complete
    assert (outcome.progress.states, outcome.progress.depth, len(outcome.found)) == (16_668, 21, 1)
    return outcome


def test_a_search_that_is_cut_off_again_and_again_comes_to_the_same_end(tmp_path: Path, whole: Outcome[Any]) -> None:
    """With a new model each time, as in a new process; once complete, it tells so at once."""
    bounds = [
        Bounds(depth=1),
        Bounds(states=300),
        Bounds(depth=9),
        *(Bounds(states=n) for n in range(2_000, 16_000, 3_000)),
    ]
    for bound in bounds:
        assert go_on(tmp_path / "kept", bound).cut_off in {"depth", "states"}
    same(go_on(tmp_path / "kept"), whole)

    def refuse(_search: Search[Any, Any]) -> None:
        _search.model.steps = None  # type: ignore[assignment,method-assign]

    assert go_on(tmp_path / "kept", prepare=None).complete
    same(go_on(tmp_path / "kept", prepare=refuse), whole)


def test_a_stop_keeps_what_was_done(tmp_path: Path, whole: Outcome[Any]) -> None:
    """As Ctrl-C does."""

    def stop(search: Search[Any, Any]) -> None:
        steps, asked = search.model.steps, iter(range(100_000))

        def stopping(state: Any) -> Any:
            search.stop = next(asked) > 2_000
            return steps(state)

        search.model.steps = stopping  # type: ignore[method-assign]

    first = go_on(tmp_path, prepare=stop)
    assert first.cut_off == "an interrupt"
    assert go_on(tmp_path, Bounds(states=1)).progress.states >= first.progress.states
    same(go_on(tmp_path), whole)


KILLED = """
import os, signal, sys
from pathlib import Path
from simulator.worlds.exhaustive import kept_search
from tests.simulator.worlds.exhaustive.kept import go_on
kept_search.KEEP_EVERY_S = 0
kept_search.SHARE = 0
left, write = int(sys.argv[2]), os.pwrite
def writing(fd, raw, at):
    global left
    left -= 1
    if left < 0:
        write(fd, raw[:len(raw) // 2], at)
        os.kill(os.getpid(), signal.SIGKILL)
    return write(fd, raw, at)
sync = os.fsync
def syncing(fd):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(fd)
os.pwrite, os.fsync = writing, syncing
print(go_on(Path(sys.argv[1])).complete)
"""


def test_a_search_that_is_killed_anywhere_goes_on_from_its_last_checkpoint(tmp_path: Path, whole: Outcome[Any]) -> None:
    """Killed within writes and before syncs, further on each time, in processes that hash words in their own way."""
    killed = 0
    for left in (0, 1, 3, 6, 11, 20, 25, 31, 40, 47, 52, 70, 90, 10_000):
        environment = {**os.environ, "PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": str(left)}
        command = [sys.executable, "-c", KILLED, str(tmp_path), str(left)]
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert ended.returncode in {0, -signal.SIGKILL}, ended.stderr
        killed += ended.returncode != 0
    assert killed >= 8
    same(go_on(tmp_path), whole)


def test_a_full_disk_leaves_the_last_checkpoint(
    tmp_path: Path, whole: Outcome[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the system's own, with the name of the file; with room again the search goes on."""
    go_on(tmp_path, Bounds(states=3_000))
    before = (tmp_path / "search.json").read_bytes()

    write = os.pwrite

    def full(fd: int, raw: bytes, at: int) -> int:
        if len(raw) < 32:  # The lock.
            return write(fd, raw, at)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space left") as raised:
            go_on(tmp_path)
    assert str(raised.value.filename).startswith(str(tmp_path))
    assert (tmp_path / "search.json").read_bytes() == before
    same(go_on(tmp_path), whole)


@pytest.mark.parametrize("name", ["search.json", "parents", "fingerprints", "layer", "numbering"])
@pytest.mark.parametrize("how", ["changed", "short", "gone"])
def test_damaged_files_are_told_in_one_sentence_and_left_as_they_are(tmp_path: Path, name: str, how: str) -> None:
    """Every file, a byte changed, cut off, or gone."""
    go_on(tmp_path, Bounds(states=3_000))
    path = max((path for path in tmp_path.iterdir() if path.name.startswith(name)), key=lambda one: one.stat().st_size)
    raw = path.read_bytes()
    middle = len(raw) // 2
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes(raw[:middle] + (bytes([raw[middle] ^ 1]) + raw[middle + 1 :] if how == "changed" else b""))
    files = {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.name not in {"lock", path.name}}

    with pytest.raises(InputError) as raised:
        go_on(tmp_path)

    assert "damaged" in str(raised.value) or "holds other files" in str(raised.value)
    assert str(tmp_path) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert {one.name: one.read_bytes() for one in tmp_path.iterdir() if one.name not in {"lock", path.name}} == files


def test_the_folder_of_something_else_is_left_as_it_is(tmp_path: Path) -> None:
    """Another search, a folder of a person, a file, and one that is in use."""
    go_on(tmp_path / "kept", Bounds(states=300))
    with pytest.raises(InputError, match="keeps another search, with --clients 2 and not 3: give the same"):
        SearchFolder(tmp_path / "kept", {**PURPOSE, "--clients": 3})
    with pytest.raises(InputError, match="with --break not given and not small-accept-quorum"):
        SearchFolder(tmp_path / "kept", {**PURPOSE, "--break": "small-accept-quorum"})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "parents").write_text("Ann and Bob")
    with pytest.raises(InputError, match="holds other files"):
        go_on(tmp_path / "mine")
    with pytest.raises(InputError, match="is no folder"):
        go_on(tmp_path / "mine" / "parents")
    assert (tmp_path / "mine" / "parents").read_text() == "Ann and Bob"
    held = SearchFolder(tmp_path / "kept", PURPOSE)
    with pytest.raises(InputError, match="is used by another search"):
        go_on(tmp_path / "kept")
    held.close()


def test_a_search_begun_anew_keeps_its_notes_only(tmp_path: Path, whole: Outcome[Any]) -> None:
    """As when a reduction is given up."""
    go_on(tmp_path, Bounds(states=3_000))
    kept = SearchFolder(tmp_path, PURPOSE)
    kept.begin_anew([{"what": "symmetry", "states": 3_000}])
    kept.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["lock", "search.json"]
    again = SearchFolder(tmp_path, PURPOSE)
    assert (again.notes, again.checkpoint) == ([{"what": "symmetry", "states": 3_000}], None)
    again.close()
    same(go_on(tmp_path), whole)


class Salted(Model[tuple[str, ...], str]):
    """States with words."""

    def first(self) -> Iterable[tuple[str, ...]]:
        """One word."""
        return [("word",)]

    def steps(self, state: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
        """Another."""
        return [("on", ("another",))]

    def fingerprint(self, state: tuple[str, ...]) -> int:
        """Another number in each process."""
        return hash(state)


@pytest.mark.parametrize("model", [TwoJugs(), Salted()])
def test_a_model_whose_search_cannot_be_kept_is_refused(tmp_path: Path, model: Model[Any, Any]) -> None:
    """Its states are no plain numbers, or its fingerprints are none."""
    kept = SearchFolder(tmp_path, PURPOSE)
    with pytest.raises(ModelError, match="cannot be kept in a folder, since"):
        Search(model, folder=kept).run()
    kept.close()
