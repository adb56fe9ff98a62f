"""Writes docs/partial-partitions.md: `python -m tests.scenarios.table [SEEDS]`, 100 seeds a row, one or two minutes.

What is demanded stands here too (`demand`), so that the page, the program that writes it and the tests say the same.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from tests.scenarios.partial_partitions import ROWS, Measured, Row, measure

PAGE = Path(__file__).parents[2] / "docs" / "partial-partitions.md"
SEEDS = 100
MOST_TIMEOUTS = 4.0
MOST_TIMEOUTS_LOSSY = 8.0
MOST_CHANGES = 2
"""Rivals may begin to lead in the same moment; the one with the lower ballot gives way when it is refused."""

HEAD = """\
# Partial partitions

Links fail one by one, and then the nodes are not split into two sides: each reaches some of the others. Real systems
have stood still for hours like this, or changed their leader without end (Ng et al., *Omni-Paxos*, EuroSys 2023). This
page shows how our nodes fare. It is written by

    python -m tests.scenarios.table

from {seeds} seeds a row of the virtual world, and held by `tests/scenarios/test_partial_partitions.py`. The same three
stories with five real processes: `paxsim run 12-quorum-loss 13-constrained-election 14-chained`.

## The shapes

- **Quorum loss.** Only one node, the hub, reaches a majority, and the leader is connected to it alone. The hub hears a
  leader and could be content; the leader hears the hub and could go on for ever without deciding anything. It must
  notice that it has lost its majority and announce its step-down, and the hub must take over. (Of 3 nodes, the leader
  and the hub are a majority: nothing is lost, and the leader must stay.)
- **Constrained election.** The leader is gone, and only the hub reaches a majority; but it was cut off before and has
  missed what was decided. It must lead all the same, and learn first.
- **Chained.** The nodes stand in a row and reach their neighbours only. A node that does not hear the leader must
  not unseat it. A node in a row of 7 reaches 3 with itself, and 4 are a majority: **nobody may lead**, no write can be
  answered, and the old leader must step down. So that a row of 7 is tried at all, it comes with two neighbours each way
  too.

## What is measured

From the moment at which the links are cut, for 8 s, while every live node gets a write every 400 ms:

- *stable after*: the time until a node began or ceased to lead for the last time, in election timeouts. A timeout is
  the longest that any node had learned by then: 200 ms, more where lost heartbeats have lengthened it.
- *changes*: how many times a node began to lead; 0 where the leader from before went on.
- *answered*: the share of the writes that were carried out within the 8 s, those at the ends of the row among them:
  they are passed on from node to node.

| shape | nodes | links | stable after: median | worst | changes: median | worst | answered: median | worst |
| --- | --- | --- | --- | --- | --- | --- | --- | --- |
"""

FOOT = """
## What is demanded

- On whole links, of every seed: within four election timeouts one leader stands, and from then on nobody else begins
  to lead; every write is answered. Two changes at most: in a row, rivals on either side of the middle may win it one
  after the other in the same moment; the one with the lower ballot gives way as soon as it is refused.
- In a chained row of 7: no leader after four timeouts, no change, no write answered.
- On lossy links, of every seed: within {lossy:g} timeouts and {changes} changes, the same leader to the end; of all
  seeds together: four timeouts in the median. A tenth of all messages is lost each way, so an attempt to lead that
  needs a certain node's promise fails once in five times, and costs up to two timeouts more: a bound that holds on
  whole links for every seed holds here for most. Writes may be under way still when the 8 s end: 19 of 20 must be
  answered.
- Always: every invariant of the protocol holds, and once all is healed the nodes come to one chain.

## Ways around links that are cut one way

Links may be cut one way, and then a node may hear others that do not hear it. Rule 7 demands that a way is found
whenever there is one: *whatever links are cut, while faults stand still, a node that has a way to a leader with a
majority, and a way back, is served*, through any peers, and on two different ways if need be. Served means that it
knows the leader, its requests reach it, answers come back, and it fetches what is decided.

How:

- A node is *cut off* when it lacks a link to or from a leader. It sees the one by its election timer, which fires twice
  without a leader in between; the other by the leader's heartbeats, which list whose answers arrive.
- A node that is cut off sends LINK-STATES to all: a row for itself, and the newest row of every other node that it
  knows. A row says whom the node hears, whether it leads, its decided prefix, and whether it is cut off. Who receives a
  row of a node that is cut off does the same, so the rows of all spread as far as links carry them.
