"""How soon a cluster must recover once its faults have ended.

At `heals_ms` all links are made whole, all disks and clocks right, and all nodes are up;
then the permanent faults are injected. From then on faults change nothing, so writes must be answered again and all
nodes must reach the same chain. How soon depends on the timeouts that nodes have learned, which follow measured round
trips and never fall at once. Let R be the longest round trip that the schedule's link conditions, holds and clocks can
have caused. The election timeout is at most E = max(200, 2R + 100, 900) ms (`paxos/timeouts.py`), and an unanswered
message is sent again after at most 4(2R + 100) ms. A timer set on a clock that then jumps back by J in all fires J
late. So

    B = 4E + 4(2R + 100) + J + 1,000 ms:

four election timeouts until one leader stands (one to notice, the rest for rivals whose pauses are random and grow; the
protocol grants the same four in partial partitions), one longest resend for what was lost just before the healing, the
late timers, and a second to fetch, mine and sync what was missed. Requests that wait already come first, 2R for each
window of them, and so do the catch-up replies of the node that is farthest behind, R each: it may lack every slot that
any node has voted in, since what was sent to it before the healing was lost and the others decide without it. Where
messages go on being lost, each step may have to be repeated, and four times as much is allowed.
"""

from __future__ import annotations

from simulator.faults.faults import (
    ClockFault,
    DeliverHeld,
    Fault,
    Hold,
    KeepCopies,
    LinkConditions,
    Pause,
    Release,
    Resume,
)
from simulator.settings import Settings
from simulator.tools.explore.schedule import Schedule, ScheduledFault

CLEAR_ROUND_TRIP_MS = 20
"""A round trip on links without conditions, in milliseconds: two links and two syncs."""
LONGEST_TAUGHT_MS = 20_000
"""A longer sample counts as this (`paxos/timeouts.py`)."""
BLOCK_BYTES, REQUEST_BYTES = 250, 120
"""The most characters of a block without requests, and of each request of these schedules."""
TEACHING = ("heartbeat-ack", "promise", "pre-vote-reply")
"""The answers by which a node measures a round trip: a late copy of one teaches it a slow network."""
LOSSY_FACTOR = 4
"""At a loss of one in five, four tries fail once in 600."""


def bound_ms(schedule: Schedule, waiting: int = 0, behind: int = 0) -> int:
    """The time after the healing within which the cluster must recover: see the module.

    `waiting` requests have no answer yet; the node that is farthest behind lacks `behind` of the slots that any has
    voted in.
    """
    round_trip = round_trip_ms(schedule)
    election = max(200, 2 * round_trip + 100, 900)
    first = 2 * round_trip * -(-waiting // (schedule.settings.window * schedule.settings.ops_per_block))
    missing = behind + waiting + schedule.settings.nodes  # What is decided meanwhile is missing too.
    first += round_trip * (missing // _slots_a_reply(schedule.settings))
    bound = 4 * election + 4 * (2 * round_trip + 100) + lateness_ms(schedule) + 1_000 + first
    return (
        LOSSY_FACTOR * bound
        if any(isinstance(f, LinkConditions) and f.rule.drop for f in schedule.permanent)
        else bound
    )


def _slots_a_reply(settings: Settings) -> int:
    """How many slots a catch-up reply holds at least, when more are missing."""
    longest = BLOCK_BYTES + REQUEST_BYTES * settings.ops_per_block
    return max(1, min(settings.limits.catchup_slots, settings.limits.reply_bytes // longest))


def round_trip_ms(schedule: Schedule) -> int:
    """The longest round trip that a node can have measured."""
    return min(CLEAR_ROUND_TRIP_MS + _slowness(schedule), LONGEST_TAUGHT_MS)


def _slowness(schedule: Schedule) -> int:
    """The milliseconds by which a round trip may have been longer than on clear links."""
    conditions = clock = stood = held = late = 0
    copied: dict[str, int] = {}  # Since when copies are kept.
    since: dict[int, int] = {}  # When each paused node was paused, and (0) when holding began.
    for scheduled in (
        *schedule.faults,
        *(ScheduledFault(schedule.heals_ms, fault) for fault in (*_awakenings(schedule), *schedule.permanent)),
    ):
        match scheduled.fault:
            case LinkConditions(rule):
                one_way = rule.delay_ms + rule.jitter_ms
                conditions = max(conditions, 2 * one_way + (2 * max(5, one_way) if rule.reorder else 0))
            case ClockFault(_, rate_percent, jump_ms):
                clock = max(clock, jump_ms, (rate_percent - 100) * 10)
            case KeepCopies(kind) if kind in TEACHING:
                copied.setdefault(kind, scheduled.at_ms)
            case Hold():
                since.setdefault(0, scheduled.at_ms)
            case DeliverHeld():
                late = max([late, *(scheduled.at_ms - at_ms for at_ms in copied.values())])
            case Release():
                late = max([late, *(scheduled.at_ms - at_ms for at_ms in copied.values())])
                held = max(held, scheduled.at_ms - since.pop(0, scheduled.at_ms))
            case Pause(node):
                since.setdefault(node, scheduled.at_ms)
            case Resume(node):
                stood = max(stood, scheduled.at_ms - since.pop(node, scheduled.at_ms))
            case _:
                pass
    return conditions + clock + stood + max(held, late)


def _awakenings(schedule: Schedule) -> list[Fault]:
    return [Release(), *(Resume(node) for node in schedule.settings.node_ids)]


def lateness_ms(schedule: Schedule) -> int:
    """The milliseconds by which timers of one node may fire late: all its clock's jumps back together."""
    back: dict[int, int] = {}
    for scheduled in schedule.faults:
        fault = scheduled.fault
        if isinstance(fault, ClockFault):
            back[fault.node] = back.get(fault.node, 0) + max(0, -fault.jump_ms)
    return max(back.values(), default=0)
