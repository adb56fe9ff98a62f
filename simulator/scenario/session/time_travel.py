"""Going back in the time of a virtual world, and on from there.

A virtual world follows from its seed and the lines that people type. So each line that changes the world is kept with
its place in time, and to go back the world is made again: the lines before the place are carried out again, where they
were typed. The lines after it lie ahead: when time passes again they happen again, unless a person drops them with
`branch`. While lines lie ahead, no other line may change the world.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from simulator.errors import InputError
from simulator.scenario.language import commands
from simulator.text.counted import counted
from simulator.text.units import format_ms

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster, Rewindable
    from simulator.scenario.language.commands import Line
    from simulator.scenario.session.session import Session

FOR_EVER_MS = 1 << 40
SEEK_MS = 60_000
"""For so long, in milliseconds of virtual time, `step` and `jump` look for what they seek."""

_WORLD_STAYS = (
    commands.Sleep, commands.WaitFor, commands.Expect, commands.Inspect, commands.ShowLog, commands.Check,
    commands.Verify, commands.Why, commands.Report, commands.Trace, commands.Save, commands.Help, commands.Quit,
    commands.SetKey, commands.RunFile,
)  # fmt: skip
"""Commands that do not change the world, or (`run`) only by lines that are kept themselves."""

_ONLY_WAIT = (commands.Sleep, commands.WaitFor)

Wait = Callable[[Callable[[], bool], int], bool]


class LineRunner(Protocol):
    """Carries out lines on a session: the interpreter."""

    session: Session

    def adopt(self, session: Session) -> None:
        """Work on this session from now on."""
        ...

    def carry_out_again(self, line: Line) -> None:
        """Carry out a line where it was carried out before; nothing is waited for."""
        ...


class Place(NamedTuple):
    """A place in a run: after `steps` steps of the world, at a time, with the first `lines` typed lines done."""

    steps: int
    at_ms: int
    lines: int

    def after_line(self) -> Place:
        """This place when the line that is carried out here has been."""
        return self._replace(lines=self.lines + 1)


class KeptLine(NamedTuple):
    """A typed line and where it was carried out. `midway`: events of that millisecond were still to come.

    `events` is how many events there were before it, and `dice` the state of the session's random source.
    """

    line: Line
    place: Place
    midway: bool
    events: int
    dice: tuple[Any, ...]

    @property
    def changes(self) -> bool:
        """True when it changes the world."""
        return not isinstance(self.line.command, _WORLD_STAYS)

    def saved(self, before: Place) -> str:
        """The line of a scenario that does the same at the same place without waiting. `before` is the last one's."""
        place = at_words(self.place, before, midway=self.midway)
        command = self.line.command
        waits = isinstance(command, commands.Post | commands.Comment | commands.View | commands.Load)
        return f"{place} {self.line.untimed}" + (" &" if waits and not getattr(command, "background", True) else "")


class End(NamedTuple):
    """The newest place of a run, and whether events of that millisecond were still to come."""

    place: Place
    midway: bool


def at_words(place: Place, before: Place, *, midway: bool) -> str:
    """`at TIME`, or `at step N at TIME` where a time is not exact enough for a place that follows `before`."""
    exact = midway or (place.at_ms == before.at_ms and place.steps != before.steps)
    return f"at step {place.steps} at {format_ms(place.at_ms)}" if exact else f"at {format_ms(place.at_ms)}"


