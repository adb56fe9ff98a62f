"""Opens a cluster in one of the two worlds. Only this module knows both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from simulator.errors import InputError
from simulator.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.cluster.interface import Cluster

World = Literal["processes", "virtual"]
WORLDS: tuple[World, ...] = ("processes", "virtual")


def open_cluster(world: str, settings: Settings, *, rewindable: bool = False) -> Cluster:
    """Start all nodes of a cluster in this world. It is recorded, and its running log holds messages too.

    With `rewindable`, a person can go back in the time of a virtual world.

    Raises:
        InputError: no such world, or the data directory cannot be used.
    """
    # Import only the world that is needed: a console should start quickly.
    if world == "processes":
        from simulator.worlds.processes.cluster import ProcessCluster  # noqa: PLC0415

        cluster: Cluster = ProcessCluster(settings, record=True)
    elif world == "virtual" and rewindable:
        from simulator.worlds.virtual.rewindable import RewindableCluster  # noqa: PLC0415

        cluster = RewindableCluster(settings)
    elif world == "virtual":
        from simulator.worlds.virtual.cluster import VirtualCluster  # noqa: PLC0415

        cluster = VirtualCluster(settings)
    else:
        raise InputError(f"there is no world {world!r}: write processes or virtual.")
    cluster.watch_messages(on=True)
    return cluster


def with_wishes(settings: Settings, wishes: Mapping[str, int | str]) -> Settings:
    """Change the settings as a scenario's `set` lines ask for ("world" is not a setting).

    A setting that differs from its default was given on the command line, which has priority over the file.
    """
    default, chosen = Settings(), settings
    for key, value in wishes.items():
        name = key.replace("-", "_")
        if key != "world" and settings.value_of(name) == default.value_of(name):
            chosen = chosen.changed(name, value)
    return chosen


def with_setting(settings: Settings, key: str, value: int | str) -> Settings:
    """Change one setting, as `set` does at a console."""
    return settings.changed(key.replace("-", "_"), value)
