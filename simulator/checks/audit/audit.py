"""The audit of a data directory: it checks the files of each node, and that their chains agree."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec

from simulator.checks.audit.chain import NO_HASH, ChainCheck
from simulator.checks.audit.folder import BLOG, CHAIN, CONSEQUENCES, JOURNAL, Findings
from simulator.checks.audit.journal import Votes, check_journal
from simulator.checks.audit.others import FolderAudit, judge_chains, judge_promises
from simulator.checks.audit.record import Record, check_owner, check_past, read_record
from simulator.errors import InputError

_FOLDER = re.compile(r"node-([1-9][0-9]{0,8})")


class NodeReport(msgspec.Struct, frozen=True):
    """The findings in one node's folder. `node` is 0 when the name of the folder does not tell the node.

    `height` and `hash` are those of the last readable block (0 and 64 zeros if there is none). `problems` and
    `warnings` are sentences that begin with the file and the line. A warning is damage that a crash explains and
    a start repairs.
    """

    node: int
    height: int
    hash: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]


class Report(msgspec.Struct, frozen=True):
    """The result of an audit; `ok` when no node has a problem. `paxsim verify --json` prints it."""

    ok: bool
    nodes: tuple[NodeReport, ...]

    def lines(self) -> list[str]:
        """The report as text. It may quote the files, so the code that prints it must make it safe to show."""
        lines = []
        for node in self.nodes:
            lines.append(f"node {node.node}: height {node.height}, hash {node.hash}")
            lines += [f"  problem: {problem}" for problem in node.problems]
            lines += [f"  warning: {warning}" for warning in node.warnings]
        count = sum(len(node.problems) for node in self.nodes)
        lines.append("all files hold" if self.ok else f"{count} problem{'' if count == 1 else 's'} found")
        return lines


def verify_directory(path: Path | str, difficulty: int = 2) -> Report:
    """Audit a data directory with node-N folders, or the folder of one node. No file is changed.

    `difficulty` is the number of zeros with which every block's hash must begin.

    Raises:
        InputError: the directory does not exist, cannot be read, or holds no file of a node.
    """
    folders, record = _folders(Path(path)), read_record(Path(path))
    size = max(len(folders), *(int(node) for node in record.journals if node.isdecimal()), 0)
    missing = _missing(folders, record)
    votes = Votes()
    audits = []
    audited = []
    for node, folder in folders:
        findings = Findings(folder)
        word = check_journal(findings, node, votes)
        check_owner(findings, folder, node, word, record)
        check_past(findings, node, word, record)
        chain = ChainCheck(findings, difficulty, word)
        chain.run()
        if chain.sound < word.relied:
            named = word.marks[word.relied][:12]
            what = f"it relies on block {word.relied} with hash {named}…, which {CHAIN} does not hold"
            findings.problem(JOURNAL, 1, what)
        audits.append((node, findings, chain))
        audited.append(FolderAudit(node, findings, chain, word))
    _compare_clusters([findings for _, findings, _ in audits], record.cluster)
    if len(audited) > 1:
        judge_chains(audited, size)
        judge_promises(audited, size)
    _compare(audits)
    nodes = (
        *(
            NodeReport(node, chain.height, chain.tip, findings.problems(), findings.warnings())
            for node, findings, chain in audits
        ),
        *missing,
    )
    return Report(ok=not any(node.problems for node in nodes), nodes=nodes)


def _folders(directory: Path) -> list[tuple[int, Path]]:
    try:
        if not directory.is_dir():
            what = "is no directory" if directory.exists() else "does not exist"
            raise InputError(f"{str(directory)!r} {what}: name a data directory, or one node's folder in it.")
        found = [
            (int(match[1]), folder)
            for folder in directory.iterdir()
            if (match := _FOLDER.fullmatch(folder.name)) and folder.is_dir()
        ]
        if not found and any((directory / name).exists() for name in (CHAIN, BLOG, JOURNAL)):
            match = _FOLDER.fullmatch(directory.resolve().name)
            found.append((int(match[1]) if match else 0, directory))
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL in it.
        raise InputError(f"{str(directory)!r} cannot be read ({error}).") from None
    if not found:
        raise InputError(f"{str(directory)!r} holds no node-N folder, and none of {CHAIN}, {BLOG} and {JOURNAL}.")
    return sorted(found)


def _missing(folders: list[tuple[int, Path]], record: Record) -> tuple[NodeReport, ...]:
    """The nodes that have run, and whose folders are gone."""
    there = {node for node, _ in folders}
    gone = sorted(int(node) for node in record.journals if node.isdecimal() and int(node) not in there)
    what = f"{JOURNAL}: its whole folder is missing, and the node has run{CONSEQUENCES[JOURNAL]}."
    return tuple(NodeReport(node, 0, NO_HASH, (what,), ()) for node in gone)


def _compare(audits: list[tuple[int, Findings, ChainCheck]]) -> None:
    """Check that of any two chains one is a prefix of the other. The chain with other problems gets the finding."""
    judged: list[tuple[int, ChainCheck]] = []
    for node, findings, chain in sorted(audits, key=lambda audit: (bool(audit[1].problems()), -len(audit[2].marks))):
        partings = ((chain.parts_from(other), rival) for rival, other in judged)
        height, rival = min((parting for parting in partings if parting[0]), default=(0, 0))
        if height:
            findings.problem(CHAIN, height, f"block {height} differs from block {height} of node {rival}", unknown=True)
        judged.append((node, chain))


def _compare_clusters(folders: list[Findings], known: str) -> None:
    """All nodes are of one cluster: that of the record, or else that which most journals name."""
    named = Counter(findings.cluster for findings in folders if findings.cluster)
    ours = known or max(named, key=lambda name: named[name], default="")
    for findings in folders:
        if findings.cluster not in ("", ours):
            what = f"this is a file of cluster {findings.cluster}, and other nodes are of cluster {ours}"
            findings.problem(JOURNAL, 1, what, unknown=True)
