"""A recorded history: what clients asked and what they were told, one event a line, in Jepsen's convention.

`invoke` carries the argument, `ok` the result; `fail` certainly had no effect; `info`, or no completion, may take
effect once at any later time, or never. The operations of each model stand in `tests/histories/README.md`.
"""

from __future__ import annotations

from typing import Literal

import msgspec

EventType = Literal["invoke", "ok", "fail", "info"]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of a history. `time` only orders events; the recorders here give milliseconds of cluster time.

    `read` is "local" on every event of a read that a node answered from its own blog; `node` is then that node.
    """

    process: int
    type: EventType
    f: str
    value: object = None
    time: float = 0
    read: Literal["", "local"] = ""
    node: int = 0
