"""What the other folders say of a chain: a block that no majority can have voted for was never decided.

A node that starts asks the others the same (docs/recovery.md). An other folder holds a block when its chain has it, or
its journal a vote for that value; it denies one when its chain has another block there, or when it has neither and is
known to be whole.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.audit.chain import ChainCheck, digest
from simulator.checks.audit.folder import CHAIN, JOURNAL, Findings
from simulator.checks.audit.journal import Word

LONGEST_JUMP = 1 << 32
"""No round is farther than this above those of the other nodes."""


class FolderAudit:
    """One folder: its findings, its chain and its journal. `whole` is false when votes may be missing in it."""

    def __init__(self, node: int, findings: Findings, chain: ChainCheck, word: Word) -> None:
        self.node = node
        self.findings = findings
        self.chain = chain
        self.word = word
        self.whole = word.whole and not word.lost

    def holds(self, base: int, chain: ChainCheck) -> set[int]:
        """The slots beyond `base` in which this node voted for what `chain` holds."""
        return {
            slot
            for slot, (_, text) in self.word.votes.items()
            if base < slot <= chain.sound and digest(text) == chain.values[slot - 1]
        }


def judge_promises(folders: Sequence[FolderAudit], size: int) -> None:
    """Report each promise that no cluster can have reached while the others stand where they do."""
    for one in folders:
        others = [other.word.round for other in folders if other is not one and other.whole]
        if len(others) >= min(size // 2 + 1, size - 1) and one.word.round - max(others) > LONGEST_JUMP:
            what = f"it promises a ballot of round {one.word.round}, and no other node is farther than {max(others)}"
            one.findings.problem(JOURNAL, 0, what)


def judge_chains(folders: Sequence[FolderAudit], size: int) -> None:
    """Report each chain of which a block was never decided, in a cluster of `size` nodes."""
    for one in folders:
        words = [(other.node, *_word(other, one.chain)) for other in folders if other is not one]
        points = {1, one.chain.sound}
        for _, base, held, unknown in words:
            points |= {base + 1, unknown + 1, *held, *(slot + 1 for slot in held)}
        for slot in sorted(slot for slot in points if 0 < slot <= one.chain.sound):
            deniers = [node for node, base, held, unknown in words if slot > max(base, unknown) and slot not in held]
            holders = 1 + sum(slot <= base or slot in held for _, base, held, _ in words)
            if size - len(deniers) <= size // 2 and len(deniers) > holders:
                names = ", ".join(map(str, deniers))
                what = f"nodes {names} have neither this block nor a vote for it, so it was never decided"
                one.findings.problem(CHAIN, slot, what)
                one.findings.problem(JOURNAL, 0, f"it says that block {slot} was decided, and it was not")
                break


def _word(other: FolderAudit, chain: ChainCheck) -> tuple[int, set[int], int]:
    """The blocks up to the first number, and those in the set, are held; up to the second one nothing is known."""
    base = min(chain.sound, other.chain.sound)
    parting = chain.parts_from(other.chain)
    if parting and parting <= base:
        return 0, set(), 0
    held = other.holds(base, chain)
    return base, held, max(other.word.marks, default=0) if other.whole else chain.sound
