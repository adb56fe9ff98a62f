"""Carries out a plan and leaves the cluster standing, so that a property can look at files, chains and histories.

`explore.trial.run_trial` judges by the online checks; what stands here judges again from outside, by what any client or
auditor can see, and shares nothing with them but the bound on the healing.
"""

from __future__ import annotations

from blog.answers import look
from blog.blog import Blog
from blog.operations import Post
from simulator.checks.audit import verify_directory
from simulator.cluster.interface import Answer, AnswerKind, Cluster, Query, Ticket
from simulator.errors import InputError
from simulator.faults.faults import ClockFault, DiskFault, Fault, Heal, Release, Restart, Resume
from simulator.node.codec import parse_block, parse_operations
from simulator.tools.explore.bound import bound_ms
from simulator.tools.explore.schedule import Again, Schedule, ScheduledFault, Write
from simulator.tools.explore.trial import Outcome, run_trial
from simulator.worlds.virtual.cluster import VirtualCluster

KNOWN = frozenset({AnswerKind.OK, AnswerKind.REFUSED})


class Life:
    """One run from its start to its recovery. `writes` by their content, `reads` in order of asking."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.cluster = VirtualCluster(schedule.settings, keep_trace=False)
        self.writes: dict[str, Ticket] = {}
        self.reads: list[Ticket] = []
        for what in schedule.in_order():
            self.cluster.run(what.at_ms)
            if isinstance(what, ScheduledFault):
                scheduled(self.cluster, what.fault)
            elif isinstance(what, Write):
                self.writes[what.content] = self.cluster.submit(
                    what.node, what.operation(), process=what.client, session=what.session
                )
            elif isinstance(what, Again):
                self.cluster.ask_again(self.writes[what.content], what.node, answered=what.answered)
            else:
                self.reads.append(self.cluster.read(what.node, what.query(), process=what.client))
        self.cluster.run(schedule.heals_ms)
        heal(self.cluster)
        for machine in self.cluster.machines.values():
            machine.disk.crash_at = None  # A crash that waits for its moment is a fault too.
            scheduled(self.cluster, Restart(machine.me))
        recovers(self.cluster, bound_ms(schedule))

    @property
    def chain(self) -> list[str]:
        """The lines of blockchain.txt of node 1."""
        return self.cluster.chain_lines(1, 1, self.cluster.status(1).height)

    def contents(self) -> list[str]:
        """The contents of all writes on the chain that took effect, in order: a replay of our own."""
        blog, seen, found = Blog(), set(), []
        for line in self.chain:
            for operation, client, seq in parse_operations(parse_block(line).operations_text):
                if (client, seq) not in seen:
                    seen.add((client, seq))
                    if blog.apply(operation).value == "ok":
                        found.append(operation.content)
        return found

    def blog_at(self, height: int) -> Blog:
        """The blog after this many blocks, by a replay of our own."""
        blog, seen = Blog(), set()
        for line in self.chain[:height]:
            for operation, client, seq in parse_operations(parse_block(line).operations_text):
                if (client, seq) not in seen:
                    seen.add((client, seq))
                    blog.apply(operation)
        return blog


def text(schedule: Schedule) -> str:
    """How to see a run again: as Python, and as the lines of a scenario file for `paxsim run FILE`."""
    return "\n".join(["", f"seed {schedule.settings.seed}: run_plan(", f"    {schedule!r}", ")", *schedule.lines()])


def judge(schedule: Schedule) -> Outcome:
    """Carry out a plan; raise an `AssertionError` that tells how to see it again when anything is violated."""
    outcome = run_trial(schedule)
    assert not outcome.violations, (
        f"{outcome.violations[0].invariant}: {outcome.violations[0].sentence()}{text(schedule)}"
    )
    assert not outcome.bugs, outcome.bugs[0] + text(schedule)
    return outcome


def scheduled(cluster: Cluster, fault: Fault) -> bool:
    """Carry out a fault if it can be: a node that is down cannot be killed."""
    try:
        cluster.apply(fault)
    except InputError:
        return False
    return True


def heal(cluster: Cluster) -> None:
    """End every fault: links whole, disks and clocks right, nodes up and awake."""
    scheduled(cluster, Release())
    cluster.apply(Heal())
    for node in cluster.settings.node_ids:
        scheduled(cluster, DiskFault(node, "ok"))
        if cluster.world == "virtual":
            cluster.apply(ClockFault(node))
        life = cluster.status(node).life
        if life != "up":
            scheduled(cluster, Resume(node) if life == "paused" else Restart(node))


def recovers(cluster: Cluster, within_ms: int) -> None:
    """Demand that a write at each node is answered, and that all chains become equal."""
    nodes = cluster.settings.node_ids
    until = cluster.now_ms() + within_ms
    probes = [cluster.submit(n, Post(username="nobody", title=f"peace {n} {until}", content="")) for n in nodes]

    def answered() -> bool:
        return all(probe.done for probe in probes)

    def together() -> bool:
        states = [cluster.status(node) for node in nodes]
        return all(s.life == "up" and s.hash == states[0].hash and s.decided == s.height for s in states)

    assert cluster.wait(answered, until - cluster.now_ms()), "progress: a write has no answer"
    fates = [answer_of(probe).kind for probe in probes]
    assert set(fates) == {AnswerKind.OK}, f"progress: writes were answered {fates}"
    assert cluster.wait(together, max(1, until - cluster.now_ms())), "convergence: the chains are not equal"


def answer_of(ticket: Ticket) -> Answer:
    """The answer of a request that has one."""
    assert ticket.answer is not None
    return ticket.answer


def audit(cluster: VirtualCluster, difficulty: int) -> list[str]:
    """What `paxsim verify` has to say of every node's files, as they stand on the simulated disks."""
    with cluster.files() as folder:
        report = verify_directory(folder, difficulty)
    return [problem for node in report.nodes for problem in node.problems]


def shown(blog: Blog, query: Query) -> object:
    """What a read of a blog must give."""
    return look(blog, query.kind, query.name).result
