"""The core, three acceptors A, B and C (nodes 1, 2 and 3): the smallest bad day for each rule, told by hand.

Every story is told twice: with the protocol as it is nothing goes wrong, and with the rule broken it is noticed.
"""

from __future__ import annotations

from paxos.ballot import Ballot
from paxos.effects import Timer
from paxos.messages import Accept, Accepted, Prepare, PreVote, PreVoteReply, Promise
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


def a_late_accept(rule: str | None) -> PuppetCluster:
    """A leads; its ACCEPT of X is long underway. C leads with B, and Y is chosen. Then X reaches B."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)
    cluster.deliver(Accept, source=A, to=B)
    cluster.deliver(Accepted, source=B, to=A)
    return cluster


@tells_of("accept-ignores-promise", "refused-but-acknowledged", "lowest-id-wins")
def test_a_late_accept_of_an_older_ballot_is_refused(rule: str | None) -> None:
    """B has promised C's ballot, so A's value, sent before, finds no ear: two values for slot 1 would be chosen."""
    cluster = a_late_accept(rule)

    judge(rule, cluster.broken(), well=cluster.height(A) == 0)


@tells_of("promise-goes-down")
def test_a_late_prepare_lowers_no_promise(rule: str | None) -> None:
    """A's PREPARE comes after B has promised C's higher ballot: if it were promised, A's ACCEPTs would follow."""
    cluster = PuppetCluster(rule)
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, source=A, to=B)
    cluster.deliver(PreVoteReply, source=B, to=A)
    cluster.tick()
    cluster.elect(C, B)
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)
    cluster.tick()

    cluster.deliver(Prepare, source=A, to=B)
    cluster.deliver(Promise, source=B, to=A)

    judge(rule, cluster.broken(), well=not cluster.leads(A))


def x_is_chosen_and_a_dies(rule: str | None) -> PuppetCluster:
    """X is chosen by A and B in slot 1, B does not know it yet, and A dies."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.lose()
    cluster.crash(A)
    cluster.tick()
    return cluster


@tells_of("ignore-reported-values")
def test_a_new_leader_takes_what_a_promise_reports(rule: str | None) -> None:
    """C leads with B's promise, which reports X. C's own client has another wish, and must get slot 2."""
    cluster = x_is_chosen_and_a_dies(rule)

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=cluster.height(C) == 2)


@tells_of("own-log-only")
def test_the_own_log_is_not_enough(rule: str | None) -> None:
    """C has nothing in slot 1; B, whose promise it has, holds the X that was chosen."""
    cluster = x_is_chosen_and_a_dies(rule)

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken())


@tells_of("lowest-ballot-wins", "lowest-ballot-wins-first")
def test_of_two_reports_the_higher_ballot_counts(rule: str | None) -> None:
    """X at A alone, from A's first ballot; Y chosen at B and C, at C's. A leads again and hears of both from B."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.lose()
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)
    cluster.lose()
    cluster.tick()
    cluster.ring(A, Timer.HEARTBEAT)  # Nobody has answered it for long: it leads no longer.
    cluster.tick()

    cluster.elect(A, B)
    cluster.flow(A, B)

    judge(rule, cluster.broken())


@tells_of("lowest-ballot-wins-last")
def test_of_two_reports_the_higher_ballot_counts_in_whatever_order_they_came(rule: str | None) -> None:
    """The same with the roles changed: C, which holds the chosen Y, leads again, and A's old X is reported last."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.lose()
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B, answer=False)
    cluster.lose()
    cluster.tick()
    cluster.crash(C)
    cluster.restart(C)
    cluster.ring(A, Timer.HEARTBEAT)
    cluster.lose()

    cluster.tick()
    cluster.elect(C, A)
    cluster.flow(A, C)

    judge(rule, cluster.broken())


@tells_of("lowest-ballot-wins-most-common")
def test_a_majority_of_reports_is_no_argument(rule: str | None) -> None:
    """Of five, three hold Y of a higher ballot and two an older X. A quorum reports X twice and Y once."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 3, 4)
    cluster.write(1, "X")
    cluster.accept(1, 2, answer=False)
    cluster.lose()
    cluster.tick()
    cluster.elect(5, 3, 4)
    cluster.write(5, "Y")
    cluster.accept(5, 3, 4, answer=False)
    cluster.lose()
    cluster.tick()
    cluster.ring(1, Timer.HEARTBEAT)
    cluster.tick()

    cluster.elect(1, 2, 3)
    cluster.flow(1, 2, 3)

    judge(rule, cluster.broken())


@tells_of("small-promise-quorum", "skip-phase-one")
def test_half_of_the_promises_is_not_enough(rule: str | None) -> None:
    """A's campaign is promised by nobody but itself; it has a write to place."""
    cluster = PuppetCluster(rule)
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, source=A, to=B)
    cluster.deliver(PreVoteReply, source=B, to=A)
    cluster.write(A, "X")

    judge(rule, cluster.broken(), well=not cluster.leads(A))


