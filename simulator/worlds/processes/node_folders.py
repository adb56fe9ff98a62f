"""The folders of the nodes in a data directory: which are ours, what `--fresh` deletes, what must not stand there.

A data directory may hold other things, and may come from a stranger. Only `node-N` with N a number is a node's folder,
and only the files that nodes write are theirs.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from simulator.errors import InputError
from simulator.files.names import kind_of_file

_FOLDER = re.compile(r"node-([1-9][0-9]*)")
_OURS = re.compile(r"((blockchain|blog|paxos|meta)\.txt|node\.log)(\.new|\.damaged-[0-9]+)?")


def numbered_folders(data: Path) -> dict[int, Path]:
    """The folders of nodes, by number: `node-1.bak` and `node-exporter` are none."""
    try:
        names = sorted(os.listdir(data))  # noqa: PTH208  Their names are looked at, and no path.
    except FileNotFoundError:
        return {}
    found = {int(match[1]): data / name for name in names if (match := _FOLDER.fullmatch(name))}
    return {number: found[number] for number in sorted(found)}


def our_files(folder: Path) -> list[str]:
    """The names of the files that a node wrote into this folder: regular files, no links."""
    return sorted(
        path.name for path in folder.iterdir() if _OURS.fullmatch(path.name) and stat.S_ISREG(path.lstat().st_mode)
    )


def delete_nodes(data: Path) -> str:
    """Delete the files of all nodes, and their folders if nothing else is in them. Says in one sentence what was done.

    Raises:
        InputError: a folder is a symbolic link, which is not followed.
        OSError: a file cannot be deleted.
    """
    deleted, kept = [], []
    for number, folder in numbered_folders(data).items():
        if folder.is_symlink():
            raise InputError(f"{str(folder)!r} is a symbolic link, which --fresh does not follow: remove it by hand.")
        if not folder.is_dir():
            continue
        names = our_files(folder)
        for name in names:
            (folder / name).unlink()
        with suppress(OSError):
            folder.rmdir()
        if names:
            deleted.append(number)
            if folder.exists():
                kept.append(folder.name)
    cluster = data / "cluster.txt"
    if cluster.is_file() and not cluster.is_symlink():
        cluster.unlink()  # It names the cluster whose files these were.
    if not deleted:
        return ""
    left = f"; what else is in {', '.join(kept)} stays" if kept else ""
    return f"--fresh: deleted the files of {_nodes(deleted)} in {str(data)!r}{left}"


def check_folder(data: Path, number: int) -> None:
    """Refuse what stands in place of a node's folder or of one of its files: nothing is followed or waited for.

    Raises:
        InputError: it is no folder, or a file in it is a link, a pipe or a device; or nothing can be written there.
    """
    folder = data / f"node-{number}"
    if not folder.exists():
        if folder.is_symlink() or not os.access(data, os.W_OK | os.X_OK):
            raise InputError(f"{str(folder)!r} cannot be made: {str(data)!r} does not let us write there.")
        return
    if not folder.is_dir():
        raise InputError(f"{str(folder)!r} is no directory: node {number} keeps its files there. Move it away.")
    if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        raise InputError(f"{str(folder)!r} cannot be used: node {number} may not read and write there.")
    for entry in sorted(folder.iterdir()):
        mode = entry.lstat().st_mode
        if _OURS.fullmatch(entry.name) and not stat.S_ISREG(mode):
            what = kind_of_file(mode)
            raise InputError(f"{str(entry)!r} is {what}, where node {number} keeps a file. Move it away.")


def check_record(data: Path) -> None:
    """Refuse what stands in place of the record of the cluster (`cluster_file`): a link, a pipe, a device.

    Raises:
        InputError: there is one.
    """
    for name in ("cluster.txt", "cluster.txt.new"):
        path = data / name
        if path.is_symlink() or (path.exists() and not path.is_file()):
            what = kind_of_file(path.lstat().st_mode)
            raise InputError(f"{str(path)!r} is {what}, where the lab keeps a file. Move it away.")


def _nodes(numbers: Sequence[int]) -> str:
    if len(numbers) == 1:
        return f"node {numbers[0]}"
    if len(numbers) == numbers[-1] - numbers[0] + 1:
        return f"nodes {numbers[0]} to {numbers[-1]}"
    return f"nodes {', '.join(map(str, numbers))}"
