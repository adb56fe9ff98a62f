"""TLC and Rumur beside the exhaustive search, where they are installed: one published model, all three on one core.

The model is Lamport's Paxos with a set of messages that only grows, in our own words for each of them
(`models/SmallPaxos.tla`, `models/small_paxos.m`, and `LamportPaxos` for ours). A run that does not visit exactly the
published states gives no figure. What is measured is the search with its start: Java's for TLC, that of the program
which gcc has made of the model for Rumur. Making that program is not counted.
"""

from __future__ import annotations

import re
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

from simulator.errors import InputError
from simulator.export.tla.tlc import find_java, find_tlc
from simulator.tools.bench.case import Case, Effort, Skipped
from simulator.worlds.exhaustive.lamport_paxos import LamportPaxos
from simulator.worlds.exhaustive.search import Search

Clock = Literal["processor", "wall"]
Explored = tuple[int, int]
"""States, and the depth; 0: the tool tells none."""

PUBLISHED: dict[int, Explored] = {1: (3_921, 17), 2: (185_369, 25)}
"""MCPaxosTiny and MCPaxosSmall of the TLA+ examples, by their last ballot."""
TIME_LIMIT_S = 600
TLC_FOUND = re.compile(r"^\d+ states generated, (\d+) distinct states found, 0 states left", re.MULTILINE)
TLC_DEPTH = re.compile(r"^The depth of the complete state graph search is (\d+)\.", re.MULTILINE)
RUMUR_FOUND = re.compile(r"^\s*(\d+) states, \d+ rules fired", re.MULTILINE)


class Watch:
    """Seconds of processor, those of child processes that have ended included, and of the clock on the wall."""

    def __init__(self) -> None:
        self.seconds: dict[Clock, float] = {"processor": 0, "wall": 0}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Count what passes within."""
        before = self._now()
        yield
        self.seconds = {clock: now - before[clock] for clock, now in self._now().items()}

    def _now(self) -> dict[Clock, float]:
        ours, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        processor = sum(used.ru_utime + used.ru_stime for used in (ours, children))
        return {"processor": processor, "wall": time.perf_counter()}


def by_paxsim(last: int, watch: Watch) -> Explored:
    """What our own search visits."""
    with watch.running():
        outcome = Search(LamportPaxos(last + 1)).run()
    if not outcome.complete or outcome.found:
        raise RuntimeError("the search is not complete, or has found a violation")
    return outcome.progress.states, outcome.progress.depth


def by_tlc(last: int, watch: Watch) -> Explored:
    """What TLC visits.

    Raises:
        Skipped: Java or TLC is missing.
    """
    try:
        java, jar = find_java(), find_tlc()
    except InputError as error:
        raise Skipped(str(error)) from None
    with TemporaryDirectory(prefix="paxsim-tlc-") as name:
        (Path(name) / "SmallPaxos.tla").write_text(model_text("SmallPaxos.tla"), encoding="ascii")
        config = f"CONSTANT Last = {last}\nINIT Init\nNEXT Next\nINVARIANT Agreement\n"
        (Path(name) / "SmallPaxos.cfg").write_text(config, encoding="ascii")
        words = [java, "-XX:+UseParallelGC", "-cp", str(jar), "tlc2.TLC", "-nowarning", "-workers", "1", "SmallPaxos"]
        with watch.running():
            shown = _shown_by(words, name)
    return _number(TLC_FOUND, shown), _number(TLC_DEPTH, shown)


def by_rumur(last: int, watch: Watch) -> Explored:
    """What the program visits that Rumur and gcc make of the model.

    Raises:
        Skipped: Rumur or gcc is missing.
    """
    rumur, gcc = shutil.which("rumur"), shutil.which("gcc")
    if rumur is None or gcc is None:
        raise Skipped("Rumur is not installed: it needs the programs 'rumur' (Debian's package rumur) and 'gcc'.")
    with TemporaryDirectory(prefix="paxsim-rumur-") as name:
        text = model_text("small_paxos.m").replace("LAST: 2;", f"LAST: {last};")
        (Path(name) / "model.m").write_text(text, encoding="ascii")
        plain = ["--symmetry-reduction", "off", "--deadlock-detection", "off", "--threads", "1"]
        _shown_by([rumur, *plain, "--output", "model.c", "model.m"], name)
        _shown_by([gcc, "-std=c11", "-O3", "-march=native", "-o", "model", "model.c", "-lpthread"], name)
        with watch.running():
            shown = _shown_by([str(Path(name) / "model")], name)
    if "No error found" not in shown:
        raise RuntimeError("Rumur finds an error in the model")
    return _number(RUMUR_FOUND, shown), 0


def model_text(name: str) -> str:
    """The text of a model."""
    return (files("simulator.tools.bench.rivals") / "models" / name).read_text(encoding="ascii")


def _shown_by(words: Sequence[str], folder: str) -> str:
    """What a program prints that ends well."""
    try:
        ended = subprocess.run(
            words,
            cwd=folder,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=TIME_LIMIT_S,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"{Path(words[0]).name} has not ended within {TIME_LIMIT_S} s") from None
    if ended.returncode:
        lines = (ended.stdout + ended.stderr).strip().splitlines() or [f"status {ended.returncode}"]
        why = next((line for line in lines if "error" in line.lower()), lines[-1])
        raise RuntimeError(f"{Path(words[0]).name} failed: {why}")
    return ended.stdout


def _number(pattern: re.Pattern[str], shown: str) -> int:
    found = pattern.search(shown)
    if found is None:
        raise RuntimeError(f"nothing that is printed looks like {pattern.pattern!r}")
    return int(found[1])


CLOCKS: dict[Clock, str] = {"processor": "seconds of processor", "wall": "seconds of the clock"}
TOOLS = {
    "paxsim": ("the search visits", by_paxsim),
    "tlc": ("TLC visits", by_tlc),
    "rumur": ("Rumur visits", by_rumur),
}
_kept: dict[tuple[str, int, Clock], float] = {}
"""The seconds of a run on a clock that was not asked for yet: both figures of a tool are of the same runs."""


def seconds_of(
    explore: Callable[[int, Watch], Explored], clock: Clock, effort: Effort, published: Explored | None = None
) -> Sequence[float]:
    """The seconds of one run on one clock.

    Raises:
        Skipped: the tool is missing.
        RuntimeError: it visits other states than those that are published.
    """
    last = effort.pick(2, 1)
    name = explore.__name__
    if (kept := _kept.pop((name, last, clock), None)) is not None:
        return [kept]
    watch, (states, depth) = Watch(), published or PUBLISHED[last]
    found = explore(last, watch)
    if found not in {(states, depth), (states, 0)}:
        raise RuntimeError(f"{found[0]} states were visited to depth {found[1]}, not {states} to depth {depth}")
    for other, seconds in watch.seconds.items():
        _kept[name, last, other] = seconds
    return [_kept.pop((name, last, clock))]


CASES = [
    Case(
        name=f"prove/seconds/{tool}/{clock}",
        story=f"{title} all states of a published model, {what}",
        unit="s",
        better="lower",
        measure=partial(seconds_of, explore, clock),
        settings={"model": "MCPaxosSmall", "states": PUBLISHED[2][0], "clock": clock, "threads": 1},
    )
    for tool, (title, explore) in TOOLS.items()
    for clock, what in CLOCKS.items()
]
