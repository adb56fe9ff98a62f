"""Elections that were lost, nodes that are down or paused, and ballots that were rejected, told by their events."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from paxos.messages import Heartbeat, Prepare, Reject
from simulator.analysis.campaigns import Campaign, campaigns_of
from simulator.analysis.event_text import event_text
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.story import Explanation, Line, because, explanation, happened
from simulator.analysis.timeline import Span, Timeline
from simulator.faults.faults import Crash, Kill
from simulator.node.client_api import NodeFailed
from simulator.trace.events import (
    Event,
    FaultInjected,
    IncarnationEnded,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeReported,
)

_CAMPAIGNS = 2


class TroubleStory:
    """Tells what went wrong around requests, in one run."""

    def __init__(self, run: RecordedRun, timeline: Timeline) -> None:
        self._run = run
        self._timeline = timeline
        self._quorum = run.header.prepare_quorum or len(run.nodes) // 2 + 1
        self.campaigns = campaigns_of(run)

    def circumstances(self, begin: int, end: int) -> Iterator[Line]:
        """Faults that lasted between two events, leaders that ended, and elections that were lost."""
        for span in self._timeline.spans:
            if span.begin > end or (span.end != NOWHERE and span.end < begin):
                continue
            if span.kind in {"down", "paused"}:
                yield Line(span.begin, f"node {span.node} is {'paused' if span.kind == 'paused' else 'down'}")
            elif span.kind != "leader":
                yield Line(span.begin, event_text(self._run.events[span.begin]))
            elif span.end != NOWHERE and begin <= span.end <= end:
                yield Line(span.end, f"{happened(self._run, span.end).text}: its leadership is over")
        lost = [one for one in self.campaigns if begin <= one.begin <= end and not one.won]
        for campaign in lost[-_CAMPAIGNS:]:
            yield Line(campaign.begin, self._campaign_words(campaign))
        won = [one for one in self.campaigns if one.won and begin <= one.end <= end]
        for campaign in won[-1:]:
            yield happened(self._run, campaign.end)

    def election(self, campaign: Campaign) -> Explanation:
        """Why a campaign was lost: whose consent is missing, and why."""
        end = self.campaign_end(campaign)
        lines = [Line(campaign.begin, self._campaign_words(campaign))]
        seen: set[tuple[int, int]] = set()
        for index in campaign.lost:
            event = self._run.events[index]
            assert isinstance(event, MessageLost)
            if (event.source, event.node) not in seen:
                seen.add((event.source, event.node))
                name = type(event.message).__name__
                text = f"{name} from node {event.source} to node {event.node} is lost{because(event)}"
                lines.append(Line(index, text))
        for index in campaign.refused:
            event = self._run.events[index]
            assert isinstance(event, MessageDelivered)
            lines.append(Line(index, f"node {event.source} refuses: {event_text(event)}"))
        for span in self._timeline.spans:
            over = span.begin > end or (span.end != NOWHERE and span.end < campaign.begin)
            if span.kind != "leader" and not over:
                lines.append(Line(span.begin, self._fault_words(span)))
        if campaign.end != NOWHERE:
            lines.append(Line(campaign.end, self._ending(campaign)))
        what = f"ballot {campaign.ballot}" if campaign.ballot else "a pre-vote"
        return explanation(f"node {campaign.node} lost its election with {what}", lines)

    def _campaign_words(self, campaign: Campaign) -> str:
        granted = ",".join(map(str, sorted(campaign.granted)))
        asks = f"campaigns with ballot {campaign.ballot}" if campaign.ballot else "asks for pre-votes"
        count = (
            f"{len(campaign.granted)} of {len(self._run.nodes)} nodes consent ({granted}), {self._quorum} are needed"
        )
        return f"node {campaign.node} {asks}: {count}"

    def _ending(self, campaign: Campaign) -> str:
        event = self._run.events[campaign.end]
        if isinstance(event, MessageSent):
            return f"node {campaign.node} tries again"
        return f"node {campaign.node}: {event_text(event)}"

    def _fault_words(self, span: Span) -> str:
        if span.node:
            return f"node {span.node} is {span.kind}"
        return event_text(self._run.events[span.begin])

    def outage(self, span: Span) -> Explanation:
        """Why a node is, or was, down or paused."""
        lines: list[Line] = []
        for index in range(span.begin, -1, -1):
            event = self._run.events[index]
            if _ends(event, span.node):
                lines.append(happened(self._run, index))
                break
            if isinstance(event, IncarnationEnded) and event.node == span.node and index != span.begin:
                break
        lines.append(happened(self._run, span.begin))
        state = "is" if span.end == NOWHERE else "was"
        if span.end != NOWHERE:
            lines.append(happened(self._run, span.end))
        return explanation(f"node {span.node} {state} {span.kind}", lines)

    def reject_of(self, index: int) -> Explanation:
        """A refused ballot: what the refusing node had promised, or which leader it heard."""
        event = self._run.events[index]
        assert isinstance(event, MessageDelivered)
        reject = event.message
        assert isinstance(reject, Reject)
        lines = [happened(self._run, index)]
        if reject.leader:
            lines += self._latest(index, lambda one: _hears_leader(one, event.source), "it hears its leader")
        asked = self._latest(index, lambda one: _asks(one, reject), "a higher ballot than the rejected one")
        lines += [] if reject.leader else asked
        return explanation(f"ballot {reject.ballot} of node {event.node} was rejected by node {event.source}", lines)

    def _latest(self, before: int, fits: Callable[[Event], bool], meaning: str) -> list[Line]:
        """The last event before another one that fits."""
        index = next((at for at in range(before, -1, -1) if fits(self._run.events[at])), NOWHERE)
        return [] if index == NOWHERE else [Line(index, f"{happened(self._run, index).text}: {meaning}")]

    def lost_campaigns(self) -> list[Campaign]:
        """The campaigns that ended without the lead, and the pre-votes that too few granted."""
        return [campaign for campaign in self.campaigns if self._is_lost(campaign)]

    def campaign_end(self, campaign: Campaign) -> int:
        """The event at which it was over; the last one if it was not."""
        return campaign.end if campaign.end != NOWHERE else len(self._run.events) - 1

    def _is_lost(self, campaign: Campaign) -> bool:
        if campaign.won or campaign.end == NOWHERE:
            return False
        ended = self._run.events[campaign.end]
        goes_on = isinstance(ended, MessageSent) and isinstance(ended.message, Prepare) and campaign.ballot is None
        return not goes_on


def _ends(event: Event, node: int) -> bool:
    """True for a fault that ends a node, and for its own word that it stops."""
    if isinstance(event, FaultInjected):
        return isinstance(event.fault, Crash | Kill) and event.fault.node == node
    return isinstance(event, NodeReported) and event.node == node and isinstance(event.report, NodeFailed)


def _hears_leader(event: Event, node: int) -> bool:
    return isinstance(event, MessageDelivered) and event.node == node and isinstance(event.message, Heartbeat)


def _asks(event: Event, reject: Reject) -> bool:
    asks = isinstance(event, MessageSent) and isinstance(event.message, Prepare)
    return asks and event.message.ballot == reject.promised  # type: ignore[attr-defined]
