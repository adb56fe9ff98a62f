"""The first lines of a node's process, before anything of ours is loaded: what its start can do without is left out.

msgspec asks typing_extensions for names that `typing` itself has had since Python 3.11. Loading it costs a fifth of a
node's start, 10 ms of processor for each node, so it is not to be found here while msgspec is loaded.
"""

from __future__ import annotations

import sys
from typing import Any

if "msgspec" not in sys.modules and "typing_extensions" not in sys.modules:
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    import msgspec  # noqa: F401

    del sys.modules["typing_extensions"]


def run_spawned(*args: Any, **kwargs: Any) -> None:
    """`child.run_node`, which is loaded only now."""
    from simulator.worlds.processes.node_main import run_node  # noqa: PLC0415  After what stands above.

    run_node(*args, **kwargs)
