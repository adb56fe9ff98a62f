"""Audits paxos.txt: every checksum, the shape of every record, and one value per ballot and slot on all nodes."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from simulator.checks.audit.folder import JOURNAL, Findings, Line
from simulator.checks.audit.operations import operations_of

_OPENING = re.compile(rb"[0-9a-f]{8} \{")
_SHAPE = re.compile(rb"([0-9a-f]{8}) (\{.*\})", re.DOTALL)
_BEGINNING = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?", re.DOTALL)

Whole = Annotated[int, Meta(ge=0)]
Ballot = tuple[Whole, Whole]


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: Annotated[int, Meta(ge=1)]
    ballot: Ballot
    value: msgspec.Raw


class _Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    journal: Annotated[int, Meta(ge=1)] | None = None
    cluster: str | None = None
    node: Whole | None = None
    written: Whole | None = None
    chain: tuple[Whole, Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]] | None = None
    promise: Ballot | None = None
    opened: Ballot | None = None
    accepted: _Vote | None = None
    lost: Annotated[str, Meta(min_length=1)] | None = None
    era: tuple[Whole, Whole, Whole] | None = None
    recovered: tuple[Ballot, tuple[Whole, ...]] | None = None


_decode = msgspec.json.Decoder(_Record).decode
_FIRST = {"journal", "cluster", "node", "written", "chain"}
_KINDS = [
    _FIRST, {"journal", "chain"}, {"promise"}, {"opened"}, {"accepted"}, {"lost"}, {"era"}, {"recovered"},
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


def check_journal(findings: Findings, node: int, votes: Votes) -> tuple[int, str] | None:
    """Audit one journal. Returns height and hash of the block that its first line relies on; None if unknown."""
    relied = lost = None
    line = None
    for line in findings.lines(JOURNAL, _OPENING):
        if line.torn and line.number > 1 and _is_beginning(line):
            findings.torn(JOURNAL, line.number)
            break
        record, fault = _record(line)
        if record is not None:
            if (line.number == 1) != (record.chain is not None):
                fault = "the journal's own line stands first, and nowhere else"
            elif record.chain is not None:
                relied, fault = record.chain, _owner_fault(findings, node, record)
            elif record.lost is not None:
                lost = (line.number, record.lost)
            elif record.recovered is not None:
                lost = None
            elif record.accepted is not None and (rival := votes.rival(node, record.accepted)):
                ballot = ".".join(map(str, record.accepted.ballot))
                fault = f"slot {record.accepted.slot} has another value at ballot {ballot} than on node {rival}"
        if fault:
            findings.problem(JOURNAL, line.number, fault)
    if lost is not None:
        what = (
            f"the node has lost a part of its memory ({lost[1]}); it votes again when a majority of the others answers"
        )
        findings.warning(JOURNAL, lost[0], what)
    return relied


def _owner_fault(findings: Findings, node: int, first: _Record) -> str:
    """What is wrong with the owner that the first line names, if anything."""
    assert first.journal is not None
    findings.cluster = first.cluster or ""
    if first.journal > NEWEST:
        return f"it is of version {first.journal}, and this program reads versions 1 to {NEWEST}"
    if node and first.node and first.node != node:
        return f"this is a file of node {first.node} in the folder of node {node}: perhaps two folders were swapped"
    return ""


def _record(line: Line) -> tuple[_Record | None, str]:
    match = None if line.torn else _SHAPE.fullmatch(line.text)
    if match is None:
        return None, "it is not of the form <checksum of eight hex digits> {…}"
    if crc32(match[2]) != int(match[1], 16):
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


def _is_beginning(line: Line) -> bool:
    """True for a torn line; False for a whole line of which the newline was changed later."""
    text = line.text.rstrip(b"\0")
    whole = _SHAPE.fullmatch(line.text[:-1])
    return _BEGINNING.fullmatch(text) is not None and not (whole and crc32(whole[2]) == int(whole[1], 16))
