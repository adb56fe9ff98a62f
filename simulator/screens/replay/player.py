"""Where one is in a recorded run, and the ways to go from there."""

from __future__ import annotations

from bisect import bisect_left, bisect_right

from simulator.analysis.event_text import event_text
from simulator.analysis.evidence import judge_run
from simulator.analysis.moment import Moment, Moments
from simulator.analysis.operations import operations_of
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.timeline import Timeline
from simulator.errors import InputError
from simulator.text.units import parse_time_ms

KINDS = ("election", "decision", "fault", "refusal", "violation")
"""What one can jump to."""
SPEEDS = (0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 100.0)


class Player:
    """A place in a run: after event `index`, -1 before the first. Each way clamps to the run."""

    def __init__(self, run: RecordedRun) -> None:
        self.run = run
        self.timeline = Timeline(run)
        self.moments = Moments(run)
        self.index = NOWHERE
        self.playing = False
        self.speed = 1.0
        self.at_ms = 0.0
        self.times = [event.at_ms for event in run.events]
        self.violations = judge_run(run).violations
        failed = [one.returned for one in operations_of(run) if one.outcome not in {"ok", "open"}]
        self.marks: dict[str, list[int]] = {
            "election": self.timeline.elections,
            "decision": sorted(self.timeline.first_applied.values()),
            "fault": self.timeline.faults,
            "refusal": sorted(failed),
            "violation": sorted(one.at for one in self.violations),
        }

    @property
    def moment(self) -> Moment:
        """The state here."""
        return self.moments.at(self.index)

    def go(self, index: int) -> None:
        """Go to the place after an event."""
        self.index = max(-1, min(index, len(self.times) - 1))
        self.at_ms = float(self.times[self.index]) if self.index >= 0 else 0.0

    def step(self, count: int) -> None:
        """Go so many events on, or back."""
        self.go(self.index + count)

    def go_to_time(self, at_ms: float) -> None:
        """Go to the place after the last event at or before a time."""
        self.go(bisect_right(self.times, at_ms) - 1)
        self.at_ms = max(0.0, min(at_ms, float(self.times[-1]) if self.times else 0.0))

    def jump(self, kind: str, *, forward: bool = True) -> bool:
        """Go to the next mark of a kind, or the one before; False if there is none."""
        marks = self.marks[kind]
        place = bisect_right(marks, self.index) if forward else bisect_left(marks, self.index) - 1
        if not 0 <= place < len(marks):
            return False
        self.go(marks[place])
        return True

    def search(self, text: str, *, forward: bool = True) -> bool:
        """Go to the next event whose words hold a text, in any case; False if there is none."""
        wanted = text.lower()
        places = range(self.index + 1, len(self.times)) if forward else range(self.index - 1, -1, -1)
        found = next((at for at in places if wanted in event_text(self.run.events[at]).lower()), None)
        if found is None:
            return False
        self.go(found)
        return True

    def go_to(self, text: str) -> None:
        """Go to `slot S`, to `event K`, or to a time such as `1.5s`.

        Raises:
            InputError: it is none of these, or no such slot was applied.
        """
        word, _, number = text.strip().lower().partition(" ")
        if word in {"slot", "event"}:
            if not number.strip().isdecimal():
                raise InputError(f"'{word}' takes a number: write '{word} 3'.")
            wanted = int(number)
            if word == "event":
                self.go(wanted - 1)
            elif wanted in self.timeline.first_applied:
                self.go(self.timeline.first_applied[wanted])
            else:
                raise InputError(f"slot {wanted} was never applied in this run.")
            return
        self.go_to_time(parse_time_ms(text.strip()))

    def change_speed(self, by: int) -> None:
        """Play faster or slower by so many steps."""
        place = min(range(len(SPEEDS)), key=lambda at: abs(SPEEDS[at] - self.speed))
        self.speed = SPEEDS[max(0, min(place + by, len(SPEEDS) - 1))]

    def pass_time(self, real_ms: float) -> bool:
        """Let real time pass while it plays; True if the place changed. It stops at the end."""
        if not self.playing:
            return False
        before, at_ms = self.index, self.at_ms + real_ms * self.speed
        self.go(bisect_right(self.times, at_ms) - 1)
        self.at_ms = at_ms
        if self.index == len(self.times) - 1:
            self.playing = False
        return self.index != before
