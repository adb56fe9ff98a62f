"""Scenarios, histories, traces and arguments of a stranger: whatever comes, there is a sentence and a known status."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from simulator.cli.program import run_program
from tests.simulator.cli import hostile

FEW, MANY = 12, 1_500


@pytest.fixture(scope="module")
def sound_trace(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The lines of a trace that nobody has touched."""
    path = tmp_path_factory.mktemp("trace") / "sound.jsonl"
    run_program(["run", "a-promise-forgotten", "--world", "virtual", "-q", "--trace", str(path)])
    return path.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current directory, in a home that does not exist."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    for name in ("NO_COLOR", "FORCE_COLOR"):  # --color sets them for the whole process.
        monkeypatch.setenv(name, "")
    return tmp_path / "here"


def judge(words: list[str], seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Run a command; it must end with a documented status, and say why if it is not 0."""
    status = run_program(words)
    out, complaint = capsys.readouterr()

    assert status in {0, 1, 2}, (seed, words, complaint)
    assert "Traceback" not in complaint, (seed, words)
    assert status == 0 or out.strip() or complaint.strip(), (seed, words)


def try_hostile(kind: str, seed: int, sound: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """One input of this kind, in the current directory."""
    dice = Random(f"{kind} {seed}")
    file = Path("input")
    words = ["check", "input", "--time-limit", "2s"]
    match kind:
        case "scenario":
            file.write_bytes(hostile.scenario(dice))
            words = ["run", "input", "--world", "virtual", "--seed", str(seed)]
        case "history":
            file.write_bytes(hostile.history(dice))
            words += dice.choice([[], ["--model", "register"], ["--json"], ["--model", "set"]])
        case "trace":
            file.write_bytes(hostile.trace(dice, sound))
        case _:
            words = hostile.arguments(dice, Path())
    judge(words, seed, capsys)


KINDS = ("scenario", "history", "trace", "arguments")


@pytest.mark.parametrize("kind", KINDS)
def test_hostile_inputs_end_with_a_sentence(
    kind: str, sound_trace: list[str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And nothing is written outside of the current directory."""
    for seed in range(FEW):
        try_hostile(kind, seed, sound_trace, capsys)

    assert list(here.parent.iterdir()) == [here]


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_many_hostile_inputs_end_with_a_sentence(
    kind: str,
    sound_trace: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The same with more of them."""
    monkeypatch.chdir(tmp_path)

    for seed in range(FEW, MANY):
        try_hostile(kind, seed, sound_trace, capsys)
