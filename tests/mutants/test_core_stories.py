"""The core, three acceptors A, B and C (nodes 1, 2 and 3): the smallest bad day for each rule, told by hand.

Every story is told twice: with the protocol as it is nothing goes wrong, and with the rule broken it is noticed.
"""

from __future__ import annotations

from paxos.ballot import Ballot
from paxos.effects import Timer
from paxos.messages import Accept, Accepted, Prepare, PreVote, PreVoteReply, Promise
from tests.mutants.stage import Stage, judge, tells_of

A, B, C = 1, 2, 3


def a_late_accept(rule: str | None) -> Stage:
    """A leads; its ACCEPT of X is long underway. C leads with B, and Y is chosen. Then X reaches B."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.tick()
    stage.elect(C, B)
    stage.write(C, "Y")
    stage.accept(C, B)
    stage.deliver(Accept, source=A, to=B)
    stage.deliver(Accepted, source=B, to=A)
    return stage


@tells_of("accept-ignores-promise", "refused-but-acknowledged", "lowest-id-wins")
def test_a_late_accept_of_an_older_ballot_is_refused(rule: str | None) -> None:
    """B has promised C's ballot, so A's value, sent before, finds no ear: two values for slot 1 would be chosen."""
    stage = a_late_accept(rule)

    judge(rule, stage.broken(), well=stage.height(A) == 0)


@tells_of("promise-goes-down")
def test_a_late_prepare_lowers_no_promise(rule: str | None) -> None:
    """A's PREPARE comes after B has promised C's higher ballot: if it were promised, A's ACCEPTs would follow."""
    stage = Stage(rule)
    stage.ring(A, Timer.ELECTION)
    stage.deliver(PreVote, source=A, to=B)
    stage.deliver(PreVoteReply, source=B, to=A)
    stage.tick()
    stage.elect(C, B)
    stage.tick()
    stage.elect(C, B)
    stage.write(C, "Y")
    stage.accept(C, B)
    stage.tick()

    stage.deliver(Prepare, source=A, to=B)
    stage.deliver(Promise, source=B, to=A)

    judge(rule, stage.broken(), well=not stage.leads(A))


def x_is_chosen_and_a_dies(rule: str | None) -> Stage:
    """X is chosen by A and B in slot 1, B does not know it yet, and A dies."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.accept(A, B)
    stage.lose()
    stage.crash(A)
    stage.tick()
    return stage


@tells_of("ignore-reported-values")
def test_a_new_leader_takes_what_a_promise_reports(rule: str | None) -> None:
    """C leads with B's promise, which reports X. C's own client has another wish, and must get slot 2."""
    stage = x_is_chosen_and_a_dies(rule)

    stage.elect(C, B)
    stage.write(C, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken(), well=stage.height(C) == 2)


@tells_of("own-log-only")
def test_the_own_log_is_not_enough(rule: str | None) -> None:
    """C has nothing in slot 1; B, whose promise it has, holds the X that was chosen."""
    stage = x_is_chosen_and_a_dies(rule)

    stage.elect(C, B)
    stage.write(C, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken())


@tells_of("lowest-ballot-wins", "lowest-ballot-wins-first")
def test_of_two_reports_the_higher_ballot_counts(rule: str | None) -> None:
    """X at A alone, from A's first ballot; Y chosen at B and C, at C's. A leads again and hears of both from B."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.lose()
    stage.tick()
    stage.elect(C, B)
    stage.write(C, "Y")
    stage.accept(C, B)
    stage.lose()
    stage.tick()
    stage.ring(A, Timer.HEARTBEAT)  # Nobody has answered it for long: it leads no longer.
    stage.tick()

    stage.elect(A, B)
    stage.flow(A, B)

    judge(rule, stage.broken())


@tells_of("lowest-ballot-wins-last")
def test_of_two_reports_the_higher_ballot_counts_in_whatever_order_they_came(rule: str | None) -> None:
    """The same with the roles changed: C, which holds the chosen Y, leads again, and A's old X is reported last."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.lose()
    stage.tick()
    stage.elect(C, B)
    stage.write(C, "Y")
    stage.accept(C, B, answer=False)
    stage.lose()
    stage.tick()
    stage.crash(C)
    stage.restart(C)
    stage.ring(A, Timer.HEARTBEAT)
    stage.lose()

    stage.tick()
    stage.elect(C, A)
    stage.flow(A, C)

    judge(rule, stage.broken())


@tells_of("lowest-ballot-wins-most-common")
def test_a_majority_of_reports_is_no_argument(rule: str | None) -> None:
    """Of five, three hold Y of a higher ballot and two an older X. A quorum reports X twice and Y once."""
    stage = Stage(rule, nodes=5)
    stage.elect(1, 3, 4)
    stage.write(1, "X")
    stage.accept(1, 2, answer=False)
    stage.lose()
    stage.tick()
    stage.elect(5, 3, 4)
    stage.write(5, "Y")
    stage.accept(5, 3, 4, answer=False)
    stage.lose()
    stage.tick()
    stage.ring(1, Timer.HEARTBEAT)
    stage.tick()

    stage.elect(1, 2, 3)
    stage.flow(1, 2, 3)

    judge(rule, stage.broken())


@tells_of("small-promise-quorum", "skip-phase-one")
def test_half_of_the_promises_is_not_enough(rule: str | None) -> None:
    """A's campaign is promised by nobody but itself; it has a write to place."""
    stage = Stage(rule)
    stage.ring(A, Timer.ELECTION)
    stage.deliver(PreVote, source=A, to=B)
    stage.deliver(PreVoteReply, source=B, to=A)
    stage.write(A, "X")

    judge(rule, stage.broken(), well=not stage.leads(A))


