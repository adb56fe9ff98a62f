"""The face of `paxsim`: help, exit statuses, one sentence for every mistake, options from three places."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from simulator import __version__
from simulator.cli import failures
from simulator.cli.group import LabCommand, LabGroup
from simulator.cli.main import main
from simulator.cli.output import Output, printable
from simulator.cli.program import paxsim
from simulator.settings import Settings

COMMANDS = sorted(paxsim.commands)
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the person who runs the tests leaks in, and none set by a command leaks out."""
    for name in os.environ:
        if name.startswith("PAXSIM_"):
            monkeypatch.delenv(name)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)


@pytest.fixture
def settings_seen(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings with which a lab or console would have been opened."""
    seen: list[Settings] = []

    def remember(settings: Settings, **_: str) -> int:
        seen.append(settings)
        return 0

    monkeypatch.setattr("simulator.screens.console.main.run_console", remember)
    return seen


@pytest.mark.parametrize("flag", ["-h", "--help"])
@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_command_has_help_with_two_examples(command: str, flag: str, capsys: Captured) -> None:
    """Help is a result: it goes to stdout, with status 0."""
    status = main([*command.split(), flag])

    shown = capsys.readouterr()
    assert status == failures.OK
    assert shown.err == ""
    assert "Examples:" in shown.out
    assert len(re.findall(r"^  # ", shown.out, re.MULTILINE)) >= 2


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_example_in_a_help_is_understood(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An example that the parser refuses would be worse than none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    found = paxsim.commands[command] if command else paxsim
    assert isinstance(found, LabCommand | LabGroup)

    for line, _purpose in found.examples:
        for words in paxsim_calls(line):
            with paxsim.make_context("paxsim", list(words)) as ctx:
                rest = [*ctx._protected_args, *ctx.args]
                if rest:
                    _name, sub_command, arguments = paxsim.resolve_command(ctx, rest)
                    assert sub_command is not None
                    sub_command.make_context(sub_command.name, arguments, parent=ctx)


def paxsim_calls(line: str) -> list[list[str]]:
    """The arguments of each `paxsim` in a shell line, up to the pipe or redirection behind it."""
    line = line.replace("$(", " ").replace(')"', " ").replace('"', "")
    lexer = shlex.shlex(line, posix=True, punctuation_chars="|;<>&")
    lexer.whitespace_split = True
    calls: list[list[str]] = []
    inside = False
    for word in lexer:
        if word == "paxsim":
            calls.append([])
            inside = True
        elif set(word) <= set("|;<>&"):
            inside = False
        elif inside:
            calls[-1].append(word)
    return calls


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("chek x", "there is no command 'chek': did you mean 'check'?"),
        ("zzzzzz", "there is no command 'zzzzzz'."),
        ("check --modle blog x", "there is no option '--modle': did you mean '--model'?"),
        ("console --nodes 0", "'--nodes': 0 is out of range: write a whole number from 1 to 9"),
        ("console --nodes five", "'--nodes': 'five' is not a number: write a whole number from 1 to 9"),
        ("check --time-limit 10 x", "write 10ms, 10s or 10m"),
        ("check --init {x x", 'write 0, null or "text" in quotes'),
        ("check", "missing argument 'FILE...'"),
        ("verify /no/such/place", "'/no/such/place' does not exist"),
        ("--nodes 3 check x", "'check' has no option '--nodes'"),
        ("console --nodes", "'--nodes' requires an argument"),
        ("completion tcsh", "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
    ],
)
def test_bad_usage_is_one_sentence_and_status_2(line: str, sentence: str, capsys: Captured) -> None:
    """It says what is wrong, where, and what would be right; nothing reaches stdout."""
    status = main(line.split())

    shown = capsys.readouterr()
    assert status == failures.BAD_INPUT
    assert shown.out == ""
    assert sentence.lower() in shown.err.lower()
    assert shown.err.startswith("paxsim: ")
    assert shown.err.count("\n") == 1


def test_a_bug_of_ours_leaves_its_trace_in_a_file(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Status 3, one sentence, and a file that holds the trace and the command."""

    def broken(_settings: Settings, **_: str) -> int:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("simulator.screens.console.main.run_console", broken)

    status = main(["console", "--seed", "7"])

    shown = capsys.readouterr().err
    name = re.search(r"its trace is in (.*)\.\n$", shown)
    assert status == failures.OUR_BUG
    assert shown.count("\n") == 1
    assert name is not None
    report = Path(name[1])
    text = report.read_text(encoding="utf-8")
    report.unlink()
    assert "Traceback" in text
    assert "paxsim console --seed 7" in text


def test_an_interrupt_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Ctrl-C is no error of anyone."""

    def interrupted(_settings: Settings, **_: str) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("simulator.screens.console.main.run_console", interrupted)

    assert main(["console"]) == failures.INTERRUPTED
    assert capsys.readouterr().err == "paxsim: interrupted.\n"


def test_without_a_terminal_the_lab_is_the_console(settings_seen: list[Settings]) -> None:
    """Pytest's stdin is no terminal, so the bare command must not try to open a screen."""
    assert main(["--nodes", "3"]) == 0

    assert settings_seen == [Settings(nodes=3)]


def test_an_option_comes_from_four_places(settings_seen: list[Settings], monkeypatch: pytest.MonkeyPatch) -> None:
    """After the command, before it, the command's own variable, everyone's variable: the nearest wins."""
    monkeypatch.setenv("PAXSIM_SEED", "1")
    main(["console"])
    monkeypatch.setenv("PAXSIM_CONSOLE_SEED", "2")
    main(["console"])
    main(["--seed", "3", "console"])
    main(["--seed", "3", "console", "--seed", "4"])

    assert [settings.seed for settings in settings_seen] == [1, 2, 3, 4]


def test_every_cluster_option_reaches_the_cluster(settings_seen: list[Settings], tmp_path: Path) -> None:
    """An option that is parsed and not honoured would be a lie."""
    line = "console --nodes 7 --fresh --seed 9 --difficulty 3 --ops-per-block 64 --window 5 --sync flush --data"

    main([*line.split(), str(tmp_path)])

    assert settings_seen == [
        Settings(
            nodes=7, data=str(tmp_path), fresh=True, seed=9, difficulty=3, ops_per_block=64, window=5, sync="flush"
        )
    ]


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Else a person would look for the mistake in a command line that has none."""
    monkeypatch.setenv("PAXSIM_NODES", "many")

    assert main(["console"]) == failures.BAD_INPUT
    assert "the variable 'PAXSIM_NODES'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("choice", "expected"), [("always", ("1", None)), ("never", (None, "1")), ("auto", (None, None))]
)
@pytest.mark.usefixtures("settings_seen")
def test_color_is_chosen_for_every_library_at_once(choice: str, expected: tuple[str | None, str | None]) -> None:
    """Rich, Textual and prompt_toolkit read the same two variables."""
    main(["console", "--color", choice])

    assert (os.environ.get("FORCE_COLOR"), os.environ.get("NO_COLOR")) == expected


def test_the_version_is_the_package_s(capsys: Captured) -> None:
    """One place holds it."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"paxsim {__version__}\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(shell: str, capsys: Captured) -> None:
    """The script asks this program for words through the variable _PAXSIM_COMPLETE."""
    assert main(["completion", shell]) == 0
    assert "_PAXSIM_COMPLETE" in capsys.readouterr().out


def test_the_shell_is_told_our_words() -> None:
    """What the completion script asks, the program answers."""
    question = {**os.environ, "_PAXSIM_COMPLETE": "bash_complete", "COMP_WORDS": "paxsim ver", "COMP_CWORD": "1"}

    answer = subprocess.run(
        [sys.executable, "-m", "simulator"], env=question, capture_output=True, text=True, check=True
    )

    assert answer.stdout == "plain,verify\n"


def test_output_spells_out_terminal_controls(capsys: Captured) -> None:
    """A title with an escape sequence is shown, not obeyed; letters of any script are left alone."""
    assert printable("a\x1b[31mb é\n漢\x07") == "a␛[31mb é\n漢␇"

    Output().table([("short", "x"), ("a longer name", "\x1b[2J")])

    assert capsys.readouterr().out == "short          x\na longer name  ␛[2J\n"


def test_json_output_is_one_document(capsys: Captured) -> None:
    """Any tool can read it without knowing where it ends."""
    Output().json([{"a": 1}, {"b": "é"}])

    assert json.loads(capsys.readouterr().out) == [{"a": 1}, {"b": "é"}]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    """`paxsim ... | head` ends quietly."""
    script = f"{sys.executable} -m simulator --help | true; exit ${{PIPESTATUS[0]}}"

    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")


def test_no_option_is_both_a_flag_of_click_and_ours() -> None:
    """Every option of every command understands PAXSIM_ variables, since all are of one class."""
    for command in (paxsim, *paxsim.commands.values()):
        plain = [option for option in command.params if type(option) is click.Option and option.name != "version"]
        assert not plain, command.name
