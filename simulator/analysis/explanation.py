"""Why something did not happen: the few events of the run that explain it, each with what it means here.

Every line of an explanation is an event of the trace. What it adds in words (who had promised, how many were needed) is
counted from events before the end of the story. Nothing is guessed: what the trace does not tell is not told.
"""

from __future__ import annotations

from typing import Literal

from paxos.messages import Accept, Reject
from simulator.analysis.campaigns import Campaign
from simulator.analysis.operations import ClientOperation, operations_of
from simulator.analysis.request_story import RequestStory
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.story import Explanation, Line, explanation, explanation_lines
from simulator.analysis.timeline import Timeline
from simulator.analysis.trouble_story import TroubleStory
from simulator.errors import InputError
from simulator.node.client_api import ReadAnswer, WriteAnswer
from simulator.trace.events import MessageDelivered, MessageSent, NodeReported

What = Literal["last", "slot", "node", "request"]


def explain_in(run: RecordedRun, what: What = "last", number: int = 0) -> list[str]:
    """The lines of an explanation for a person. `number` is the slot, the node or the request.

    Raises:
        InputError: there is nothing of the kind to explain.
    """
    explainer = Explainer(run)
    explain = {"slot": explainer.slot, "node": explainer.node, "request": explainer.request}
    found = explainer.last() if what == "last" else explain[what](number)
    return explanation_lines(run, found)


class Explainer:
    """Explains things of one run."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._operations = operations_of(run)
        self._timeline = Timeline(run)
        self._requests = RequestStory(run)
        self._troubles = TroubleStory(run, self._timeline)

    def last(self) -> Explanation:
        """The last refusal, time-out, open request or lost election; else the last REJECT.

        Raises:
            InputError: nothing of the kind has happened.
        """
        troubles: list[tuple[int, ClientOperation | Campaign]] = [
            (self._requests.end_of(operation), operation) for operation in self._operations if operation.outcome != "ok"
        ]
        troubles += [(self._troubles.campaign_end(lost), lost) for lost in self._troubles.lost_campaigns()]
        if troubles:
            _, latest = max(troubles, key=lambda item: item[0])
            return self._troubles.election(latest) if isinstance(latest, Campaign) else self._operation(latest)
        rejects = [index for index, event in enumerate(self._run.events) if _is_reject(event)]
        if rejects:
            return self.rejection(rejects[-1])
        raise InputError(
            "there is nothing to explain: no request failed, no election was lost, no ballot was rejected."
        )

    def request(self, number: int) -> Explanation:
        """Request `number`, counted from 1 in the order of the calls.

        Raises:
            InputError: there is no such request.
        """
        if not 1 <= number <= len(self._operations):
            raise InputError(f"there is no request {number}: this run has {len(self._operations)}.")
        return self._operation(self._operations[number - 1])

    def slot(self, slot: int) -> Explanation:
        """How a slot was decided, or why it is not.

        Raises:
            InputError: slots count from 1.
        """
        if slot < 1:
            raise InputError("slots count from 1.")
        end = self._timeline.first_applied.get(slot, len(self._run.events) - 1)
        lines = list(self._requests.proposals(lambda accept: accept.first_slot <= slot < _after(accept), 0, end))
        if slot in self._timeline.first_applied:
            lines.append(Line(end, f"node {self._run.events[end].node} applies block {slot}: it is decided"))
            return explanation(f"slot {slot} is decided", lines)
        proposed = any(_proposes(self._run, line) for line in lines)
        lines += self._troubles.circumstances(lines[0].index if lines else 0, end)
        missing = "was proposed and has no decision" if proposed else "was never proposed"
        return explanation(f"slot {slot} {missing} in this run", lines)

    def node(self, node: int) -> Explanation:
        """Why a node is down or paused, or why it did not lead when it last tried.

        Raises:
            InputError: there is no such node, or it had no trouble.
        """
        if node not in self._run.nodes:
            raise InputError(f"there is no node {node}: the nodes are 1 to {len(self._run.nodes)}.")
        spans = [span for span in self._timeline.spans if span.node == node and span.kind in {"down", "paused"}]
        if spans and spans[-1].end == NOWHERE:
            return self._troubles.outage(spans[-1])
        lost = [campaign for campaign in self._troubles.lost_campaigns() if campaign.node == node]
        if lost:
            return self._troubles.election(lost[-1])
        if spans:
            return self._troubles.outage(spans[-1])
        raise InputError(f"node {node} had no trouble: it was never down or paused, and lost no election.")

    def rejection(self, index: int) -> Explanation:
        """Why a ballot was rejected; `index` is the event at which the REJECT arrived."""
        return self._troubles.reject_of(index)

    def _operation(self, operation: ClientOperation) -> Explanation:
        what = f"client {operation.process}'s {operation.text}"
        if operation.outcome == "ok":
            return explanation(f"{what} was answered", self._requests.course(operation))
        if operation.outcome == "refused":
            return explanation(f"{what} was refused: {operation.answer}", self._requests.refusal(operation))
        ended = "has no answer" if operation.outcome == "open" else f"was answered {self._answer(operation)}"
        begin, end = operation.invoked, self._requests.end_of(operation)
        if operation.asked == NOWHERE:
            lines = [Line(begin, "the call never reached its node")]
        else:
            lines = list(self._requests.course(operation))
        lines += self._troubles.circumstances(operation.asked if operation.asked != NOWHERE else begin, end)
        return explanation(f"{what} {ended}", lines)

    def _answer(self, operation: ClientOperation) -> str:
        index = self._requests.answered(operation) if operation.asked != NOWHERE else NOWHERE
        event = self._run.events[index] if index != NOWHERE else None
        report = event.report if isinstance(event, NodeReported) else None
        return report.kind if isinstance(report, WriteAnswer | ReadAnswer) else "a time-out"


def _proposes(run: RecordedRun, line: Line) -> bool:
    event = run.events[line.index]
    return isinstance(event, MessageSent) and isinstance(event.message, Accept)


def _after(accept: Accept) -> int:
    return accept.first_slot + len(accept.values)


def _is_reject(event: object) -> bool:
    return isinstance(event, MessageDelivered) and isinstance(event.message, Reject)
