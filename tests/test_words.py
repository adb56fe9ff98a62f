"""Retired words stay retired: code, tests, pages and scenarios use the terms of docs/glossary.md.

Searched are the file names, identifiers, comments and docstrings of all Python files, the pages, and the comments of
the scenarios. Other strings are not searched: the texts of screens, traces and files are an interface.
`python -m tests.test_words [PATH]` prints what is found, and counts it by room.
"""

from __future__ import annotations

import ast
import io
import re
import sys
import tokenize
from collections import Counter
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

HOUSE = Path(__file__).parent.parent
GLOSSARY = (HOUSE / "docs" / "glossary.md").read_text(encoding="utf-8")

EVERYWHERE = {
    r"ledgers?": "state machine",
    r"desks?": "pending requests",
    r"couriers?": "request forwarder",
    r"patien(ce|t|tly)": "timeouts",
    r"canvass(e[ds]|ing)?": "pre-vote",
    r"(un)?willing(ly|ness)?": "would grant",
    r"vouch(e[ds]|ing)?": "durable send, prefix decided at this ballot",
    r"(take|takes|took|taking|taken) (their |its )?leave|left by|leave taking": "announce step-down",
    r"depos(e[ds]?|ing)": "step down",
    r"misfortunes?": "fault, nemesis",
    r"struck|strik(es?|ing)|blows?": "inject, scheduled fault",
    r"suffer(s|ed|ing)?": "inject, scheduled fault",
    r"weathers?": "link conditions",
    r"calm(s|ed|er|ly)?": "clear",
    r"peace(s|ful|fully)?": "liveness check, recovery",
    r"ordeals?": "trial",
    r"ambush(e[ds])?|sprung": "triggered fault, fired",
    r"onlookers?|bystanders?|deaf": "observer list, null observer",
    r"witness(e[ds])?": "probe",
    r"tapes?|taped|taps?|tapped": "recording, message log",
    r"happenings": "event",
    r"befall(s|en|ing)?|befell": "dispatch, handle",
    r"(a|an|its|this|that|one|each|every|earlier|later|former|new|second|first|last) life": "incarnation",
    r"(two|earlier|later|former|new|many) lives": "incarnation",
    r"bury|bur(ies|ied|ying)|born|farewells?": "reap, spawn, shutdown grace",
    r"errands?|bells?": "call soon, self-pipe",
    r"(keeps?|kept|keeping|in) company": "coalesce",
    r"(un)?hurr(y|ies|ied|iedly|ying)": "flush deferred, deferrable",
    r"lonel(y|iness)": "without majority",
    r"truths?": "oracle",
    r"tellers?|scribes?": "narrator, trace writer",
    r"fores(ee|ees|een|aw|eeing)": "premine",
    r"moods?": "fault mode",
    r"portraits?": "status",
    r"bid(s|ding|der)?": "campaign, ballot",
}  # fmt: skip
"""Words that are terms wherever they stand, in prose and as a part of an identifier, and what to write instead."""

IN_NAMES = {
    r"pictures?": "status",
    r"happening": "event",
    r"occur(s|red)?": "dispatch, handle",
    r"lives": "incarnation",
    r"whom": "node selector",
    r"knowing": "learner rules",
    r"say|says|said|saying|told": "output",
    r"stages?|staged": "output",
}
"""Words that are ordinary English in a sentence and private terms as a part of an identifier.

The name of a test is a sentence, and is judged as one.
"""

ALLOWED: tuple[tuple[str, str, str], ...] = (
    ("tests/test_words.py", "*", "the list itself"),
    ("docs/glossary.md", "ledger", "the word of the chain's field"),
    ("docs/glossary.md", "witness", "linearizability's own term"),
    ("simulator/scenario/language/commands_faults.py", "canvass*", "`deliver` still understands the old word"),
    ("tests/simulator/scenario/language/test_parser.py", "canvass*", "the same"),
    ("docs/trace.md", "canvass*", "what the messages were called in version 1"),
    ("CHANGELOG.md", "canvass*", "the same"),
    ("*linearizability*", "witness*", "linearizability's own term: an order that explains a history"),
    ("docs/performance.md", "witness*", "the same"),
    ("simulator/checks/decided_order.py", "witness*", "the same"),
    ("simulator/checks/history_generator.py", "witness*", "the same"),
    ("simulator/checks/node_files.py", "witness*", "the same"),
    ("simulator/tools/bench/checkers.py", "witness*", "the same"),
    ("tests/histories/README.md", "witness*", "the same"),
    ("docs/console.md", "weather", "a heading of the help, which is an interface"),
    ("*", "deposes", "in the name of a mutant, `stale-reject-deposes`, which is an interface"),
    ("*", "says", "in the name of a mutant, `timeout-says-failed`"),
    ("simulator/views/network.py", "calm", "`net calm` is a word of the command line"),
    ("simulator/worlds/virtual/history_check.py", "witness", "linearizability's own term"),
    ("docs/mutants.md", "depos*", "names of mutants, which are an interface"),
    ("docs/trace.md", "struck", "a tag of the trace, which is an interface"),
    ("tests/properties/*", "stage*", "faults staged one after the other, not a session's output"),
)
"""Where a retired word may stand: the path and the word as globs, and the reason."""


class Finding(NamedTuple):
    """A retired word, where it stands, and what to write instead."""

    path: str
    line: int
    word: str
    instead: str


def compiled(words: dict[str, str]) -> tuple[re.Pattern[str], list[str]]:
    """One pattern with a group a word, and what each group becomes."""
    bare = [re.sub(r"\((?!\?)", "(?:", word) for word in words]
    return re.compile(rf"\b(?:{'|'.join(f'({word})' for word in bare)})\b", re.IGNORECASE), list(words.values())