@tells_of("small-accept-quorum", "halves-merge")
def test_one_acceptance_of_three_is_not_enough(rule: str | None) -> None:
    """Nobody hears A's ACCEPT. Its own vote alone chooses nothing."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")

    judge(rule, stage.broken(), well=stage.height(A) == 0)


@tells_of("duplicates-fill-quorum")
def test_a_vote_that_comes_twice_counts_once(rule: str | None) -> None:
    """Of five, A and B have accepted X; B's answer comes three times."""
    stage = Stage(rule, nodes=5)
    stage.elect(1, 2, 3)
    stage.write(1, "X")
    stage.deliver(Accept, source=1, to=2)
    for _ in range(3):
        stage.deliver(Accepted, source=2, to=1, keep=True)

    judge(rule, stage.broken(), well=stage.height(1) == 0)


@tells_of("accepted-by-slot-only")
def test_an_acknowledgement_counts_for_its_own_ballot(rule: str | None) -> None:
    """Of five, A and B hold X at A's first ballot, A and C at its second; B's answer to the first comes late."""
    stage = Stage(rule, nodes=5)
    stage.elect(1, 3, 4)
    stage.write(1, "X")
    stage.deliver(Accept, source=1, to=2)
    late = stage.letters_of(Accepted, source=2, to=1)
    stage.lose(Accept)
    stage.tick()
    stage.ring(1, Timer.HEARTBEAT)
    stage.tick()
    stage.elect(1, 3, 4)
    stage.accept(1, 3)

    stage.deliver(Accepted, source=2, to=1, ballot=Ballot(1, 1))

    assert len(late) == 1
    judge(rule, stage.broken(), well=stage.height(1) == 0)


@tells_of("ballot-reused")
def test_a_ballot_is_opened_once_in_all_lives(rule: str | None) -> None:
    """A leads, dies before anybody has its value, comes back and campaigns again: with a higher ballot."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.crash(A)
    stage.restart(A)
    stage.elect(A, C)
    stage.write(A, "Y")
    stage.flow(A, C)

    judge(rule, stage.broken())


@tells_of("acceptance-raises-nothing")
def test_a_vote_is_a_promise_too(rule: str | None) -> None:
    """Of five, 2 promised 1, never heard 5 campaign, and votes for 5's value: 1's older ACCEPT then comes too late."""
    stage = Stage(rule, nodes=5)
    stage.elect(1, 2, 3)
    stage.write(1, "X")
    stage.tick()
    stage.elect(5, 3, 4)
    stage.write(5, "Y")
    stage.deliver(Accept, source=5, to=2)

    stage.deliver(Accept, source=1, to=2)

    judge(rule, stage.broken())


@tells_of("acceptance-wiped-by-promise")
def test_a_promise_leaves_votes_alone(rule: str | None) -> None:
    """X is chosen at A and B. B promises C, in vain; B promises C's next ballot too, and must tell of X again."""
    stage = x_is_chosen_and_a_dies(rule)
    stage.ring(C, Timer.ELECTION)
    stage.deliver(PreVote, source=C, to=B)
    stage.deliver(PreVoteReply, source=B, to=C)
    stage.deliver(Prepare, source=C, to=B)
    stage.lose(Promise)
    stage.crash(C)
    stage.restart(C)
    stage.tick()

    stage.elect(C, B)
    stage.write(C, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken())


@tells_of("speak-before-sync", "promise-not-kept")
def test_a_promise_is_on_disk_before_it_is_said(rule: str | None) -> None:
    """B promises A, dies, and comes back: what it said must stand in its journal."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.crash(B)
    stage.restart(B)

    judge(rule, stage.broken())


@tells_of("acceptance-not-kept")
def test_an_acceptance_is_on_disk_before_it_is_said(rule: str | None) -> None:
    """X is chosen by A and B; B dies and comes back, and leads with C: it must know X still."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.accept(A, B)
    stage.lose()
    stage.crash(B)
    stage.restart(B)
    stage.crash(A)
    stage.tick()
    stage.elect(B, C)
    stage.write(B, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken())
