"""Checks before the first node starts: the rule to break exists, and the data directory can be used."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from simulator.errors import InputError
from simulator.settings import Settings


def check_rule(rule: str | None) -> None:
    """Refuse an unknown rule here, not in five processes that cannot start.

    Raises:
        InputError: there is no such rule to break.
    """
    if rule is not None:
        from simulator.mutants.registry import quorums  # noqa: PLC0415  No sound cluster needs to know of broken rules.

        quorums(rule)


def prepare_directories(settings: Settings) -> None:
    """Empty the nodes' directories if `settings.fresh`; refuse those of a larger cluster.

    Raises:
        InputError: the data directory belongs to a larger cluster.
        OSError: a directory cannot be emptied.
    """
    found = sorted(path for path in Path(settings.data).glob("node-*") if path.is_dir())
    if settings.fresh:
        for directory in found:
            shutil.rmtree(directory)
        return
    for directory in found:
        with suppress(ValueError):
            number = int(directory.name.removeprefix("node-"))
            if number > settings.nodes:
                raise InputError(
                    f"{settings.data!r} holds a node {number}, and {settings.nodes} nodes were asked for: majorities "
                    f"of two sizes may miss each other. Give --nodes {number} or more, another --data, or --fresh."
                )
