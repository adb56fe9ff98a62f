"""What a check found: one broken invariant, told so that a person can go there and see it."""

from __future__ import annotations

import msgspec

INVARIANTS = (
    "agreement",
    "validity",
    "promise",
    "one-value-per-ballot",
    "one-leader-per-ballot",
    "proposal",
    "decision",
    "chain",
    "blog",
    "durability",
    "once",
    "reads",
)
"""The names of what `InvariantChecker` judges by itself, as `check` prints them (`docs/invariants.md`)."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """The first time that an invariant did not hold. `why` is one sentence; `at_ms` cluster time.

    `nodes` are those concerned, `slot` the slot (0: none in particular), `request` the request as `client:seq`, or "".
    """

    invariant: str
    why: str
    at_ms: int
    nodes: tuple[int, ...] = ()
    slot: int = 0
    request: str = ""

    def sentence(self, replay: str = "") -> str:
        """All of it in one line; `replay` is the command that shows it again."""
        places = [f"at {self.at_ms / 1000:.3f} s"]
        if self.nodes:
            places.append(f"node{'s' if len(self.nodes) > 1 else ''} " + ",".join(str(node) for node in self.nodes))
        if self.slot:
            places.append(f"slot {self.slot}")
        if self.request:
            places.append(f"request {self.request}")
        return f"{self.why} ({', '.join(places)})" + (f"; replay: {replay}" if replay else "")
