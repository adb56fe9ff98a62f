"""Carries out the commands about virtual time, and says where the world is now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from simulator.analysis.event_kind import highest_applied, kind_of
from simulator.analysis.event_text import event_text
from simulator.errors import InputError
from simulator.scenario.language import commands
from simulator.scenario.session.prediction import Prediction
from simulator.text.counted import counted

if TYPE_CHECKING:
    from simulator.scenario.session.output import Output, Tone
    from simulator.scenario.session.time_travel import TimeTravel

MOST_LINES = 12
"""At most so many events of a step are shown."""


class Flow(Protocol):
    """How virtual time passes by itself: `rate` times as fast as real time, or (0) not at all."""

    rate: float

    def change(self, rate: float) -> None:
        """Let it pass at another rate from now on."""
        ...


class TimeCommands:
    """The commands about the time of `travel`. `flow` None: time passes only in commands that wait."""

    def __init__(self, travel: TimeTravel, output: Output, flow: Flow | None = None) -> None:
        self.travel = travel
        self._output = output
        self._flow = flow
        self._prediction: Prediction | None = None

    def state(self) -> str:
        """How time passes, and whether this is the past, in a few words."""
        rate = 0.0 if self._flow is None else self._flow.rate
        words = [f"{rate:g}x" if rate else "paused", self.travel.tell_ahead()]
        return ", ".join(filter(None, words))

    def carry_out(self, command: commands.TimeCommand) -> None:
        """Carry out one command.

        Raises:
            InputError: it cannot be done as things stand.
            Interrupted: somebody asked to wait no longer.
        """
        match command:
            case commands.TimeFlow(rate=rate):
                self._change_flow(rate)
            case commands.Step(count=count):
                self._stop_flow()
                self._step(count)
            case commands.Back():
                self._stop_flow()
                self._back(command)
            case commands.Jump():
                self._stop_flow()
                self._jump(command)
            case commands.Branch():
                dropped = self.travel.branch()
                self._write(f"a new branch begins here; {counted(dropped, 'later line')} forgotten")
            case commands.Predict(on=on):
                self._prediction = Prediction(self.travel.world) if on else None
                self._write("'step' asks before each step what the node will send" if on else "no more questions")
            case commands.Guess(kinds=kinds):
                if self._prediction is None or not self._prediction.asks:
                    raise InputError("nothing has been asked: 'predict on', then 'step'.")
                self._show_step(lambda: self._reveal(kinds))

    def _change_flow(self, rate: float) -> None:
        if self._flow is None:
            if rate:
                raise InputError("here time passes in commands that wait: write sleep, wait, step or jump.")
            return
        self._flow.change(rate)
        self._write(f"time passes at {rate:g}x" if rate else "time stands still")

    def _stop_flow(self) -> None:
        if self._flow is not None and self._flow.rate:
            self._change_flow(0.0)

    # Steps

    def _step(self, count: int) -> None:
        prediction = self._prediction
        if prediction is None:
            for _ in range(count):
                if not self._show_step(self.travel.step):
                    break
        elif prediction.asks:
            self._show_step(lambda: self._reveal(None))
        else:
            self.travel.seek(prediction.is_near)
            self._write(prediction.ask(), "plain")

    def _reveal(self, guess: tuple[str, ...] | None) -> bool:
        prediction = self._prediction
        assert prediction is not None
        first = self.travel.world.events_so_far()
        prediction.begin()
        self.travel.seek(prediction.has_acted)
        self._write(prediction.answer(self._events_since(first), guess), "plain")
        return True

    def _show_step(self, act: Callable[[], bool]) -> bool:
        """Carry out `act` and show the events since; False, with a sentence, when it found nothing to do."""
        first, before = self.travel.world.events_so_far(), self.travel.here
        done = act()
        if not done and self.travel.here.lines == before.lines:
            self._write("nothing happens any more: nobody acts within a minute")
            return False
        events = self._events_since(first)
        for event in events[:MOST_LINES]:
            where = f"node {event.node} " if event.node else ""
            self._write(f"{event.at_ms / 1000:.3f} s  {where}{event_text(event)}", "plain")
        if len(events) > MOST_LINES:
            self._write(f"and {counted(len(events) - MOST_LINES, 'further event')}")
        return True

    # Going elsewhere

    def _back(self, command: commands.Back) -> None:
        travel = self.travel
        if command.by_ms is not None:
            travel.go_to_time(max(0, travel.here.at_ms - command.by_ms))
        elif not travel.back(command.count):
            self._write("this is the beginning")
        self._show_place()

    def _jump(self, command: commands.Jump) -> None:
        travel = self.travel
        match command.what:
            case "time":
                travel.go_to_time(command.number)
            case "end":
                travel.end()
            case "slot":
                self._jump_to(lambda event: highest_applied(event) >= command.number, f"no block {command.number}")
            case "violation":
                self._jump_to_violation(backward=command.backward)
            case what if command.backward:
                self._jump_back(what)
            case what:
                self._seek(self._next_that(lambda event: kind_of(event) == what), f"no {what}")
        self._show_place()

    def _jump_to(self, wanted: Callable[[Any], bool], missing: str) -> None:
        """Go to the first moment of the run with such an event, back or forward."""
        world = self.travel.world
        for number in range(world.moments()):
            moment = world.moment(number)
            if any(wanted(world.event(index)) for index in range(moment.first, moment.end)):
                self.travel.go(self.travel.place_of(number))
                return
        self._seek(self._next_that(wanted), missing)

    def _jump_back(self, what: str) -> None:
        world, here = self.travel.world, self.travel.here
        for number in reversed(range(world.moments())):
            moment = world.moment(number)
            if moment.step < here.steps and any(
                kind_of(world.event(index)) == what for index in range(moment.first, moment.end)
            ):
                self.travel.go(self.travel.place_of(number))
                return
        raise InputError(f"there is no {what} before this moment.")

    def _jump_to_violation(self, *, backward: bool) -> None:
        world = self.travel.world
        if backward or world.violated():
            if not world.violated():
                raise InputError("no invariant is violated so far.")
            self.travel.go_to_time(0)
        self._seek(lambda: bool(world.violated()), "no violation of an invariant")
        self._write(world.violated(), "bad")

    def _seek(self, found: Callable[[], bool], missing: str) -> None:
        start = self.travel.here
        if not self.travel.seek(found):
            self.travel.go(start)
            raise InputError(f"{missing} comes within a minute of virtual time.")

    def _next_that(self, wanted: Callable[[Any], bool]) -> Callable[[], bool]:
        """Whether such an event has come since now; each event is looked at once."""
        world, found = self.travel.world, False
        seen = world.events_so_far()

        def come() -> bool:
            nonlocal seen, found
            first, seen = seen, world.events_so_far()
            found = found or any(wanted(world.event(index)) for index in range(first, seen))
            return found

        return come

    # Words

    def _events_since(self, first: int) -> list[Any]:
        return [self.travel.world.event(index) for index in range(first, self.travel.world.events_so_far())]

    def _show_place(self) -> None:
        here = self.travel.here
        words = [f"{here.at_ms / 1000:.3f} s, step {here.steps}", self.travel.tell_ahead()]
        self._write(", ".join(filter(None, words)))

    def _write(self, text: str, tone: Tone = "quiet") -> None:
        self._output.write(text, tone)
