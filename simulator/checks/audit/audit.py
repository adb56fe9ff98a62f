"""The audit of a data directory: it checks the files of each node, and that their chains agree."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import msgspec

from simulator.checks.audit.chain import ChainCheck
from simulator.checks.audit.folder import BLOG, CHAIN, JOURNAL, Findings
from simulator.checks.audit.journal import Votes, check_journal
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
    folders = _folders(Path(path))
    votes = Votes()
    audits = []
    for node, folder in folders:
        findings = Findings(folder)
        word = check_journal(findings, node, votes)
        chain = ChainCheck(findings, difficulty, word)
        chain.run()
        if chain.sound < word.relied:
            named = word.marks[word.relied][:12]
            what = f"it relies on block {word.relied} with hash {named}…, which {CHAIN} does not hold"
            findings.problem(JOURNAL, 1, what)
        audits.append((node, findings, chain))
    _compare_clusters([findings for _, findings, _ in audits])
    _compare(audits)
    nodes = tuple(
        NodeReport(node, chain.height, chain.tip, findings.problems(), findings.warnings())
        for node, findings, chain in audits
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


def _compare(audits: list[tuple[int, Findings, ChainCheck]]) -> None:
    """Check that of any two chains one is a prefix of the other. The chain with other problems gets the finding."""
    judged: list[tuple[int, ChainCheck]] = []
    for node, findings, chain in sorted(audits, key=lambda audit: (bool(audit[1].problems()), -len(audit[2].marks))):
        partings = ((chain.parts_from(other), rival) for rival, other in judged)
        height, rival = min((parting for parting in partings if parting[0]), default=(0, 0))
        if height:
            findings.problem(CHAIN, height, f"block {height} differs from block {height} of node {rival}", unknown=True)
        judged.append((node, chain))


def _compare_clusters(folders: list[Findings]) -> None:
    """All nodes are of one cluster: that which most journals name."""
    named = Counter(findings.cluster for findings in folders if findings.cluster)
    for cluster, _ in named.most_common()[1:]:
        for findings in folders:
            if findings.cluster == cluster:
                what = (
                    f"this is a file of cluster {cluster}, and other nodes are of cluster {named.most_common(1)[0][0]}"
                )
                findings.problem(JOURNAL, 1, what, unknown=True)
