"""Checks before the first node starts: the rule to break exists, and the data directory can be used."""

from __future__ import annotations

from pathlib import Path

from simulator.errors import InputError
from simulator.settings import Settings
from simulator.worlds.processes.node_folders import (
    check_folder,
    check_record,
    delete_nodes,
    numbered_folders,
    our_files,
)


def check_rule(rule: str | None) -> None:
    """Refuse an unknown rule here, not in five processes that cannot start.

    Raises:
        InputError: there is no such rule to break.
    """
    if rule is not None:
        from simulator.mutants.registry import quorums  # noqa: PLC0415  No sound cluster needs to know of broken rules.

        quorums(rule)


def prepare_directories(settings: Settings) -> str:
    """Delete the nodes' files if `settings.fresh`, and say what was deleted; refuse the files of a larger cluster.

    Raises:
        InputError: the data directory belongs to a larger cluster, or what stands there is no file of a node.
        OSError: a file cannot be deleted.
    """
    data = Path(settings.data)
    deleted = delete_nodes(data) if settings.fresh else ""
    for number, folder in numbered_folders(data).items():
        if number > settings.nodes and folder.is_dir() and our_files(folder):
            raise InputError(
                f"{settings.data!r} holds a node {number}, and {settings.nodes} nodes were asked for: majorities "
                f"of two sizes may miss each other. Give --nodes {number} or more, another --data, or --fresh."
            )
    check_record(data)
    for number in settings.node_ids:
        check_folder(data, number)
    return deleted
