"""How a session has gone so far, as the document that `paxsim run --json` prints."""

from __future__ import annotations

from simulator.cluster.interface import AnswerKind
from simulator.cluster.verdicts import OK
from simulator.scenario.session.result import NodeResult, OperationCounts, RunResult
from simulator.scenario.session.session import Session


def result_of(session: Session, scenario: str, trace: str | None = None) -> RunResult:
    """The result of a session so far."""
    cluster, checks, kinds = session.cluster, session.checks(), session.answers()
    sound = session.violation_expected or all(why == OK for why in checks.values())
    states = [cluster.status(node) for node in cluster.settings.node_ids]
    return RunResult(
        scenario=scenario,
        world=cluster.world,
        seed=cluster.settings.seed,
        passed=sound and not session.failures,
        failures=list(session.failures),
        operations=OperationCounts(
            ok=kinds[AnswerKind.OK],
            refused=kinds[AnswerKind.REFUSED],
            timeout=kinds[AnswerKind.TIMEOUT],
            no_majority=kinds[AnswerKind.NO_MAJORITY],
        ),
        elections=session.elections(),
        nodes=[
            NodeResult(node=state.node, alive=state.life != "down", height=state.height, hash=state.hash)
            for state in states
        ],
        checks=checks,
        trace=trace,
    )
