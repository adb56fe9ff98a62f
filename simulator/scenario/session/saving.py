"""A session as the lines of a scenario, and what such lines may set in a cluster that runs already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulator.errors import InputError
from simulator.scenario.language.commands import Line, SetKey
from simulator.text.units import format_ms

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.session import Session


def setting_lines(cluster: Cluster) -> list[str]:
    """The lines of a scenario that ask for this world and its settings."""
    settings = cluster.settings
    lines = [f"set world {cluster.world}", f"set nodes {settings.nodes}", f"set seed {settings.seed}"]
    for name, default in (("difficulty", 2), ("ops_per_block", 1), ("window", 256), ("sync", "fsync")):
        if getattr(settings, name) != default:
            lines.append(f"set {name.replace('_', '-')} {getattr(settings, name)}")
    return lines + settings.limits.set_lines()


def saved_lines(session: Session) -> list[str]:
    """The typed lines as lines of a scenario; they keep their times."""
    lines = []
    for at_ms, text in session.typed:
        timed = session.waits_for_answers or text.lower().startswith("at ")
        lines.append(text if timed else f"at {format_ms(at_ms)} {text}")
    return lines


def refuse_set(lines: Sequence[Line], cluster: Cluster) -> None:
    """Raise InputError when a file that a session runs sets what the running cluster does not have."""
    for line in lines:
        if not isinstance(line.command, SetKey):
            continue
        key, value = line.command.key, line.command.value
        now = cluster.world if key == "world" else cluster.settings.value_of(key.replace("-", "_"))
        if now != value:
            raise InputError(
                f"line {line.number} sets {key} to {value}, and the running cluster has {now}: "
                f"start it with that setting, or use 'paxsim run'."
            )