class TimeTravel:
    """The time of one interpreter's cluster. `wait` lets time pass in place of `Cluster.wait`."""

    def __init__(self, cluster: Cluster, interpreter: LineRunner, wait: Wait | None = None) -> None:
        world = cluster.rewindable
        assert world is not None
        self.world: Rewindable = world
        self._cluster = cluster
        self._interpreter = interpreter
        self._wait = wait or cluster.wait
        self._lines: list[KeptLine] = []
        self._done = 0  # So many of them have been carried out since the world was made.
        self._most_lines = sys.maxsize
        self._newest = self._end_now()
        self._adopt(interpreter.session)

    @property
    def _session(self) -> Session:
        return self._interpreter.session

    @property
    def here(self) -> Place:
        """Where the world is."""
        return Place(self.world.steps, self._cluster.now_ms(), self._done)

    def ahead(self) -> int:
        """How many lines that change the world lie ahead."""
        return sum(kept.changes for kept in self._lines[self._done :])

    def tell_ahead(self) -> str:
        """The words for lines that lie ahead; "" for none."""
        return f"{counted(self.ahead(), 'line')} ahead" if self.ahead() else ""

    # Lines

    def keep(self, line: Line) -> None:
        """Keep a line that is about to be carried out.

        Raises:
            InputError: it would change the past.
        """
        world, dice = self.world, self._session.dice
        kept = KeptLine(line, self.here, world.is_midway(), world.events_so_far(), dice.getstate())
        if self.ahead():
            if not kept.changes:
                return
            raise InputError(
                f"this is the past, and {self.tell_ahead()}: 'branch' forgets what was typed later and goes on from "
                "here, 'jump end' goes to the newest moment."
            )
        del self._lines[self._done :]
        self._lines.append(kept)
        self._done += 1

    def drop(self, line: Line) -> None:
        """Forget a line that was kept and then refused or interrupted, if it has changed nothing."""
        kept = self._lines[-1] if self._lines else None
        if kept is None or kept.line is not line or self._done < len(self._lines):
            return
        if not kept.changes or kept.events == self.world.events_so_far():
            self._lines.pop()
            self._done -= 1

    def saved_lines(self) -> list[str]:
        """All lines, those ahead included, as lines of a scenario that ends where this run ends."""
        kept = [one for one in self._lines if not isinstance(one.line.command, (*_ONLY_WAIT, commands.RunFile))]
        places = [Place(0, 0, 0), *(one.place for one in kept)]
        lines = [one.saved(before) for before, one in zip(places, kept, strict=False)]
        end = max(self._newest, self._end_now())
        return [*lines, f"{at_words(end.place, places[-1], midway=end.midway)} sleep 0s"]

    # Time

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """As `Cluster.wait`; a line that lies ahead is carried out again where it was typed.

        It returns after that: the line may have begun a load, whose turns the caller must keep in mind.
        """
        cluster, kept = self._cluster, self._next()
        until = cluster.now_ms() + within_ms
        if kept is not None and kept.place.at_ms <= until:
            place = kept.place
            self._wait(lambda: condition() or self.world.steps >= place.steps, until - cluster.now_ms())
            if condition():
                return True
            if self.world.steps >= place.steps:
                if cluster.now_ms() < place.at_ms:  # No event lies between.
                    self._wait(lambda: False, place.at_ms - cluster.now_ms())
                if cluster.now_ms() >= place.at_ms:  # Nobody interrupted it.
                    self._carry_out_again(kept)
                return condition() or not within_ms
        return self._wait(condition, max(0, until - cluster.now_ms()))

    def go(self, target: Place) -> None:
        """Go to a place of this run, back or forward, as fast as it can be made."""
        with self._as_fast_as_possible(target.lines):
            if target < self.here:
                self._begin_anew()
            session, cluster = self._session, self._cluster
            session.pass_time(lambda: self._done >= target.lines, FOR_EVER_MS)
            session.pass_time(lambda: self.world.steps >= target.steps, FOR_EVER_MS)
            session.pass_time_to(target.at_ms - cluster.now_ms())

    def step(self) -> bool:
        """Go on to the next moment that leaves events, or to the next line ahead; False if there is none."""
        world, count, done = self.world, self.world.moments(), self._done
        with self._as_fast_as_possible():
            self._session.pass_time(lambda: world.moments() > count or self._done > done, SEEK_MS)
        return world.moments() > count or self._done > done

    def back(self, count: int) -> bool:
        """Go back by so many moments and lines; False if the beginning comes before."""
        moments, lines = self.world.moments(), self._done
        place, stop = self.here, self._after(moments, lines)
        while count and stop.steps + stop.lines:
            line = self._lines[stop.lines - 1].place if stop.lines else None
            if line is not None and stop == line.after_line():
                lines = line.lines
                place, stop = line, self._after(moments, lines)
            else:
                moments -= 1
                place = stop = self._after(moments, lines)
            count -= 1
        self.go(place)
        return not count

    def place_of(self, moment: int) -> Place:
        """The place right after a moment, before the lines that were typed there."""
        step = self.world.moment(moment).step
        lines = sum(kept.place.steps < step for kept in self._lines[: self._done])
        return Place(step, self.world.event(self.world.moment(moment).first).at_ms, lines)

    def go_to_time(self, at_ms: int) -> None:
        """Go to a time, back or forward. All that is due then happens."""
        with self._as_fast_as_possible():
            if at_ms < self._cluster.now_ms():
                self._begin_anew()
            self._session.pass_time(lambda: False, at_ms - self._cluster.now_ms())

    def end(self) -> None:
        """Go to the newest moment of this run."""
        with self._as_fast_as_possible():
            self._session.pass_time(lambda: self._done >= len(self._lines), FOR_EVER_MS)
            self.go(max(self._newest.place, self.here))

    def seek(self, found: Callable[[], bool]) -> bool:
        """Let time pass until `found()`, for `SEEK_MS` and until the newest moment of this run; its last value."""
        with self._as_fast_as_possible():
            within_ms = max(SEEK_MS, self._newest.place.at_ms - self._cluster.now_ms())
            return self._session.pass_time(found, within_ms)

    def branch(self) -> int:
        """Forget the lines ahead; returns how many there were."""
        dropped = self.ahead()
        del self._lines[self._done :]
        self._newest = self._end_now()
        return dropped

    # Helpers

    def _adopt(self, session: Session) -> None:
        session.begin()
        session.set_wait(self.wait)

    def _end_now(self) -> End:
        return End(self.here, self.world.is_midway())

    def _next(self) -> KeptLine | None:
        return self._lines[self._done] if self._done < min(self._most_lines, len(self._lines)) else None

    def _after(self, moments: int, lines: int) -> Place:
        """The place after the later of a moment and a typed line: of the first `moments`, and the first `lines`."""
        while lines and not self._lines[lines - 1].changes:
            lines -= 1
        step = self.world.moment(moments - 1).step if moments else 0
        if lines and (line := self._lines[lines - 1].place).steps >= step:
            return line.after_line()
        at_ms = self.world.event(self.world.moment(moments - 1).first).at_ms if moments else 0
        return Place(step, at_ms, lines)

    def _begin_anew(self) -> None:
        self._newest = max(self._newest, self._end_now())
        self.world.begin_anew()
        self._done = 0
        self._interpreter.adopt(self._session.anew())
        self._adopt(self._session)
        self._session.mute(on=True)

    def _carry_out_again(self, kept: KeptLine) -> None:
        self._done += 1
        if not kept.changes:
            return
        session = self._session
        session.process_due()
        session.dice.setstate(kept.dice)
        session.output.write(f"again: {kept.line.untimed}", "quiet")
        self._interpreter.carry_out_again(kept.line)

    @contextmanager
    def _as_fast_as_possible(self, most_lines: int = sys.maxsize) -> Iterator[None]:
        """Inside, time passes as fast as it can, and no more than so many lines are carried out again."""
        before = self._wait, self._most_lines
        self._wait, self._most_lines = self._pass_time, most_lines
        try:
            with self.world.lock:
                yield
        finally:
            self._wait, self._most_lines = before
            self._session.mute(on=False)

    def _pass_time(self, condition: Callable[[], bool], within_ms: int) -> bool:
        session = self._session
        return self._cluster.wait(lambda: condition() or session.interrupted, within_ms)
