"""The pages are true: every command is documented, and every link, path and command that a page shows exists."""

from __future__ import annotations

import re
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path
from textwrap import dedent

import pytest

from simulator import __version__
from simulator.cli.program import paxsim
from simulator.settings import Settings
from simulator.worlds.processes.preflight import prepare_directories
from tests.simulator.cli.test_command_line import paxsim_calls

HOUSE = Path(__file__).parent.parent
PAGES = sorted([*HOUSE.glob("*.md"), HOUSE / "data" / "README.md", *HOUSE.glob("docs/**/*.md")])
README = (HOUSE / "README.md").read_text(encoding="utf-8")
SHELL = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OUR_PATH = re.compile(r"`((?:\.ci|\.github|blog|chain|docs|paxos|simulator|tests)/[\w/.*-]*)`")
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")


def test_the_readme_opens_with_the_lab_and_the_tests() -> None:
    """Its first two commands do all the set-up: one ends with the lab running, one runs the default tests."""
    first, second = SHELL.findall(README)[:2]

    assert first.startswith("python3 -m venv .venv && ")
    assert first.endswith("&& .venv/bin/paxsim\n")
    assert second.startswith("python3 -m venv .venv && ")
    assert "python -m pytest" in second
    assert first.count("\n") == second.count("\n") == 1


