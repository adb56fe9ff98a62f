"""Elections and transport: who leads, who stops, and that somebody does in the end. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

from blog.operations import Post
from paxos.ballot import Ballot
from paxos.effects import Timer
from paxos.messages import Accept, Accepted, Prepare, PreVote, PreVoteReply, Promise, Reject
from simulator.faults.faults import CutLink, LinkConditions
from simulator.faults.links import LinkRule
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


@tells_of("promise-by-ping")
def test_a_promise_holds_though_its_owner_is_silent(rule: str | None) -> None:
    """B has promised C and voted for Y; C is silent for a second, and then A's old ACCEPT of X arrives."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)
    cluster.tick()

    cluster.deliver(Accept, source=A, to=B)
    cluster.deliver(Accepted, source=B, to=A)

    judge(rule, cluster.broken())


def a_refusal_comes_late(rule: str | None, *, simulated: bool = False) -> PuppetCluster:
    """C has refused A's first campaign; A has won with a higher one; the refusal is underway."""
    cluster = PuppetCluster(rule, simulated=simulated)
    cluster.ring(C, Timer.ELECTION)
    cluster.deliver(PreVote, source=C, to=B)
    cluster.deliver(PreVoteReply, source=B, to=C)  # C has opened ballot 1.3, and nobody hears of it.
    cluster.lose(Prepare)
    cluster.tick()
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, source=A, to=B)
    cluster.deliver(PreVoteReply, source=B, to=A)
    cluster.deliver(Prepare, source=A, to=C)
    cluster.lose(Prepare)
    cluster.ring(A, Timer.ELECTION)  # The campaign has failed.
    cluster.tick()
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, source=A, to=(B, C))
    cluster.deliver(PreVoteReply, to=A)
    cluster.deliver(Prepare, source=A, to=B)
    cluster.deliver(Promise, source=B, to=A)
    assert cluster.leads(A)

    return cluster


@tells_of("any-refusal-unseats")
def test_a_leader_that_works_stays_whoever_refuses_an_older_ballot(rule: str | None) -> None:
    """B follows A and says so; then the refusal of A's first campaign arrives."""
    cluster = a_refusal_comes_late(rule, simulated=True)
    cluster.flow(A, B)
    cluster.tick(20)

    cluster.deliver(Reject, source=C, to=A, ballot=Ballot(1, A))

    judge(rule, cluster.broken(), well=cluster.leads(A))


@tells_of("grant-though-heard")
def test_a_node_that_hears_a_leader_grants_no_other_campaign(rule: str | None) -> None:
    """B has just acknowledged A; C, who hears nobody, asks whether B would promise it a ballot."""
    cluster = PuppetCluster(rule, simulated=True)
    cluster.elect(A, B)
    cluster.flow(A, B)

    cluster.ring(C, Timer.ELECTION)
    cluster.deliver(PreVote, source=C, to=B)

    judge(rule, cluster.broken())


@tells_of("campaign-unasked")
def test_nobody_campaigns_unasked_while_a_leader_works(rule: str | None) -> None:
    """C hears nobody. It must ask before it opens a ballot, and B, who follows A, would say no."""
    cluster = PuppetCluster(rule, simulated=True)
    cluster.elect(A, B)
    cluster.flow(A, B)
    cluster.tick(20)

    cluster.ring(C, Timer.ELECTION)

    judge(rule, cluster.broken(), well=cluster.letters_of(PreVote, source=C) != [])


@tells_of("stale-reject-deposes")
def test_a_refusal_of_an_older_campaign_changes_nothing(rule: str | None) -> None:
    """C refuses A's first campaign; A wins with a higher one; then the refusal arrives."""
    cluster = a_refusal_comes_late(rule)
    cluster.deliver(Reject, source=C, to=A, ballot=Ballot(1, A))
    request = cluster.write(A, "X")
    cluster.flow(A, B)

    judge(rule, cluster.broken(), well=cluster.answered(request))


@tells_of("never-steps-down")
def test_a_leader_gives_way_to_a_higher_ballot(rule: str | None) -> None:
    """C leads while A is away; A comes back, hears of it, and passes its client's write on."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.flow(A, B)
    cluster.tick()
    cluster.elect(C, B)
    cluster.flow()
    request = cluster.write(A, "X")
    cluster.flow()

    judge(rule, cluster.broken(), well=cluster.answered(request) and not cluster.leads(A))


@tells_of("next-round-only")
def test_a_campaign_goes_above_every_ballot_seen(rule: str | None) -> None:
    """A has campaigned once, led for a while, and promised C's second ballot since."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.tick()
    cluster.ring(A, Timer.HEARTBEAT)
    for _ in range(2):
        cluster.tick()
        cluster.elect(C, A, B)
        cluster.crash(C)
        cluster.restart(C)
    assert not cluster.leads(A)
    cluster.tick()
    cluster.elect(A, B)

    judge(rule, cluster.broken(), well=cluster.leads(A))


