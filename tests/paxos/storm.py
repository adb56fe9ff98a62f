"""Storms: schedules of faults drawn from one seed, in the manner of swarm testing (Groce et al., ISSTA 2012).

Each seed turns some kinds of fault on and others off, at its own strengths, so that quiet runs, runs with one kind of
fault and chaos all occur. In the end everything heals, and the cluster must be as good as new.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any

from paxos.messages import Request
from paxos.replica import Replica
from tests.paxos.bench_of_replicas import Bench

LENGTH_MS = 2_500
"""How long a storm lasts."""
SETTLE_MS = 6_000
"""After healing, writes at every node are answered within this time. The longest pause between two attempts to lead is
four election timeouts, each at most 900 ms here, and a second attempt must then win: nobody disturbs it any more."""
KINDS = ("crash", "power", "frail", "cut", "split", "drop", "duplicate", "reorder", "clock", "retry")


class Storm:
    """One run. `counts` says what happened, so that it can be shown that it did."""

    def __init__(self, seed: int, make: Callable[..., Replica] = Replica) -> None:
        self.seed = seed
        self.dice = dice = Random(seed)
        limits: dict[str, Any] = {"ops_per_block": dice.choice((1, 1, 3)), "window": dice.choice((1, 2, 4, 64))}
        nodes = dice.choice((3, 4, 5, 5))
        if nodes == 4:
            limits |= {"prepare_quorum": 3, "accept_quorum": 2}
        self.bench = Bench(nodes, seed=seed, make=make, **limits)
        self.kinds = {kind for kind in KINDS if dice.random() < 0.4}
        self.counts: Counter[str] = Counter()
        self.written: list[Request] = []

    def run(self) -> Bench:
        """The storm, and the clear after it. Raises AssertionError when anything is wrong, with the seed."""
        try:
            self._inject()
            self._clear_up()
        except AssertionError as error:
            raise AssertionError(f"storm {self.seed} ({', '.join(sorted(self.kinds))}): {error}") from error
        return self.bench

    def _inject(self) -> None:
        bench, dice = self.bench, self.dice
        bench.delay = dice.choice(((1, 2), (1, 10), (5, 30)))
        for kind in ("drop", "duplicate", "reorder"):
            if kind in self.kinds:
                setattr(bench, kind, dice.choice((0.02, 0.1, 0.3)))
        if "frail" in self.kinds:
            bench.frail = 0.02
        deeds: list[Callable[[], None]] = [self._write, self._write, self._write, self._read, self._read, self._restart]
        deeds += [deed for kind, deed in self._deeds().items() if kind in self.kinds]
        while bench.now < LENGTH_MS:
            dice.choice(deeds)()
            bench.run(dice.choice((0, 3, 30, 120)))

    def _deeds(self) -> dict[str, Callable[[], None]]:
        return {
            "crash": self._crash,
            "power": self._lose_power,
            "cut": self._cut,
            "split": self._split,
            "clock": self._jump,
            "retry": self._retry,
        }

    def _clear_up(self) -> None:
        bench = self.bench
        bench.heal()
        self._count()
        for node in bench.nodes:
            if bench.seats[node].replica is None:
                bench.start(node)
        last = [(node, bench.write(node)) for node in bench.nodes]
        done = bench.until(lambda: all(bench.answered(*one) for one in last), SETTLE_MS)
        assert done, f"writes wait, {bench.leaders()} lead"
        assert bench.until(bench.converged, SETTLE_MS), f"logs of {[len(log) for log in bench.logs()]} slots"
        [leader] = bench.leaders()
        assert all(bench.of(node).status().leader == leader for node in bench.nodes), "not everybody follows"
        for name, slot in bench.oracle.answers.items():
            assert any(request.id == name for request in bench.seats[1].log[slot - 1]), f"{name} is lost"

    def _count(self) -> None:
        notes = Counter(note for seat in self.bench.seats.values() for note in seat.notes)
        self.counts.update(leaderships=notes["leader"], stepdowns=notes["step-down"], ballots=notes["election"])
        self.counts["answers"] = len(self.bench.oracle.answers)
        self.counts["reads"] = sum(read >= 0 for seat in self.bench.seats.values() for read in seat.reads.values())
        self.counts["twice"] = len([r for value in self.bench.oracle.decided.values() for r in value]) - len(
            self.bench.oracle.took_effect
        )

    # Deeds

    def _node(self) -> int | None:
        alive = self.bench.alive()
        return self.dice.choice(alive) if alive else None

    def _write(self) -> None:
        node = self._node()
        if node is not None:
            self.bench.requests += 1
            request = Request("c", self.bench.requests, f"operation {self.bench.requests}")
            self.written.append(request)
            self.bench.submit(node, request)

    def _retry(self) -> None:
        node = self._node()
        if node is not None and self.written:
            self.bench.submit(node, self.dice.choice(self.written[-10:]))
            self.counts["retries"] += 1

    def _read(self) -> None:
        node = self._node()
        if node is not None:
            self.bench.read(node)

    def _crash(self) -> None:
        node = self._node()
        if node is not None:
            self.bench.crash(node)
            self.counts["crashes"] += 1

    def _lose_power(self) -> None:
        node = self._node()
        if node is not None:
            self.bench.crash(node)
            self.bench.seats[node].forget_the_end(self.dice.randint(0, 5))
            self.counts["power"] += 1

    def _restart(self) -> None:
        for node in self.bench.nodes:
            if self.bench.seats[node].replica is None and self.dice.random() < 0.7:
                self.bench.start(node)
                self.counts["restarts"] += 1

    def _cut(self) -> None:
        if self.dice.random() < 0.4:
            self.bench.cut.clear()
        else:
            a, b = self.dice.sample(self.bench.nodes, 2)
            self.bench.cut |= {(a, b)} if self.dice.random() < 0.5 else {(a, b), (b, a)}
        self.counts["cuts"] += 1

    def _split(self) -> None:
        self.bench.cut.clear()
        if self.dice.random() < 0.6:
            some = self.dice.randint(1, len(self.bench.nodes) - 1)
            side = set(self.dice.sample(self.bench.nodes, some))
            self.bench.split(side, set(self.bench.nodes) - side)
            self.counts["splits"] += 1

    def _jump(self) -> None:
        seat = self.bench.seats[self.dice.choice(self.bench.nodes)]
        seat.ahead_ms += self.dice.choice((-100_000, -500, 500, 3_600_000))
        self.counts["jumps"] += 1
