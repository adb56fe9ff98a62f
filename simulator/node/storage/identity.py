"""Who a node's files belong to, and what is known of them from outside.

The first line of the journal names the cluster, the node and the version of the format. `meta.txt` says the same for
the folder, so that blockchain.txt and blog.txt hold nothing but blocks and writes.
"""

from __future__ import annotations

import msgspec

from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import ForeignFile

META = "meta.txt"
VERSION = 2
"""The version of the files that this program writes. It reads version 1 too, which named no cluster and no node."""


class Identity(msgspec.Struct, frozen=True):
    """A node of one cluster. Files of a cluster without a name, in tests, belong to anybody."""

    cluster: str = ""
    node: int = 0

    def check(self, file: str, cluster: str, node: int) -> None:
        """Refuse a file of another node or cluster.

        Raises:
            ForeignFile: the file names another owner.
        """
        if not self.cluster or not cluster:
            return
        if cluster != self.cluster:
            what = f"this is a file of cluster {cluster}, and this node is of cluster {self.cluster}"
            raise ForeignFile(file, 1, what)
        if node != self.node:
            what = f"this is a file of node {node}, and this is node {self.node}: perhaps two folders were swapped"
            raise ForeignFile(file, 1, what)


class Past(msgspec.Struct, frozen=True):
    """What a world remembers of a node: `began` when it has run before, and how far its journal had come.

    `written` is how often the journal was written anew, `size` its length in bytes. A journal that is not as far has
    lost records.
    """

    began: bool = False
    written: int = 0
    size: int = 0


NOBODYS = Identity()
NO_PAST = Past()


def later(past: Past, reached: tuple[int, int] | None) -> Past:
    """The past of a node whose journal has come as far as `reached` (None: there is none)."""
    if reached is None:
        return past
    written, size = max(reached, (past.written, past.size))
    return Past(began=True, written=written, size=size)


class _Meta(msgspec.Struct, frozen=True):
    cluster: str
    node: int
    version: int


def check_version(file: str, version: int) -> None:
    """Refuse a file of a newer program.

    Raises:
        ForeignFile: the version is unknown here.
    """
    if not 1 <= version <= VERSION:
        raise ForeignFile(file, 1, f"it is of version {version}, and this program reads versions 1 to {VERSION}")


def keep_meta(disk: Disk, identity: Identity, *, proved: bool) -> str:
    """Check meta.txt, and write it if it is missing or torn. Not synced: a loss costs nothing.

    `proved`: the journal, whose lines have checksums, says that the folder is this node's. Then meta.txt is mended, and
    a sentence says so.

    Raises:
        ForeignFile: the folder belongs to another node or cluster, or a newer program.
        OSError: the disk fails.
    """
    expected = msgspec.json.encode(_Meta(identity.cluster, identity.node, VERSION)) + b"\n"
    found = disk.read(META) if disk.exists(META) else b""
    if found == expected:
        return ""
    mended = ""
    try:
        meta = msgspec.json.decode(found, type=_Meta)
    except (ValueError, RecursionError):
        pass
    else:
        try:
            check_version(META, meta.version)
            identity.check(META, meta.cluster, meta.node)
        except ForeignFile as error:
            if not proved:
                raise
            mended = f"{error.sentence}; the journal is its own, so {META} was written anew"
    if disk.exists(META):
        disk.truncate(META, 0)
    disk.append(META, expected)
    return mended
