"""What the lines of a session may read and write: a scenario from a stranger can only play."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.files.places import ForeignFile
from simulator.scenario.language.parser import parse_line
from simulator.scenario.session import interpreter
from simulator.scenario.session.interpreter import Interpreter
from simulator.screens.console.live import LineConsole
from tests.simulator.scenario.fake import FakeCluster
from tests.simulator.scenario.session.telling import Notebook, Story

TRACE = '{"trace":2,"world":"virtual","seed":0,"settings":{}}\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, with a home and other people's files outside of it."""
    (tmp_path / "here" / "below").mkdir(parents=True)
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return tmp_path / "here"


class ScenarioFile(Story):
    """A session whose lines are those of a scenario file."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = Interpreter(self.session, from_file=True)
        self.cluster.trace_lines = lambda: iter([TRACE.strip()])  # type: ignore[method-assign]


@pytest.mark.parametrize("verb", ["save", "trace"])
def test_a_scenario_writes_below_the_current_directory(here: Path, verb: str) -> None:
    """And again over what it has written."""
    story = ScenarioFile()

    story.tell("post alice Hello x", f"{verb} out.txt", f"{verb} below/out.txt", f"{verb} out.txt", f"{verb} out.gz")
    story.tell(f"{verb} out.gz")

    assert (here / "out.txt").read_bytes() == (here / "below" / "out.txt").read_bytes()
    assert gzip.decompress((here / "out.gz").read_bytes()).startswith(b"set world" if verb == "save" else b'{"trace"')


@pytest.mark.parametrize("verb", ["save", "trace", "run"])
@pytest.mark.parametrize(
    "name",
    [
        "~/.bashrc",
        "~root/x",
        "~nobody-of-this-name/x",
        "../up.txt",
        "below/../../up.txt",
        "{home}/.bashrc",
        "{home}/new",
        ".hidden",
        ".git/hooks/pre-commit",
        "link",
        "away/up.txt",
        "dangling",
    ],
)
def test_a_scenario_reaches_nothing_else(here: Path, verb: str, name: str) -> None:
    """Not the home, not what is above, and nothing through a link: nothing is written or made, and why is told."""
    home = here.parent / "home"
    (home / ".bashrc").write_text("mine\n")
    (here.parent / "up.txt").write_text("mine\n")
    (here / ".hidden").write_text("mine\n")
    (here / "link").symlink_to(home / ".bashrc")
    (here / "away").symlink_to(here.parent)
    (here / "dangling").symlink_to(home / "new")
    before = {path: path.read_text() for path in here.parent.rglob("*") if path.is_file()}

    with pytest.raises(InputError, match="'"):
        ScenarioFile().tell(f"{verb} '{name.format(home=home)}'")

    assert {path: path.read_text() for path in here.parent.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("verb", ["save", "trace"])
@pytest.mark.parametrize("content", ["", "my notes\n", "set world virtual\nset nodes 5\n", "post a b c\n"])
def test_a_scenario_replaces_no_foreign_file(here: Path, verb: str, content: str) -> None:
    """What the command itself writes is known by its content, not by its name."""
    (here / "story.paxsim").write_text(content)

    with pytest.raises(InputError, match="exists and is not a"):
        ScenarioFile().tell(f"{verb} story.paxsim")

    assert (here / "story.paxsim").read_text() == content


def test_a_saved_session_is_no_trace() -> None:
    """Each command replaces its own kind alone."""
    story = ScenarioFile()
    story.tell("save a", "trace b")

    for line in ("trace a", "save b"):
        with pytest.raises(InputError, match="exists and is not a"):
            story.tell(line)


def test_a_scenario_writes_to_no_pipe_and_no_device(here: Path) -> None:
    """A pipe without a reader would hold it for ever."""
    os.mkfifo(here / "pipe")

    for line in ("save pipe", "trace pipe", "run pipe", "save below"):
        with pytest.raises(InputError, match=r"a pipe|a directory"):
            ScenarioFile().tell(line)
    with pytest.raises(InputError, match="nothing reads from it"):
        Story().tell(f"save '{here / 'pipe'}'")


def test_the_lines_of_a_file_that_a_person_runs_are_those_of_a_file(here: Path) -> None:
    """The person may name any file to run; that file may not."""
    outside = here.parent / "outside.paxsim"
    outside.write_text("post alice Hello x\nsave ../up.txt\n")

    with pytest.raises(InputError, match="out of its reach"):
        Story().tell(f"run '{outside}'")

    assert not (here.parent / "up.txt").exists()


def test_a_person_writes_anywhere_and_is_asked_before_a_foreign_file_goes(here: Path) -> None:
    """`yes` replaces it; `no`, or any other line, leaves it."""
    notes = here.parent / "home" / "notes"
    notes.write_text("mine\n")
    notebook = Notebook()
    console = LineConsole(FakeCluster(), notebook)

    console.run("post alice Hello x")
    console.run("save ~/notes")
    assert "exists and is not a saved session" in notebook.lines[-1]
    assert notebook.lines[-1].endswith("yes or no")
    console.run("no")
    console.run("save ~/notes")
    console.run("status")
    console.run("yes")
    assert notebook.lines[-1].startswith("column 1: there is no command 'yes'")
    assert notes.read_text() == "mine\n"

    console.run("save ~/notes")
    console.run(" YES ")

    assert notes.read_text().endswith("post alice Hello x\nstatus\n")
    console.run("save ~/notes")
    assert notebook.lines[-1] == "saved 2 commands in ~/notes"


def test_a_person_in_a_pipe_is_refused(here: Path) -> None:
    """Nobody can answer there: the line fails, and the file stays."""
    (here / "notes").write_text("mine\n")

    with pytest.raises(ForeignFile, match="exists and is not a saved session"):
        Story().tell("save notes")

    assert (here / "notes").read_text() == "mine\n"


def test_what_cannot_be_written_is_told(here: Path) -> None:
    """A full device, a folder that is missing, a user who does not exist. Nothing is left behind."""
    for name, why in (
        ("/dev/full", "No space left"),
        ("none/x", "No such file"),
        ("~nobody-of-this-name", "does not exist"),
        ("x" * 300, "too long"),
    ):
        with pytest.raises(InputError, match=why):
            Story().tell("post alice Hello x", f"save '{name}'")

    assert [path.name for path in here.iterdir()] == ["below"]


def test_files_that_run_one_another_end(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten files that each run the next one ten times would carry out ten thousand million lines."""
    monkeypatch.setattr(interpreter, "MAX_RUN_ROWS", 100)
    for number in range(6):
        (here / f"{number}").write_text(f"run {number + 1}\n" * 10)
    (here / "6").write_text("help\n")
    (here / "long").write_text("#" * 20_000 + "\nhelp\n")

    for line in ("run 0", "run long"):
        with pytest.raises(InputError, match="'run' has taken 100 lines from files already"):
            ScenarioFile().tell(line)


def test_a_persons_lines_have_the_bound_each_for_itself(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs a short file a thousand times does so."""
    monkeypatch.setattr(interpreter, "MAX_RUN_ROWS", 10)
    (here / "short").write_text("help\n" * 4)
    story = Story()

    for _ in range(20):
        story.tell("run short")

    assert parse_line("run short") is not None