- A row counts for five rounds without a newer version. No version makes a row fresh twice, so the rows of a node that
  is gone age out everywhere, however often they are repeated.
- With the rows a node finds the shortest way to any other, and sends requests, answers, CATCHUP and its replies as
  RELAY along it. The path is in the message, and every hop makes it shorter.

Why that finds every way: let there be a way from X to the leader L, and one back. Every node on the two ways has itself
a way to X and a way from X. The row of V travels wherever V's messages do, so it comes to X; and it says who is heard
by V. So X knows every link of the way there, and L every link of the way back. The row of L also tells X who leads.

Why it disturbs nobody: no promise, vote, pre-vote or acknowledgement is relayed. What is relayed may be late, lost,
doubled, or of an earlier incarnation, as any message may; safety never depended on it. The leader counts only what its
own links bring, so a row of 7 still has no leader. A node that is named by others, and not heard, is followed, but a
pre-vote is refused only by who hears a leader: X can neither unseat L nor keep a dead leader in office.

What it costs: nothing while no node is cut off, not a message and not a timer. While one is, each node sends its rows
to all peers every 200 ms (four heartbeat intervals), and when there is news sooner, at most every 50 ms (one interval).
So there are at most n(n - 1) messages an interval, as many as if every node led and sent heartbeats. A relayed message
costs as many messages as its way has links, less than n. When nobody is cut off any more, each node sends its rows
once more and falls silent.

`tests/scenarios/one_way_topologies.py` draws topologies: links are cut one way with a chance of 0.55 to 0.85, the
leader keeps a majority, and every node with a way there and back gets a write, and then a linearizable read that must
show it, each to be answered within five election timeouts. All of 600 topologies each of 3, 5, 7 and 9 nodes are
served, and the leader stays. `paxsim explore` draws lasting one-way cuts too, and demands the same. Small cases on five
real processes: `tests/scenarios/test_one_way_cuts.py`.
"""


def demand(measured: Measured) -> None:
    """Raise `AssertionError` when a run falls short of what the page says."""
    row = measured.row
    assert not measured.problems, measured.text()
    if row.leaderless:
        assert measured.leader == measured.changes == measured.answered == 0, measured.text()
        assert measured.timeouts <= MOST_TIMEOUTS * (2 if row.loss else 1), measured.text()
    elif row.loss:
        assert measured.leader, measured.text()
        assert measured.timeouts <= MOST_TIMEOUTS_LOSSY, measured.text()
        assert measured.changes <= MOST_CHANGES, measured.text()
        assert measured.answered >= 0.95, measured.text()
    else:
        assert measured.leader, measured.text()
        assert measured.timeouts <= MOST_TIMEOUTS, measured.text()
        assert measured.changes <= MOST_CHANGES, measured.text()
        assert measured.answered == 1, measured.text()


def demand_of_median(runs: Sequence[Measured]) -> None:
    """What is demanded of many seeds together: loss does not make the usual run worse than four timeouts."""
    assert median(run.timeouts for run in runs) <= MOST_TIMEOUTS
    assert median(run.changes for run in runs) <= 1


def line(row: Row, runs: Sequence[Measured]) -> str:
    """One line of the table."""
    timeouts = [run.timeouts for run in runs]
    changes = [run.changes for run in runs]
    answered = [run.answered for run in runs]
    links = f"{row.loss:.0%} lost" if row.loss else "whole"
    shape = f"{row.shape} (nobody may lead)" if row.leaderless else row.shape
    return (
        f"| {shape} | {row.nodes} | {links} | {median(timeouts):.1f} | {max(timeouts):.1f} | {median(changes):g} | "
        f"{max(changes)} | {median(answered):.1%} | {min(answered):.1%} |\n"
    )


def page(seeds: int = SEEDS) -> str:
    """The whole page, measured now. Every run of it is held to what it demands."""
    lines = [HEAD.format(seeds=seeds)]
    for row in ROWS:
        runs = [measure(row, seed) for seed in range(seeds)]
        for run in runs:
            demand(run)
        demand_of_median(runs)
        lines.append(line(row, runs))
    return "".join([*lines, FOOT.format(lossy=MOST_TIMEOUTS_LOSSY, changes=MOST_CHANGES)])


if __name__ == "__main__":
    PAGE.write_text(page(int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS), encoding="utf-8")
