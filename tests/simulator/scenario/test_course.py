"""docs/course.md works as printed: every command and every session in it is carried out."""

from __future__ import annotations

import io
import re
import shlex
from pathlib import Path

import pytest

from simulator.cli.program import run_program
from simulator.scenario.session.library import builtin_names
from simulator.screens.console.main import run_console
from simulator.settings import Settings

COURSE = (Path(__file__).parents[3] / "docs" / "course.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```(?P<kind>sh|paxsim)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
COMMANDS = [line for found in BLOCK.finditer(COURSE) if found["kind"] == "sh" for line in found["text"].splitlines()]
SESSIONS = [found["text"] for found in BLOCK.finditer(COURSE) if found["kind"] == "paxsim"]


def run_command(command: str, *, world: str | None = None) -> int:
    """Carry out a `paxsim …` line; `world` unless it names one."""
    words = shlex.split(command)
    assert words[0] == "paxsim"
    moved = ["--world", world] if world and words[1] == "run" and "--world" not in words else []
    return run_program([*words[1:], *moved])


def run_session(text: str, *, world: str, data: Path) -> tuple[int, str, str]:
    """Type a session; returns status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    status = run_console(Settings(data=str(data)), stdin=io.StringIO(text), stdout=out, stderr=err, world=world)
    return status, out.getvalue(), err.getvalue()


def test_the_course_leads_through_all_scenarios_in_order() -> None:
    """A lesson that nobody is led to teaches nobody."""
    named = re.findall(r"^paxsim run ([a-z-]+)$", COURSE, re.MULTILINE)

    assert named == builtin_names()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_course_works(command: str) -> None:
    """In virtual time, which takes a moment; the slow tests take the hour that it says."""
    assert run_command(command, world="virtual") == 0


@pytest.mark.parametrize("text", SESSIONS, ids=range(1, len(SESSIONS) + 1))
def test_every_session_of_the_course_works(text: str, tmp_path: Path) -> None:
    """Each as if typed into a fresh lab: no mistake, no failed expectation."""
    assert run_session(text, world="virtual", data=tmp_path)[::2] == (0, "")


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_course_works_as_printed(command: str) -> None:
    """On real processes."""
    assert run_command(command) == 0


@pytest.mark.slow
@pytest.mark.parametrize("text", SESSIONS, ids=range(1, len(SESSIONS) + 1))
def test_every_session_of_the_course_works_on_real_processes(text: str, tmp_path: Path) -> None:
    """On five of them."""
    assert run_session(text, world="processes", data=tmp_path)[::2] == (0, "")