PROSE = compiled(EVERYWHERE)
NAMES = compiled(EVERYWHERE | IN_NAMES)
PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def all_files() -> list[Path]:
    """Every Python file, page and scenario of the project."""
    folders = ("blog", "chain", "paxos", "simulator", "tests", "docs", "data", ".github")
    inside = [path for folder in folders for path in (HOUSE / folder).rglob("*")]
    kinds = {".py", ".md", ".paxsim", ".yml"}
    found = (path for path in [*inside, *HOUSE.glob("*.md")] if "node_modules" not in path.parts)
    return sorted(path for path in found if path.suffix in kinds)


def room_of(path: str) -> str:
    """The part of the project that a path belongs to."""
    parts = Path(path).parts
    depth = {"simulator": 2, "tests": 3 if parts[1:2] == ("simulator",) else 2}.get(parts[0], 1)
    return "/".join(parts[:depth])


def findings(path: Path) -> Iterator[Finding]:
    """Every retired word of one file that is not allowed there."""
    name = str(path.relative_to(HOUSE))
    texts = [(1, words_of(path.stem), NAMES)]
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".py":
        texts += python_texts(text)
    elif path.suffix == ".paxsim":
        texts += [(n, line.partition("#")[2], PROSE) for n, line in enumerate(text.splitlines(), 1) if "#" in line]
    else:
        texts += [(n, line, PROSE) for n, line in enumerate(text.splitlines(), 1)]
    for line, prose, (pattern, instead) in texts:
        for word, number in retired(prose, pattern):
            if not any(fnmatch(name, where) and fnmatch(word, allowed) for where, allowed, _ in ALLOWED):
                yield Finding(name, line, word, instead[number - 1])


@cache
def retired(prose: str, pattern: re.Pattern[str]) -> tuple[tuple[str, int], ...]:
    """The words of the pattern in a text, each with its group. Most texts are names, and come again and again."""
    found = pattern.finditer(prose)
    return tuple((one[0].lower(), one.lastindex) for one in found if one.lastindex is not None)


def python_texts(source: str) -> Iterator[tuple[int, str, tuple[re.Pattern[str], list[str]]]]:
    """The identifiers that a module gives or uses, its docstrings and its comments, each with its line."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Expr(value=ast.Constant(value=str(text))):
                yield from ((node.lineno + n, line, PROSE) for n, line in enumerate(text.splitlines()))
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield node.lineno, words_of(name), NAMES
            case ast.FunctionDef(name=name) if name.startswith("test_"):
                yield node.lineno, words_of(name), PROSE
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield node.lineno, words_of(name), NAMES
            case ast.ImportFrom(module=str(module)):
                yield node.lineno, words_of(module), NAMES
            case ast.alias(name=name, asname=other):
                yield node.lineno, words_of(other or name), NAMES
            case _:
                pass
    for token in tokenize.generate_tokens(io.StringIO(source).readline) if "#" in source else ():
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string, PROSE


@cache
def words_of(name: str) -> str:
    """The parts of an identifier as words: `run_CanvassReply` becomes "run canvass reply"."""
    return " ".join(part.lower() for part in PARTS.findall(name))


def rooms() -> dict[str, list[Path]]:
    """The files of each room."""
    files: dict[str, list[Path]] = {}
    for path in all_files():
        files.setdefault(room_of(str(path.relative_to(HOUSE))), []).append(path)
    return files


def test_every_retired_word_is_noticed() -> None:
    """A word that stands in prose, in a name or as an inflection of another is found, and an ordinary one is not."""
    pattern, _ = PROSE

    assert pattern.search("the courier waits")
    assert pattern.search("It vouches for nothing.")
    assert NAMES[0].search(words_of("PeaceCheck"))
    assert NAMES[0].search(words_of("say_it"))
    assert not pattern.search("Do not say that a bidirectional link is peaceless; the table lives there.")
    assert not NAMES[0].search(words_of("essay_strikeout"))


@pytest.mark.parametrize("terms", sorted({*EVERYWHERE.values(), *IN_NAMES.values()}))
def test_what_to_write_instead_stands_in_the_glossary(terms: str) -> None:
    """Each term that takes the place of a retired word has its row."""
    ours = " ".join(line.split("|")[2] for line in GLOSSARY.splitlines() if line.startswith("| "))

    assert not [term for term in terms.split(", ") if term not in ours]


def test_every_row_of_the_glossary_is_full() -> None:
    """A row has the paper's word, ours, Raft's and the meaning; a dash says that there is no such word."""
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in GLOSSARY.splitlines() if line.startswith("| ")]

    assert len(rows) > 80
    assert {len(row) for row in rows} == {4}
    assert all(all(row) for row in rows)


@pytest.mark.parametrize(("room", "files"), rooms().items(), ids=rooms())
def test_a_room_uses_no_retired_word(room: str, files: list[Path]) -> None:
    """The glossary has one term for one thing, so that a reader learns each thing once."""
    found = [one for path in files for one in findings(path)]
    assert not found, f"{room} uses {found}"


def report(below: str) -> str:
    """What is found below a path, a line a word, then a count by file and by room."""
    found = [one for path in all_files() if str(path.relative_to(HOUSE)).startswith(below) for one in findings(path)]
    lines = [f"{one.path}:{one.line}: {one.word} -> {one.instead}" for one in found] if below else []
    files = Counter(one.path for one in found)
    lines += [f"{number:5} {path}" for path, number in files.most_common()]
    by_room = Counter(room_of(one.path) for one in found)
    lines += ["", *(f"{number:5} {room}" for room, number in by_room.most_common())]
    words = Counter(one.word for one in found)
    lines += ["", " ".join(f"{word} {number}" for word, number in words.most_common())]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.write(report(sys.argv[1] if len(sys.argv) > 1 else "") + "\n")