@tells_of("small-accept-quorum", "halves-merge")
def test_one_acceptance_of_three_is_not_enough(rule: str | None) -> None:
    """Nobody hears A's ACCEPT. Its own vote alone chooses nothing."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")

    judge(rule, cluster.broken(), well=cluster.height(A) == 0)


@tells_of("duplicates-fill-quorum")
def test_a_vote_that_comes_twice_counts_once(rule: str | None) -> None:
    """Of five, A and B have accepted X; B's answer comes three times."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 2, 3)
    cluster.write(1, "X")
    cluster.deliver(Accept, source=1, to=2)
    for _ in range(3):
        cluster.deliver(Accepted, source=2, to=1, keep=True)

    judge(rule, cluster.broken(), well=cluster.height(1) == 0)


@tells_of("accepted-by-slot-only")
def test_an_acknowledgement_counts_for_its_own_ballot(rule: str | None) -> None:
    """Of five, A and B hold X at A's first ballot, A and C at its second; B's answer to the first comes late."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 3, 4)
    cluster.write(1, "X")
    cluster.deliver(Accept, source=1, to=2)
    late = cluster.letters_of(Accepted, source=2, to=1)
    cluster.lose(Accept)
    cluster.tick()
    cluster.ring(1, Timer.HEARTBEAT)
    cluster.tick()
    cluster.elect(1, 3, 4)
    cluster.accept(1, 3)

    cluster.deliver(Accepted, source=2, to=1, ballot=Ballot(1, 1))

    assert len(late) == 1
    judge(rule, cluster.broken(), well=cluster.height(1) == 0)


@tells_of("ballot-reused")
def test_a_ballot_is_opened_once_in_all_lives(rule: str | None) -> None:
    """A leads, dies before anybody has its value, comes back and campaigns again: with a higher ballot."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.crash(A)
    cluster.restart(A)
    cluster.elect(A, C)
    cluster.write(A, "Y")
    cluster.flow(A, C)

    judge(rule, cluster.broken())


@tells_of("acceptance-raises-nothing")
def test_a_vote_is_a_promise_too(rule: str | None) -> None:
    """Of five, 2 promised 1, never heard 5 campaign, and votes for 5's value: 1's older ACCEPT then comes too late."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 2, 3)
    cluster.write(1, "X")
    cluster.tick()
    cluster.elect(5, 3, 4)
    cluster.write(5, "Y")
    cluster.deliver(Accept, source=5, to=2)

    cluster.deliver(Accept, source=1, to=2)

    judge(rule, cluster.broken())


@tells_of("acceptance-wiped-by-promise")
def test_a_promise_leaves_votes_alone(rule: str | None) -> None:
    """X is chosen at A and B. B promises C, in vain; B promises C's next ballot too, and must tell of X again."""
    cluster = x_is_chosen_and_a_dies(rule)
    cluster.ring(C, Timer.ELECTION)
    cluster.deliver(PreVote, source=C, to=B)
    cluster.deliver(PreVoteReply, source=B, to=C)
    cluster.deliver(Prepare, source=C, to=B)
    cluster.lose(Promise)
    cluster.crash(C)
    cluster.restart(C)
    cluster.tick()

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken())


@tells_of("speak-before-sync", "promise-not-kept")
def test_a_promise_is_on_disk_before_it_is_said(rule: str | None) -> None:
    """B promises A, dies, and comes back: what it said must stand in its journal."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.crash(B)
    cluster.restart(B)

    judge(rule, cluster.broken())


@tells_of("found-not-synced")
def test_what_a_killed_process_wrote_is_safe_before_it_is_said_again(rule: str | None) -> None:
    """B dies while it syncs its promise. The next process finds it, gives it again, and then the power fails."""
    cluster = PuppetCluster(rule)
    durable = cluster.journal_bytes(B)
    cluster.ring(A, Timer.ELECTION)
    cluster.deliver(PreVote, to=B)
    cluster.deliver(PreVoteReply, source=B)
    cluster.deliver(Prepare, to=B, keep=True)
    cluster.lose(Promise, source=B)
    cluster.kill(B, durable)
    cluster.restart(B)
    cluster.deliver(Prepare, to=B)
    repeated = cluster.letters_of(Promise, source=B)
    cluster.crash(B)
    cluster.restart(B)

    judge(rule, cluster.broken(), well=bool(repeated))


@tells_of("acceptance-not-kept")
def test_an_acceptance_is_on_disk_before_it_is_said(rule: str | None) -> None:
    """X is chosen by A and B; B dies and comes back, and leads with C: it must know X still."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.lose()
    cluster.crash(B)
    cluster.restart(B)
    cluster.crash(A)
    cluster.tick()
    cluster.elect(B, C)
    cluster.write(B, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken())
