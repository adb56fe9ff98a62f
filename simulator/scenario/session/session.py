"""The state of a session: its cluster and clock, requests under way, failures, and typed lines.

Time passes only in `pass_time`, which also shows answers and keeps loads going.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from random import Random
from threading import RLock
from typing import TYPE_CHECKING

from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.cluster.verdicts import OK, is_unknown
from simulator.errors import InputError
from simulator.scenario.language.commands import Line
from simulator.scenario.session.check_run import CheckRun
from simulator.scenario.session.elections import Elections
from simulator.scenario.session.node_selector import NodeSelector
from simulator.scenario.session.output import NoOutput, Output, Screen
from simulator.scenario.session.result import FailureLine
from simulator.scenario.session.workload import LoadRun

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

    Wait = Callable[[Callable[[], bool], int], bool]

MAX_SLICE_MS = 100
"""How often, in milliseconds, a session that can be interrupted looks whether it was."""

WRITES_KEPT = 10_000
"""How many writes a session keeps: `again` sends one of them once more."""

MAX_ANSWER_MS = 600_000
"""The longest wait, in milliseconds: the cluster ends every request earlier, so a longer wait is a bug."""


class Interrupted(Exception):
    """A person interrupted the wait. The cluster goes on."""


class PendingAnswer:
    """A request whose answer has not been shown yet; `show` shows it, after `heading`."""

    def __init__(self, ticket: Ticket, show: Callable[[str], None], heading: str = "") -> None:
        self.ticket = ticket
        self.show = show
        self.heading = heading


class Session:
    """One session on one cluster. `waits_for_answers`: requests are waited for, as in files and pipes.

    `screen` is the screen over the cluster, if there is one.
    `warn` shows what nobody asked for, such as a node that stopped by itself; without it the output does.

    `wait` lets time pass in place of `cluster.wait` (a screen that draws meanwhile, say). Another thread may set
    `interrupted` to end a wait.
    """

    def __init__(
        self,
        cluster: Cluster,
        output: Output,
        *,
        waits_for_answers: bool = True,
        wait: Wait | None = None,
        warn: Callable[[str], None] | None = None,
        screen: Screen | None = None,
    ) -> None:
        self.cluster = cluster
        self.output = output
        self.screen = screen
        self.waits_for_answers = waits_for_answers
        self.default_node = 1
        self.default_chosen = False
        self.interrupted = False
        self.last: Ticket | None = None
        self.failures: list[FailureLine] = []
        self.violation_expected = False
        self.typed: list[tuple[int, str]] = []  # Session time in milliseconds, and the line.
        self.loads: list[LoadRun] = []
        self.dice = Random(f"{cluster.settings.seed} session")  # Seeded: the same run every time.
        self._wait = wait or cluster.wait
        self._shown_in = output
        self._warn = warn
        self._warned = 0
        self._began_ms: int | None = None
        self._asked: list[PendingAnswer] = []
        # At a terminal one thread carries out lines and another shows answers.
        self._lock = RLock()
        self._answers: Counter[AnswerKind] = Counter()  # Of requests that have been shown.
        self._writes: deque[Ticket] = deque(maxlen=WRITES_KEPT)
        self._elections = Elections()
        self._elections_before_fault = 0
        self._load_count = 0
        self._load_checks: dict[LoadRun, CheckRun] = {}  # Loads that have ended, while they are judged.
        self._check_run: CheckRun | None = None

    def anew(self) -> Session:
        """A session that has just begun, on the same cluster and for the same person. Failures are kept."""
        session = Session(
            self.cluster,
            self._shown_in,
            waits_for_answers=self.waits_for_answers,
            wait=self._wait,
            warn=self._warn,
            screen=self.screen,
        )
        session.failures = self.failures
        return session

    def mute(self, *, on: bool) -> None:
        """Show nothing, or show everything again."""
        self.output = NoOutput() if on else self._shown_in

    # Time

    def set_wait(self, wait: Wait) -> None:
        """Let time pass by `wait` from now on."""
        self._wait = wait

    @property
    def began(self) -> bool:
        """True once a command has been carried out."""
        return self._began_ms is not None

    def clock_ms(self) -> int:
        """Milliseconds since this session's first command."""
        return 0 if self._began_ms is None else self.cluster.now_ms() - self._began_ms

    def begin(self) -> None:
        """Start the clock if it does not run yet."""
        if self._began_ms is None:
            self._began_ms = self.cluster.now_ms()

    def pass_time(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Let time pass until `condition()` or for `within_ms`; loads go on and answers are shown meanwhile.

        Raises:
            Interrupted: somebody asked to wait no longer.
        """
        until = self.cluster.now_ms() + within_ms
        while True:
            self.process_due()
            if condition():
                return True
            left = until - self.cluster.now_ms()
            if left <= 0:
                # An answer came at the last moment: let the rest of that moment happen.
                while within_ms > 0 and self._wait(lambda: condition() or self.has_due_work(), 0) and not condition():
                    self.process_due()
                self.process_due()
                return condition()
            if self.interrupted:
                self.interrupted = False
                raise Interrupted
            slice_ms = min([left, *(load.next_turn_ms() for load in self.loads)])
            if self.cluster.world == "processes":
                slice_ms = min(slice_ms, MAX_SLICE_MS)
            self._wait(lambda: condition() or self.has_due_work(), slice_ms)

    def pass_time_to(self, in_ms: int) -> None:
        """Let so much time pass; loads have had their turn then, and what is due at the end has not happened."""
        until = self.cluster.now_ms() + in_ms
        if in_ms > 0:
            self.pass_time(lambda: self.cluster.now_ms() >= until, in_ms)

    def throttled(self, condition: Callable[[], bool], every_ms: int = 5) -> Callable[[], bool]:
        """`condition`, evaluated at most once in `every_ms` of cluster time: for expensive ones."""
        asked_ms, held = -every_ms, False

        def asked() -> bool:
            nonlocal asked_ms, held
            now_ms = self.cluster.now_ms()
            if now_ms - asked_ms >= every_ms:
                asked_ms, held = now_ms, condition()
            return held

        return asked

    def wait_until(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """`pass_time` for an expensive condition."""
        return self.pass_time(self.throttled(condition), within_ms) or condition()

    def process_due(self) -> None:
        """Show answers that have come, and let each load do what is due. It never waits."""
        with self._lock:
            for warning in self.cluster.warnings(after=self._warned):
                self._warned += 1
                if self._warn is None or self.output is not self._shown_in:
                    self.output.write(warning, "bad")
                else:
                    self._warn(warning)
            answered = [asked for asked in self._asked if asked.ticket.done]
            if answered:
                self._asked = [asked for asked in self._asked if asked not in answered]
            for asked in answered:
                assert asked.ticket.answer is not None
                self._answers[asked.ticket.answer.kind] += 1
                asked.show(asked.heading)
            for load in self.loads:
                load.turn()
            for load in [load for load in self.loads if load.done]:
                run = self._load_checks.get(load) or CheckRun(self.cluster)
                self._load_checks[load] = run
                if run.done:
                    self._finish_load(load, run)

    def has_due_work(self) -> bool:
        """True when an answer waits to be shown, or a load's request is due."""
        return (
            any(asked.ticket.done for asked in self._asked)
            or any(load.waits_for_turn() for load in self.loads)
            or any(run.done for run in self._load_checks.values())
        )

    # Requests

    def track(self, asked: PendingAnswer) -> None:
        """Keep a request until its answer has come; it becomes the newest one."""
        with self._lock:
            self.last = asked.ticket
            self._asked.append(asked)
            if not isinstance(asked.ticket.request, Query):
                self._writes.append(asked.ticket)

    def ticket(self, number: int) -> Ticket:
        """The write with this number, of the newest `WRITES_KEPT`.

        Raises:
            InputError: there is none.
        """
        found = next((ticket for ticket in self._writes if ticket.number == number), None)
        if found is None:
            raise InputError(f"no write of this session has number {number}: 'again' takes the number of one.")
        return found

    def await_answer(self, ticket: Ticket) -> None:
        """Wait until a request is answered (and its answer shown)."""
        self.pass_time(lambda: ticket.done, MAX_ANSWER_MS)
        self.process_due()

    def next_load_number(self) -> int:
        """The number of the next load, from 1."""
        self._load_count += 1
        return self._load_count

    def _finish_load(self, load: LoadRun, run: CheckRun) -> None:
        self.loads.remove(load)
        del self._load_checks[load]
        self._answers += load.answers
        why = run.verdicts().get("linearizability", OK)
        verdict = "; its history is linearizable" if why == OK else f"; VIOLATION of linearizability: {why}"
        if is_unknown(why):
            verdict = f"; whether its history is linearizable is {why}"
        self.output.write(load.summary() + verdict, "plain" if why == OK else "bad")

    def pending(self) -> int:
        """How many requests have no answer yet, those of loads included."""
        waiting = sum(1 for asked in self._asked if not asked.ticket.done)
        return waiting + len(self.loads)

    def finish(self) -> None:
        """Wait for all requests and loads."""
        self.pass_time(lambda: not self.pending(), MAX_ANSWER_MS)
        self.process_due()

    # Inspection

    def selector(self) -> NodeSelector:
        """A selector for the nodes of one line."""
        return NodeSelector(self.cluster, self.dice)

    def elections(self, *, since_fault: bool = False) -> int:
        """The number of elections so far, or since the newest line that injected a fault."""
        return self._elections.look(self.cluster) - (self._elections_before_fault if since_fault else 0)

    def before_fault(self) -> None:
        """A fault is about to be injected: a node that goes down loses its counters, so they are read before."""
        self._elections_before_fault = self.elections()

    def checks(self) -> dict[str, str]:
        """Each check by name, as `Cluster.check` gives them. It takes as long as it takes."""
        verdicts = self.checks_within(MAX_ANSWER_MS * 10)
        assert verdicts is not None, "the checks do not end"
        return verdicts

    def checks_within(self, within_ms: int) -> dict[str, str] | None:
        """See `checks`. None when the checks have not ended within this time; it passes meanwhile.

        Raises:
            Interrupted: somebody asked to wait no longer.
        """
        if self.cluster.world == "virtual" or self.cluster.links.holding:  # Time stands still: nothing to go on with.
            return self.cluster.check()
        until = self.cluster.now_ms() + within_ms
        before = self._check_run  # One that had no time to end: its verdicts would be those of an earlier moment.
        if before is not None and not self.pass_time(lambda: before.done, within_ms):
            return None
        run = self._check_run = CheckRun(self.cluster)
        if not self.pass_time(lambda: run.done, max(0, until - self.cluster.now_ms())):
            return None
        self._check_run = None
        return run.verdicts()

    def fail(self, line: Line, why: str) -> None:
        """Note that a line failed."""
        self.failures.append(FailureLine(line=line.number, command=line.text, why=why))

    def answers(self) -> Counter[AnswerKind]:
        """How the requests so far have ended, those of loads included."""
        kinds = self._answers.copy()
        for load in self.loads:
            kinds += load.answers
        return kinds
