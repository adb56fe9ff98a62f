"""The result of a run: the document that `paxsim run --json` prints."""

from __future__ import annotations

import msgspec


class FailureLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line that failed: an expectation that did not hold, or a command that was impossible."""

    line: int
    command: str
    why: str


class OperationCounts(msgspec.Struct, kw_only=True):
    """How the requests of a run ended."""

    ok: int = 0
    refused: int = 0
    timeout: int = 0
    no_majority: int = 0


class NodeResult(msgspec.Struct, frozen=True, kw_only=True):
    """A node at the end."""

    node: int
    alive: bool
    height: int
    hash: str


class RunResult(msgspec.Struct, kw_only=True):
    """The whole run. `checks` has "ok", a violation or "unknown …" for each invariant; `trace` is the trace's file."""

    scenario: str
    world: str
    seed: int
    passed: bool
    failures: list[FailureLine]
    operations: OperationCounts
    elections: int
    nodes: list[NodeResult]
    checks: dict[str, str]
    trace: str | None = None
