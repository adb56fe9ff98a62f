"""Disks that fail under nodes that run, on real files: the node stops and says why, and the others go on (rule 18)."""

from __future__ import annotations

import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind
from simulator.errors import DirectoryHeld, InputError
from simulator.faults.faults import ALL_FILES, Crash, DiskFault, Restart
from simulator.node.storage.lock import DirectoryLock
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_main import build_node
from tests.simulator.worlds.processes.conftest import Start

WITHIN_MS = 60_000
VICTIM = 3
SMALL = 1 << 19


class Scene:
    """A cluster with a victim. `files` is the victim's folder; `harm` and `mend` are those of the test."""

    def __init__(self, cluster: ProcessCluster, *, mounted: bool) -> None:
        self.cluster = cluster
        self.mounted = mounted
        self.files = Path(cluster.settings.data) / f"node-{VICTIM}"
        self.written = 0

    def post(self, node: int) -> None:
        """Write a post and see it answered."""
        self.written += 1
        ticket = self.cluster.submit(node, Post("ann", f"title {self.written}", "x" * 2_000))
        assert self.cluster.wait(lambda: ticket.done, WITHIN_MS)
        assert ticket.answer is not None
        assert ticket.answer.kind is AnswerKind.OK, ticket.answer

    def limit(self) -> None:
        """No file of the victim may grow by more than a few lines."""
        pid = self.cluster.pid(VICTIM)
        assert pid is not None
        most = (self.files / "paxos.txt").stat().st_size + 300
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))

    def let_write(self, *, allowed: bool) -> None:
        """Take the right to write from the victim's folder, or give it back."""
        if self.mounted:
            how = f"remount,{'rw' if allowed else 'ro'}"
            subprocess.run(["mount", "-o", how, str(self.files)], check=True)
            return
        for path in (self.files, *self.files.iterdir()):
            path.chmod(path.stat().st_mode | 0o200 if allowed else path.stat().st_mode & ~0o222)


