"""A violation: one broken invariant, with the time, the nodes and the slot where a person can look for it."""

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
    "amnesia",
    "once",
    "reads",
    "true-word",
)
"""The invariants that `InvariantChecker` checks, by the names that `check` prints (`docs/invariants.md`)."""


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """The first time that an invariant did not hold. `why` is one sentence; `at_ms` is cluster time.

    `nodes` are the nodes involved. `slot` is 0 when no slot is involved, and `request` is `client:seq` or "".
    """

    invariant: str
    why: str
    at_ms: int
    nodes: tuple[int, ...] = ()
    slot: int = 0
    request: str = ""

    def sentence(self, replay: str = "") -> str:
        """The violation in one line, with `replay`, the command that shows it again."""
        places = [f"at {self.at_ms / 1000:.3f} s"]
        if self.nodes:
            places.append(f"node{'s' if len(self.nodes) > 1 else ''} " + ",".join(str(node) for node in self.nodes))
        if self.slot:
            places.append(f"slot {self.slot}")
        if self.request:
            places.append(f"request {self.request}")
        return f"{self.why} ({', '.join(places)})" + (f"; replay: {replay}" if replay else "")
