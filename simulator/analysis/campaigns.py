"""Campaigns: who asked for a ballot, who promised, who refused, which messages were lost, and how it ended."""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot
from paxos.messages import Prepare, PreVote, PreVoteReply, Promise, Reject
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.node.client_api import NoteLine
from simulator.trace.events import IncarnationEnded, MessageDelivered, MessageLost, MessageSent, NodeReported


class Campaign(msgspec.Struct, kw_only=True):
    """One try to lead, from event `begin` (PRE-VOTE or PREPARE was sent) to `end` (`NOWHERE`: it was still open).

    `ballot` is None as long as it was only a pre-vote. `granted` are the nodes whose consent arrived, the candidate
    included; `refused` and `lost` name events: refusals that arrived, and requests or answers that were lost.
    """

    node: int
    begin: int
    ballot: Ballot | None = None
    granted: set[int]
    refused: list[int]
    lost: list[int]
    end: int = NOWHERE
    won: bool = False


def campaigns_of(run: RecordedRun) -> list[Campaign]:
    """All of them, in the order in which they began. A repeated PREPARE belongs to the first of its ballot."""
    found: list[Campaign] = []
    current: dict[int, Campaign] = {}
    for index, event in enumerate(run.events):
        match event:
            case MessageSent(node=node, message=Prepare(ballot=ballot)):
                before = current.get(node)
                if before is None or before.ballot != ballot:
                    _end(current, node, index)
                    found.append(_new(current, node, index, ballot))
            case MessageSent(node=node, message=PreVote()):
                _end(current, node, index)
                found.append(_new(current, node, index, None))
            case MessageDelivered() | MessageLost():
                _message(run, current, index, event)
            case NodeReported(node=node, report=NoteLine(kind=kind)) if kind in {"leader", "follows"}:
                if node in current:
                    current[node].won = kind == "leader"
                    _end(current, node, index)
            case IncarnationEnded(node=node):
                _end(current, node, index)
            case _:
                pass
    return found


def _new(current: dict[int, Campaign], node: int, index: int, ballot: Ballot | None) -> Campaign:
    made = Campaign(node=node, begin=index, ballot=ballot, granted={node}, refused=[], lost=[])
    current[node] = made
    return made


def _end(current: dict[int, Campaign], node: int, index: int) -> None:
    ended = current.pop(node, None)
    if ended is not None:
        ended.end = index


def _message(run: RecordedRun, current: dict[int, Campaign], index: int, event: MessageDelivered | MessageLost) -> None:
    message = event.message
    asks = isinstance(message, PreVote | Prepare)
    owner = event.source if asks else event.node
    campaign = current.get(owner)
    if campaign is None or run.sending[index] < campaign.begin or not _belongs(message, campaign):
        return
    if isinstance(event, MessageLost):
        campaign.lost.append(index)
    elif isinstance(message, Promise) or (isinstance(message, PreVoteReply) and message.would_grant):
        campaign.granted.add(event.source)
    elif not asks:
        campaign.refused.append(index)


def _belongs(message: object, campaign: Campaign) -> bool:
    if isinstance(message, Prepare | Promise | Reject):
        return message.ballot == campaign.ballot
    return isinstance(message, PreVote | PreVoteReply) and campaign.ballot is None
