"""A violation: one broken invariant, with the time, the nodes and the slot where a person can look for it."""

from __future__ import annotations

import msgspec

from simulator.checks.first_wrong import WrongStep

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
    `first` is the earliest step that made it possible, which may be the one at which it showed; None when no step of
    the protocol is to blame, as when clients wait for an answer.
    """

    invariant: str
    why: str
    at_ms: int
    nodes: tuple[int, ...] = ()
    slot: int = 0
    request: str = ""
    first: WrongStep | None = None

    @property
    def is_first(self) -> bool:
        """True when it showed at the step at which it went wrong."""
        return self.first is not None and self.first.what == self.why and self.first.at_ms == self.at_ms

    def sentence(self, replay: str = "") -> str:
        """The violation in one line: what, where, where it first went wrong, and `replay`, which shows it again."""
        places = [f"at {self.at_ms / 1000:.3f} s"]
        if self.nodes:
            places.append(f"node{'s' if len(self.nodes) > 1 else ''} " + ",".join(str(node) for node in self.nodes))
        if self.slot:
            places.append(f"slot {self.slot}")
        if self.request:
            places.append(f"request {self.request}")
        shown = f"{self.why} ({', '.join(places)}){self._blame()}"
        return shown + (f"; replay: {replay}" if replay else "")

    def _blame(self) -> str:
        if self.first is None:
            return ""
        if self.is_first:
            return f"; this is where it first went wrong, against {self.first.rule_words}"
        return f"; it first went wrong {self.first.sentence()}"
