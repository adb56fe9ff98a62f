"""The entry point of a node process. It keeps the start fast, before any of our modules is loaded.

msgspec imports typing_extensions for names that `typing` has had since Python 3.11. That costs 10 ms of each node's
start, a fifth of it. So the import is made to fail while msgspec is loaded, and msgspec then does without it.
"""

from __future__ import annotations

import sys
from typing import Any

if "msgspec" not in sys.modules and "typing_extensions" not in sys.modules:
    sys.modules["typing_extensions"] = None  # type: ignore[assignment]
    import msgspec  # noqa: F401

    del sys.modules["typing_extensions"]


def run_spawned(*args: Any, **kwargs: Any) -> None:
    """Call `node_main.run_node`, which is loaded only now."""
    from simulator.worlds.processes.node_main import run_node  # noqa: PLC0415  After what stands above.

    run_node(*args, **kwargs)