@tells_of("equal-ballot-only")
def test_an_acceptor_that_missed_the_campaign_may_vote(rule: str | None) -> None:
    """B promised A and dies. C never heard of the campaign, and with A it is a majority."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.crash(B)
    request = cluster.write(A, "X")
    cluster.flow(A, C)

    judge(rule, cluster.broken(), well=cluster.answered(request))


@tells_of("send-once")
def test_what_is_lost_is_said_again(rule: str | None) -> None:
    """A's ACCEPT is lost; when its alarm rings it goes once more."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    request = cluster.write(A, "X")
    cluster.lose(Accept)
    cluster.tick(100)
    cluster.ring(A, Timer.RESEND)
    cluster.flow(A, B)

    judge(rule, cluster.broken(), well=cluster.answered(request))


@tells_of("text-ballots")
def test_the_tenth_election_is_won_like_the_ninth(rule: str | None) -> None:
    """A and C lead in turns, each with B's promise. As text, 10 comes before 9."""
    cluster = PuppetCluster(rule)
    won = []
    for number in range(12):
        node = (A, C)[number % 2]
        cluster.elect(node, B)
        won.append(cluster.leads(node))
        cluster.crash(node)
        cluster.restart(node)
        cluster.tick()

    judge(rule, cluster.broken(), well=all(won))


@tells_of("text-ballots-id-first")
def test_the_round_counts_before_the_node(rule: str | None) -> None:
    """C led with ballot 1.3; A's 2.1 is above it."""
    cluster = PuppetCluster(rule)
    cluster.elect(C, B)
    cluster.crash(C)
    cluster.tick()
    cluster.deliver(Prepare, to=A)
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, source=A, to=B)
    cluster.deliver(PreVoteReply, source=B, to=A)
    cluster.deliver(Prepare, source=A, to=B)
    cluster.deliver(Promise, source=B, to=A)

    judge(rule, cluster.broken(), well=cluster.leads(A))


@tells_of("quorum-of-the-living")
def test_a_majority_is_one_of_all_nodes(rule: str | None) -> None:
    """Of five, 1 and 2 reach each other and nobody else."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.ring(1, Timer.ELECTION)
    cluster.flow(1, 2)
    request = cluster.write(1, "X")
    cluster.flow(1, 2)

    judge(rule, cluster.broken(), well=not cluster.answered(request))


@tells_of("no-backoff")
def test_rivals_learn_to_wait(rule: str | None) -> None:
    """Every message takes a second from the beginning. Somebody leads all the same, before long."""
    cluster = VirtualCluster(Settings(nodes=3, data="", seed=3, break_rule=rule), keep_trace=False)
    cluster.apply(LinkConditions(LinkRule(delay_ms=1_000)))
    ticket = cluster.submit(1, Post("ann", "patience", "of three nodes"))

    cluster.wait(lambda: ticket.done, 60_000)

    judge(rule, cluster.checker.violations, well=ticket.answer is not None and ticket.answer.kind == "ok")


@tells_of("leader-heard-is-enough")
def test_a_leader_without_a_majority_gives_up(rule: str | None) -> None:
    """Quorum loss: only one node reaches all others, and the leader is linked to that one alone."""
    cluster = VirtualCluster(Settings(nodes=5, data="", seed=3, break_rule=rule), keep_trace=False)
    nodes = cluster.settings.node_ids
    leaders = [0]

    def somebody_leads() -> bool:
        leaders[:] = [node for node in nodes if cluster.status(node).role == "leader"]
        return len(leaders) == 1

    assert cluster.wait(somebody_leads, 5_000)
    centre = next(node for node in nodes if node != leaders[0])
    for a in nodes:
        for b in nodes:
            if a < b and centre not in (a, b):
                cluster.apply(CutLink(a, b))
    cluster.run(cluster.now_ms() + 2_000)
    ticket = cluster.submit(leaders[0], Post("ann", "quorum", "loss"))
    cluster.wait(lambda: ticket.done, 5_000)

    judge(rule, cluster.checker.violations, well=ticket.answer is not None and ticket.answer.kind == "ok")