@contextmanager
def small_disk(folder: Path) -> Iterator[bool]:
    """A small file system of its own for a folder. False where this user may mount none: a limit on files stands in."""
    folder.mkdir(parents=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    made = False
    with suppress(OSError):
        made = subprocess.run(command, check=False, capture_output=True).returncode == 0
    try:
        yield made
    finally:
        if made:
            subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(scene: Scene) -> None:
    """Leave no room on the victim's disk."""
    if not scene.mounted:
        scene.limit()
        return
    with suppress(OSError), (scene.files / "filler").open("wb", buffering=0) as file:
        while True:
            file.write(bytes(1 << 10))


def replace_folder(scene: Scene) -> None:
    """Put a copy in the place of the folder."""
    aside = scene.files.with_name("aside")
    scene.files.rename(aside)
    shutil.copytree(aside, scene.files)


def replace_journal(scene: Scene) -> None:
    """Put a copy in the place of the journal."""
    copy = scene.files / "copy"
    shutil.copy(scene.files / "paxos.txt", copy)
    copy.replace(scene.files / "paxos.txt")


Harm = Callable[[Scene], object]


def nothing(scene: Scene) -> None:
    """There is nothing to mend: the next start finds what is there."""


HARMS: dict[str, tuple[Harm, Harm, str]] = {
    "full": (fill, lambda scene: (scene.files / "filler").unlink(missing_ok=True), "No space left|File too large"),
    "a file too large": (Scene.limit, nothing, "File too large"),
    "a failing sync": (
        lambda scene: scene.cluster.apply(DiskFault(VICTIM, "failing-sync")),
        lambda scene: scene.cluster.apply(DiskFault(VICTIM, "ok")),
        "Input/output error",
    ),
    "the journal removed": (lambda scene: (scene.files / "paxos.txt").unlink(), nothing, "removed or replaced"),
    "the chain removed": (lambda scene: (scene.files / "blockchain.txt").unlink(), nothing, "removed or replaced"),
    "the journal replaced": (replace_journal, nothing, "removed or replaced"),
    "the folder removed": (lambda scene: shutil.rmtree(scene.files), nothing, "removed or replaced"),
    "the folder replaced": (replace_folder, nothing, "removed or replaced"),
    "wiped by the lab": (
        lambda scene: scene.cluster.apply(DiskFault(VICTIM, "wipe", ALL_FILES)), nothing, "removed or replaced",
    ),
}  # fmt: skip


LONG = ("a file too large", "the chain removed", "the journal replaced", "the folder removed")


@pytest.mark.parametrize("name", [pytest.param(name, marks=[pytest.mark.slow] * (name in LONG)) for name in HARMS])
def test_a_node_whose_disk_fails_stops_and_the_others_go_on(start: Start, tmp_path: Path, name: str) -> None:
    """It says why, with a status of its own; after mending it continues, and nothing that was answered is lost."""
    harm, mend, says = HARMS[name]
    with ExitStack() as stack:
        mounted = name == "full" and stack.enter_context(small_disk(tmp_path / "data" / f"node-{VICTIM}"))
        cluster = start(build_node, nodes=3)
        stack.callback(cluster.close)
        scene = Scene(cluster, mounted=mounted)
        scene.post(VICTIM)

        harm(scene)
        for _ in range(12):
            scene.post(1)
        assert cluster.wait(lambda: cluster.status(VICTIM).life == "down", WITHIN_MS)

        error = cluster.status(VICTIM).error
        assert "its disk failed" in error
        assert any(text in error for text in says.split("|")), error
        assert any(event.kind == "down" and "status 74" in event.text for event in cluster.events(1_000))
        scene.post(2)
        mend(scene)
        cluster.apply(Restart(VICTIM))
        scene.post(VICTIM)
        assert cluster.wait(partial(converged, cluster), WITHIN_MS)
        assert cluster.wait(lambda: cluster.status(VICTIM).memory in {"", "mended"}, WITHIN_MS)
        assert set(cluster.check().values()) == {"ok"}
        voted_again = [event for event in cluster.events(1_000) if event.kind == "recovered"]
        assert bool(voted_again) == (name in {"the journal removed", "the folder removed", "wiped by the lab"})


def test_a_node_that_may_not_write_does_not_start(start: Start, tmp_path: Path) -> None:
    """A file system that is read-only, or files that are: it says so, and starts when that is mended."""
    with ExitStack() as stack:
        mounted = stack.enter_context(small_disk(tmp_path / "data" / f"node-{VICTIM}"))
        cluster = start(build_node, nodes=3)
        stack.callback(cluster.close)
        scene = Scene(cluster, mounted=mounted)
        scene.post(VICTIM)
        cluster.apply(Crash(VICTIM))
        scene.let_write(allowed=False)

        cluster.apply(Restart(VICTIM))
        assert cluster.wait(lambda: cluster.status(VICTIM).error != "", WITHIN_MS)
        assert cluster.wait(lambda: cluster.status(VICTIM).life == "down", WITHIN_MS)
        scene.post(1)
        error = cluster.status(VICTIM).error
        scene.let_write(allowed=True)
        cluster.apply(Restart(VICTIM))

        assert "Read-only file system" in error or "Permission denied" in error
        assert any(event.kind == "down" and "status 74" in event.text for event in cluster.events(1_000))
        scene.post(VICTIM)
        assert cluster.wait(partial(converged, cluster), WITHIN_MS)
        assert set(cluster.check().values()) == {"ok"}


def converged(cluster: ProcessCluster) -> bool:
    """All nodes are up and have the same chain."""
    states = [cluster.status(node) for node in cluster.settings.node_ids]
    return all(state.life == "up" for state in states) and len({state.hash for state in states}) == 1


@pytest.mark.parametrize(
    "file", [ALL_FILES, *(pytest.param(file, marks=pytest.mark.slow) for file in ("paxos.txt", "blockchain.txt"))]
)
def test_an_older_copy_of_a_node_is_noticed(start: Start, file: str) -> None:
    """The node remembers less than it said, so it votes again only after the others have answered."""
    cluster = start(build_node, nodes=5)
    scene = Scene(cluster, mounted=False)
    for _ in range(3):
        scene.post(VICTIM)
    cluster.apply(Crash(VICTIM))
    cluster.apply(Restart(VICTIM))
    for _ in range(3):
        scene.post(VICTIM)
    assert cluster.wait(partial(converged, cluster), WITHIN_MS)
    cluster.apply(Crash(VICTIM))

    cluster.apply(DiskFault(VICTIM, "rollback", file))
    cluster.apply(Restart(VICTIM))

    scene.post(VICTIM)
    assert cluster.wait(partial(converged, cluster), WITHIN_MS)
    assert cluster.wait(lambda: cluster.status(VICTIM).memory in {"", "mended"}, WITHIN_MS)
    assert set(cluster.check().values()) == {"ok"}
    forgot = [event for event in cluster.events(1_000) if event.kind == "amnesia"]
    assert bool(forgot) == (file != "blockchain.txt")


def test_a_wiped_folder_is_noticed_at_once(start: Start) -> None:
    """Within the first second of its first run too: the record knows of a node from its first word on."""
    cluster = start(build_node, nodes=3)
    scene = Scene(cluster, mounted=False)
    scene.post(VICTIM)

    shutil.rmtree(scene.files)
    cluster.apply(Crash(VICTIM))
    cluster.apply(Restart(VICTIM))

    scene.post(1)
    assert cluster.wait(partial(converged, cluster), WITHIN_MS)
    assert cluster.wait(lambda: any(event.kind == "amnesia" for event in cluster.events(1_000)), WITHIN_MS)


def test_a_replaced_data_directory_is_left_to_the_lab_that_is_there_now(start: Start, tmp_path: Path) -> None:
    """All nodes stop, the first lab says why, starts none of them again, and writes nothing there."""
    cluster = start(build_node, nodes=3)
    scene = Scene(cluster, mounted=False)
    scene.post(1)
    data = Path(cluster.settings.data)
    with pytest.raises(DirectoryHeld):
        DirectoryLock(data)

    data.rename(tmp_path / "aside")
    other = start(build_node, nodes=3)
    before = {path.name for path in data.iterdir()}

    assert cluster.wait(lambda: all(cluster.status(node).life == "down" for node in (1, 2, 3)), WITHIN_MS)
    assert cluster.wait(lambda: any("was removed or replaced while" in e.text for e in cluster.events(99)), WITHIN_MS)
    with pytest.raises(InputError, match="was removed or replaced while the lab runs: end this lab"):
        cluster.apply(Restart(1))
    Scene(other, mounted=False).post(2)
    assert {path.name for path in data.iterdir()} >= before
    assert set(other.check().values()) == {"ok"}
