"""The state machine of `lin-kv`: a value a key, written blindly or compared and set. It knows no messages and no log.

Keys and values are any JSON, as canonical text (`messages.canonical`), so that comparing is comparing texts.
"""

from __future__ import annotations

from enum import Enum

import msgspec


class StoreOutcome(Enum):
    """The result of one operation."""

    OK = "ok"
    NO_KEY = "key does not exist"
    MISMATCH = "precondition failed"


class Write(msgspec.Struct, frozen=True, gc=False):
    """Set `key` to `value`, whether it exists or not."""

    key: str
    value: str


class Swap(msgspec.Struct, frozen=True, gc=False):
    """Set `key` to `new` if it holds `old`."""

    key: str
    old: str
    new: str


StoreOperation = Write | Swap


class Store:
    """Invariant: an operation that is refused changes nothing."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    def apply(self, operation: StoreOperation) -> StoreOutcome:
        """Apply one operation, or refuse it."""
        if isinstance(operation, Write):
            self._values[operation.key] = operation.value
            return StoreOutcome.OK
        held = self._values.get(operation.key)
        if held is None:
            return StoreOutcome.NO_KEY
        if held != operation.old:
            return StoreOutcome.MISMATCH
        self._values[operation.key] = operation.new
        return StoreOutcome.OK

    def read(self, key: str) -> str | None:
        """The value of a key; None when there is none."""
        return self._values.get(key)
