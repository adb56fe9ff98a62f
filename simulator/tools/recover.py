"""What an operator does when too many nodes have lost their memory to recover by themselves (rule 17).

With a majority of memories gone nobody can tell any more what was chosen, so a person has to decide: the node that
knows most is taken over, and those without memory get its chain, its votes and the highest promise known. A
write that nobody else remembers is gone for good. What was decided is written down beside the folders.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from paxos.ballot import NO_BALLOT, NodeId, Slot
from paxos.eras import NO_LOSS, era_of, newest, with_era
from paxos.messages import Acceptance
from paxos.records import EraRecord
from simulator.errors import InputError
from simulator.files.names import kind_of_file
from simulator.node.storage.blog_file import BLOG
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import Journal
from simulator.node.storage.lock import DirectoryLock
from simulator.node.storage.real_disk import RealDisk
from simulator.node.storage.storage import Recovered, Storage
from simulator.worlds.processes.cluster_file import ClusterFile
from simulator.worlds.processes.node_folders import check_folder, check_record, numbered_folders

DECISIONS = "recovered.txt"
_LONGEST_DECISION = 1 << 16


class _LookingDisk(RealDisk):
    """A disk that is only looked at: what a start would mend stays as it is."""

    def append(self, name: str, data: bytes) -> None:
        """Nothing."""

    def sync(self, name: str) -> None:
        """Nothing."""

    def truncate(self, name: str, size: int) -> None:
        """Nothing."""

    def replace(self, name: str, data: bytes) -> None:
        """Nothing."""


class Plan(msgspec.Struct, frozen=True):
    """What each node remembers, and the node whose memory the others would get (0: nothing need be decided)."""

    nodes: dict[NodeId, Recovered]
    lost: tuple[NodeId, ...]
    source: NodeId

    def lines(self) -> list[str]:
        """The plan for a person."""
        lines = []
        for node, found in self.nodes.items():
            what = f"has lost promises or votes ({found.lost})" if found.lost else "remembers all that it said"
            lines.append(f"node {node}: {found.height} block{'s' * (found.height != 1)}; it {what}")
        if not self.source:
            lines.append(
                "Nothing need be decided by hand: start the lab, and the nodes without memory recover from the others."
                if self.lost
                else "No node has lost its memory."
            )
            return lines
        names = ", ".join(map(str, self.lost))
        lines.append(
            f"{len(self.lost)} of {len(self.nodes)} nodes have lost their memory: no majority knows what was decided."
        )
        lines.append(
            f"If you go on, node {self.source} is believed: nodes {names} get its chain of "
            f"{self.nodes[self.source].height} blocks, every vote left, and the highest promise, and vote again."
        )
        lines.append(
            "A write that was answered and that no folder here holds is lost for good. Backups of the folders that are "
            "newer than these are better: put them back first."
        )
        return lines


def held(data: Path) -> DirectoryLock:
    """Hold the data directory, so that no lab starts there meanwhile.

    Raises:
        DirectoryHeld: a lab runs there.
    """
    return DirectoryLock(data)


def plan(data: Path, nodes: Sequence[NodeId] | None = None) -> Plan:
    """Look at the folders of all nodes and change nothing.

    Raises:
        InputError: there is no node's folder; or what stands in place of one of our files is none of ours.
        StorageDamage: a folder belongs to another node or cluster.
        OSError: a file cannot be read.
    """
    folders = numbered_folders(data)
    if not folders:
        raise InputError(f"{str(data)!r} holds no folder of a node: name the data directory of a lab.")
    for number in folders:
        check_folder(data, number)
    check_record(data)
    _check_decisions(data)
    names = nodes or range(1, max(folders) + 1)
    file = ClusterFile(data, names, look_only=True)
    found: dict[NodeId, Recovered] = {}
    for node in names:
        disk = _LookingDisk(data / f"node-{node}")
        origin = file.origin(node)
        try:
            found[node] = Storage(disk, 0, origin.identity, origin.past).load(lambda _, __: b"")
        finally:
            disk.close()
    lost = tuple(node for node, one in found.items() if one.lost)
    if len(found) - len(lost) > len(found) // 2 or not lost:
        return Plan(found, lost, 0)
    return Plan(found, lost, max(found, key=lambda node: (found[node].height, node not in lost, -node)))


def carry_out(data: Path, decided: Plan) -> str:
    """Give the nodes without memory that of the source. Returns where that is written down.

    Raises:
        OSError: a file cannot be written.
    """
    source = decided.nodes[decided.source]
    promised, eras = NO_BALLOT, NO_LOSS
    votes: dict[Slot, Acceptance] = {}
    for one in decided.nodes.values():
        promised, eras = max(promised, one.promised), newest(eras, one.eras)
        for slot, vote in one.accepted.items():
            if slot > source.height and (slot not in votes or vote.ballot > votes[slot].ballot):
                votes[slot] = vote
    file = ClusterFile(data, decided.nodes, look_only=True)
    chain = (data / f"node-{decided.source}" / CHAIN).read_bytes() if source.height else b""
    chain = b"".join(chain.splitlines(keepends=True)[: source.height])
    for node in decided.lost:
        eras = with_era(eras, node, era_of(eras, node) + 1)
    for node in decided.lost:
        disk, origin = RealDisk(data / f"node-{node}"), file.origin(node)
        disk.replace(CHAIN, chain)
        disk.append(BLOG, b"")
        kept = [EraRecord(other, era, 0) for other, era in enumerate(eras, 1) if era]
        Journal(disk, origin.identity, origin.past).rewrite(
            promised, NO_BALLOT, [votes[slot] for slot in sorted(votes)], {source.height: source.tip}, kept
        )
        disk.close()
    note = msgspec.json.encode(
        {
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "taken over from": decided.source,
            "blocks": source.height,
            "hash": source.tip,
            "nodes without memory": {str(node): decided.nodes[node].lost for node in decided.lost},
        }
    )
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
    with os.fdopen(os.open(data / DECISIONS, flags, 0o666), "ab") as written:
        written.write(note + b"\n")
    return str(data / DECISIONS)


def _check_decisions(data: Path) -> None:
    """Refuse what stands in place of the record of decisions: a link, a pipe, or a file that is not ours.

    Raises:
        InputError: there is one.
    """
    path = data / DECISIONS
    if not (path.is_symlink() or path.exists()):
        return
    mode = path.lstat().st_mode
    if not stat.S_ISREG(mode):
        raise InputError(f"{str(path)!r} is {kind_of_file(mode)}, where decisions are written down. Move it away.")
    with path.open("rb") as file:
        first = file.readline(_LONGEST_DECISION)
    try:
        known = msgspec.json.decode(first) if first else {"at": "", "taken over from": 0}
    except (ValueError, RecursionError):
        known = None
    if not (isinstance(known, dict) and {"at", "taken over from"} <= known.keys()):
        raise InputError(f"{str(path)!r} exists and holds no decisions of 'paxsim recover'. Move it away.")
