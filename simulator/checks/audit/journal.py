"""Audits paxos.txt: every checksum, the shape of every record, and one value per ballot and slot on all nodes."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from simulator.checks.audit.folder import CHAIN, JOURNAL, Findings, Line
from simulator.checks.audit.operations import operations_of

_OPENING = re.compile(rb"[0-9a-f]{8} \{")
_SHAPE = re.compile(rb"([0-9a-f]{8}) (\{.*\})", re.DOTALL)
_BEGINNING = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?", re.DOTALL)

Whole = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Node = Annotated[int, Meta(ge=1, le=99)]
Slot = Annotated[int, Meta(ge=0, le=100_000_000)]
Ballot = tuple[Annotated[int, Meta(ge=1, le=1 << 40)], Node]
Hash = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: Annotated[int, Meta(ge=1, le=100_000_000)]
    ballot: Ballot
    value: msgspec.Raw


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    journal: Annotated[int, Meta(ge=1)] | None = None
    cluster: str | None = None
    node: Whole | None = None
    written: Whole | None = None
    chain: tuple[Slot, Hash] | None = None
    promise: Ballot | None = None
    opened: Ballot | None = None
    accepted: _Vote | None = None
    lost: Annotated[str, Meta(min_length=1)] | None = None
    era: tuple[Node, Whole, Whole] | None = None
    recovered: tuple[tuple[Annotated[int, Meta(ge=0, le=1 << 40)], Whole], tuple[Whole, ...]] | None = None


_decode = msgspec.json.Decoder(_Record).decode
_FIRST = {"journal", "cluster", "node", "written", "chain"}
_KINDS = [
    _FIRST, {"journal", "chain"}, {"chain"}, {"promise"}, {"opened"}, {"accepted"}, {"lost"}, {"era"}, {"recovered"},
]  # fmt: skip
NEWEST = 2
"""The newest version of a journal. Version 1 named neither cluster nor node."""


class Votes:
    """The first vote at each ballot and slot, over all nodes of an audit."""

    def __init__(self) -> None:
        self._first: dict[tuple[int, Ballot], tuple[int, bytes]] = {}

    def rival(self, node: int, vote: _Vote) -> int:
        """The node that voted for another value at the same ballot and slot; 0 when there is none."""
        mark = sha256(vote.value).digest()
        first, known = self._first.setdefault((vote.slot, vote.ballot), (node, mark))
        return 0 if known == mark else first


class Word(msgspec.Struct):
    """What a journal says of the chain: `relied` is the height that its first line names, `marks` are hashes by height.

    `votes` are the Ts that this node voted for, each with its ballot. `whole` is false for a journal that is damaged or
    of version 1: it proves nothing by what it lacks. `ends` is the last slot that it knows of. `lost` says why votes
    are missing; the journal was `written` anew so often, and its whole lines have `size` bytes. It is `owned` when it
    names this node. `round` is the highest of its ballots.
    """

    relied: int = 0
    marks: dict[int, str] = {}
    votes: dict[int, tuple[Ballot, bytes]] = {}
    version: int = NEWEST
    whole: bool = True
    lost: str = ""
    missing: bool = False
    written: int = 0
    size: int = 0
    owned: bool = False
    round: int = 0

    @property
    def ends(self) -> int:
        """The last slot that the journal knows of."""
        return max(*self.marks, *self.votes, 0, 0)


def check_journal(findings: Findings, node: int, votes: Votes) -> Word:
    """Audit one journal, and return what it says of the chain."""
    word, total = Word(), 0
    lost: tuple[int, str] | None = None
    line = None
    for line in findings.lines(JOURNAL, _OPENING):
        if line.torn and line.number > 1 and _is_beginning(line, total):
            if line.text.endswith(b"\0") and findings.count_lines(CHAIN) > word.ends:
                word.whole = False
                findings.problem(JOURNAL, line.number, f"it is zeros, and {CHAIN} goes on beyond it")
            else:
                findings.torn(JOURNAL, line.number)
            break
        word.size += len(line.text) + 1
        record, fault = _record(line, total)
        if line.number == 1 and b'"journal":1,' in line.text:
            word.version = 1
        if word.version > 1 and _OPENING.match(line.text):
            total = int(line.text[:8], 16)
        if fault or record is None:
            word.whole = False
            findings.problem(JOURNAL, line.number, fault)
        elif (line.number == 1) != (record.journal is not None):
            word.whole = False
            findings.problem(JOURNAL, line.number, "the journal's own line stands first, and nowhere else")
        elif record.lost is not None or record.recovered is not None:
            lost = (line.number, record.lost) if record.lost is not None else None
        else:
            _note(findings, node, votes, word, (line.number, record))
    if line is None and findings.is_file(JOURNAL):
        word.whole = False
        findings.problem(JOURNAL, 0, "it is empty, though a journal has a first line from its making on")
    word.missing = line is None and not findings.is_file(JOURNAL)
    word.lost = lost[1] if lost is not None else ""
    word.whole = word.whole and line is not None and word.version == NEWEST
    if lost is not None:
        what = (
            f"the node has lost a part of its memory ({lost[1]}); it votes again when a majority of the others answers"
        )
        findings.warning(JOURNAL, lost[0], what)
    return word


def _note(findings: Findings, node: int, votes: Votes, word: Word, line: tuple[int, _Record]) -> None:
    """Note what a sound line says, and hold it against the owner of the folder and the votes of other nodes."""
    number, record = line
    if record.chain is not None:
        word.marks[record.chain[0]] = record.chain[1]
        if record.journal is not None:
            word.relied, word.written = record.chain[0], record.written or 0
            fault = _owner_fault(findings, node, record)
            word.owned = not fault and bool(findings.cluster) and record.node == node
            if fault:
                findings.problem(JOURNAL, 1, fault, unknown=True)
    voted = record.promise or record.opened or (record.accepted.ballot if record.accepted is not None else None)
    word.round = max(word.round, voted[0] if voted is not None else 0)
    if record.accepted is not None:
        vote = record.accepted
        known = word.votes.get(vote.slot)
        if known is None or vote.ballot >= known[0]:
            word.votes[vote.slot] = (vote.ballot, bytes(vote.value))
        rival = votes.rival(node, vote)
        if rival:
            ballot = ".".join(map(str, vote.ballot))
            what = f"slot {vote.slot} has another value at ballot {ballot} than on node {rival}"
            findings.problem(JOURNAL, number, what, unknown=True)


def _owner_fault(findings: Findings, node: int, first: _Record) -> str:
    """What is wrong with the owner that the first line names, if anything."""
    assert first.journal is not None
    findings.cluster = first.cluster or ""
    if first.journal > NEWEST:
        return f"it is of version {first.journal}, and this program reads versions 1 to {NEWEST}"
    if node and first.node and first.node != node:
        return f"this is a file of node {first.node} in the folder of node {node}: perhaps two folders were swapped"
    return ""


def _record(line: Line, total: int) -> tuple[_Record | None, str]:
    match = None if line.torn else _SHAPE.fullmatch(line.text)
    if match is None:
        return None, "it is not of the form <checksum of eight hex digits> {…}"
    if crc32(match[2], total) != int(match[1], 16):
        return None, "its checksum does not match its text"
    try:
        record = _decode(match[2])
    except (ValueError, RecursionError) as error:
        return None, f"it is no record of a journal ({error})"
    if {name for name in record.__struct_fields__ if getattr(record, name) is not None} not in _KINDS:
        return None, "it is not exactly one record"
    if record.accepted is not None:
        _, fault = operations_of(bytes(record.accepted.value))
        if fault:
            return None, fault.replace("its T", "its value")
    return record, ""


def _is_beginning(line: Line, total: int) -> bool:
    """True for a torn line; False for a whole line of which the newline was changed later."""
    text = line.text.rstrip(b"\0")
    whole = _SHAPE.fullmatch(line.text[:-1])
    return _BEGINNING.fullmatch(text) is not None and not (whole and crc32(whole[2], total) == int(whole[1], 16))