def test_ci_runs_exactly_the_readme_s_second_command() -> None:
    """CI runs the README's second command word for word."""
    second = SHELL.findall(README)[1].strip()

    assert second in (HOUSE / ".ci" / "run").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "check", ["ruff format --check .", "ruff check .", "mypy --strict", "python -m pytest -n auto"]
)
def test_make_and_ci_check_the_same(check: str) -> None:
    """A change that passes `make check` passes everywhere."""
    assert check in (HOUSE / "Makefile").read_text(encoding="utf-8")
    assert check in (HOUSE / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readme_lists_every_command_and_no_other() -> None:
    """The table of commands is the command line's own."""
    listed = re.findall(r"^\| `paxsim ?([a-z]*)[^`]*` \|", README, re.MULTILINE)

    assert listed == ["", *paxsim.commands]


def test_every_command_shown_in_a_page_is_understood() -> None:
    """Every `paxsim` in a shell block names a command that exists and options that it has."""
    for page in PAGES:
        for block in SHELL.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                for words in paxsim_calls(line.replace(".venv/bin/paxsim", "paxsim")):
                    understand(words, f"{page.name}: {line}")


def understand(words: list[str], where: str) -> None:
    """Fail if these arguments of `paxsim` hold an unknown command or option."""
    commands = [word for word in words if not word.startswith("-") and word in paxsim.commands]
    command = paxsim.commands[commands[0]] if commands else paxsim
    assert commands or not words or words[0].startswith("-"), where
    known = {"-h", "--help", *(flag for option in command.params for flag in option.opts)}
    used = {word.split("=")[0] for word in words if word.startswith("-") and len(word) > 1}
    assert used <= known, where


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_link_leads_somewhere(page: Path) -> None:
    """The target of every link exists."""
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


def test_the_list_of_decisions_is_complete() -> None:
    """Each page has a row, each row its page, and the numbers have no gap."""
    folder = HOUSE / "docs" / "decisions"
    pages = sorted(path.name for path in folder.glob("[0-9]*.md"))

    listed = re.findall(
        r"^\| \[\d{4}\]\(([^)]+)\) \|", (folder / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert listed == pages
    assert [int(name[:4]) for name in pages] == list(range(1, len(pages) + 1))


def test_every_library_that_is_installed_has_its_reason() -> None:
    """No dependency without a decision."""
    setup = ConfigParser()
    setup.read(HOUSE / "setup.cfg", encoding="utf-8")
    required = re.findall(r"^[a-z_-]+", setup["options"]["install_requires"], re.MULTILINE)
    pages = " ".join(path.read_text(encoding="utf-8").lower() for path in HOUSE.glob("docs/decisions/0*.md"))

    assert len(required) == 6
    assert not [name for name in required if name not in pages]


def test_the_changelog_names_this_version() -> None:
    """The first version below the part for unreleased changes is the one that is built."""
    headings = re.findall(r"^## (\S+)", (HOUSE / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert headings[:2] == ["Unreleased", __version__]


def test_the_workflow_tries_every_version_that_is_claimed() -> None:
    """Each Python version in the classifiers has its run of `.ci/run`."""
    setup = ConfigParser()
    setup.read(HOUSE / "setup.cfg", encoding="utf-8")
    claimed = re.findall(r":: (3\.\d+)$", setup["metadata"]["classifiers"], re.MULTILINE)
    workflow = (HOUSE / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8")

    matrix = re.search(r"python: \[(.*)\]", workflow)

    assert matrix is not None
    assert re.findall(r'"([^"]+)"', matrix[1]) == claimed
    assert "- run: .ci/run\n" in workflow


def test_the_hooks_run_what_make_check_runs() -> None:
    """`check` in the Makefile and the hooks of pre-commit name the same targets."""
    check = re.search(r"^check: (.*)$", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    hooks = re.findall(
        r"entry: make (\w+)$", (HOUSE / ".pre-commit-config.yaml").read_text(encoding="utf-8"), re.MULTILINE
    )

    assert check is not None
    assert hooks == check[1].split()


def test_contributing_explains_every_target_of_make() -> None:
    """Each target of the Makefile has its row, and each row its target."""
    targets = re.search(r"^\.PHONY: (.*)$", (HOUSE / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    rows = re.findall(r"^\| `make (\w+)`", (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE)

    assert targets is not None
    assert sorted(rows) == sorted(targets[1].split())


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(HOUSE)))
def test_every_path_in_a_page_exists(page: Path) -> None:
    """Every path in backticks that begins with a folder of ours leads to a file or a folder."""
    for path in OUR_PATH.findall(page.read_text(encoding="utf-8")):
        assert list(HOUSE.glob(path)), path


@pytest.mark.parametrize("page", ["CONTRIBUTING.md", "docs/architecture.md"])
def test_a_map_names_places(page: str) -> None:
    """The two pages that guide through the code name many files, so that the test above checks something."""
    assert len(OUR_PATH.findall((HOUSE / page).read_text(encoding="utf-8"))) > 20


def test_the_python_of_contributing_runs() -> None:
    """What the page has people paste prints a schedule as Python."""
    (program,) = re.findall(
        r"^ *```python\n(.*?)^ *```$", (HOUSE / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL
    )

    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], cwd=HOUSE, capture_output=True, text=True, check=True
    )

    assert "break_rule='small-accept-quorum'" in done.stdout


@pytest.mark.parametrize("fresh", [False, True])
def test_a_start_leaves_the_page_in_the_data_directory(tmp_path: Path, *, fresh: bool) -> None:
    """`--fresh` deletes the folders of nodes and nothing else; without it nothing is deleted."""
    page = tmp_path / "README.md"
    page.write_text("kept", encoding="utf-8")
    (tmp_path / "node-1").mkdir()

    prepare_directories(Settings(data=str(tmp_path), fresh=fresh))

    assert page.read_text(encoding="utf-8") == "kept"
    assert (tmp_path / "node-1").exists() is not fresh


def test_reading_orders_name_modules_that_exist() -> None:
    """The names behind "Reading order:" in the docstring of a package are its modules and folders."""
    for package in (path for room in ("blog", "chain", "paxos", "simulator") for path in HOUSE.glob(f"{room}/**/")):
        text = (package / "__init__.py").read_text(encoding="utf-8") if (package / "__init__.py").exists() else ""
        order = re.search(r"Reading order:(.*?)(\n\n|\"\"\")", text, re.DOTALL)
        for name in re.findall(r"`(\w+)`", order[1]) if order else ():
            assert (package / name).is_dir() or (package / f"{name}.py").exists(), f"{package}: {name}"
