"""A set whose elements are added once each, and removed: one sweep that changes it as late as it can.

Each element is absent, then present, then gone. A change (an add or a remove takes effect) is made when its operation
returns, or when a read that shows it has to take effect. Before a change is made, every open read that it would make
impossible takes effect, with all changes that this read needs; and so on. A read becomes impossible when an element
goes that it shows, or when one comes that it does not show and that no remove can take away before the read returns.

All these steps are forced: they happen in every order. So if one needs an operation that was not yet called, or if two
reads would each have to come before the other, no order exists. There is a choice in two cases only: a remove that may
have found nothing because its element came later, and an added element that may go again before an open read returns.
The sweep then takes the likely branch, which proves an order if it ends well, and nothing if it does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.read_windows import Span, read_windows

_ABSENT, _PRESENT, _GONE = range(3)
_NOBODY = -1


class _Stuck(Exception):
    """A forced step is impossible."""

    def __init__(self, text: str, *operations: int) -> None:
        super().__init__(text)
        self.conflict = Conflict(text, operations)


def decide_removals(table: Operations, numbers: Sequence[int], first: frozenset[State]) -> Conflict | None:
    """None if the operations `numbers` of a set that held `first` are linearizable.

    The cost is that of the reads' elements, and of one look at each open read for each change.

    Raises:
        Ambiguous: an element was added twice, or a choice was made and led nowhere.
    """
    for eager in (True, False):
        sweep = _Sweep(table, numbers, first, eager=eager)
        try:
            sweep.run()
        except _Stuck as stuck:
            if not sweep.chosen:
                return stuck.conflict
        else:
            return None
    raise Ambiguous


class _Sweep:
    def __init__(self, table: Operations, numbers: Sequence[int], first: frozenset[State], *, eager: bool) -> None:
        self.chosen = False
        self._eager = eager
        self._calls, self._rets = table.call, table.ret
        self._held = set(first)
        self._phase: dict[State, int] = dict.fromkeys(first, _PRESENT)
        self._came: dict[State, float] = dict.fromkeys(first, -1)
        self._add: dict[State, int] = dict.fromkeys(first, _NOBODY)
        self._removes: dict[State, list[int]] = {}
        self._element: dict[int, State] = {}
        self._shown: dict[int, frozenset[State]] = {}
        self._shown_in: dict[State, list[int]] = {}
        for number in numbers:
            self._take(number, table.f[number], table.arg[number], table.result[number])
        self._windows = read_windows(
            {number: (self._calls[number], self._rets[number], shown) for number, shown in self._shown.items()},
            self._spans(),
        )
        self._shown_until = {
            element: (
                max(self._windows[read][0] for read in reads),
                max(self._windows[read][1] for read in reads),
            )
            for element, reads in self._shown_in.items()
        }
        self._open: dict[int, int] = {}
        """The open reads that have not taken effect, each with the number of elements by which it differs."""
        self._jumping: dict[int, None] = {}
        self._now: float = -1

    def _take(self, number: int, f: str, arg: State, result: list[State]) -> None:
        if f == "read":
            self._shown[number] = shown = frozenset(map(frozen, result))
            for element in shown:
                self._shown_in.setdefault(element, []).append(number)
            return
        self._element[number] = element = frozen(arg)
        if f == "remove":
            self._removes.setdefault(element, []).append(number)
        elif self._add.setdefault(element, number) != number:
            raise Ambiguous
        self._phase.setdefault(element, _ABSENT)

    def _spans(self) -> dict[State, Span]:
        """The elements that certainly went when they were removed."""
        spans: dict[State, Span] = {}
        for element, add in self._add.items():
            removes = self._removes.get(element, ())
            added = (-1, -1) if add == _NOBODY else (self._calls[add], self._rets[add])
            if not removes:
                spans[element] = Span(*added, PENDING, PENDING)
            elif len(removes) == 1 and self._calls[removes[0]] > added[1]:
                spans[element] = Span(*added, self._calls[removes[0]], self._rets[removes[0]])
        return spans

    def run(self) -> None:
        """Sweep over all calls and returns. Raises `_Stuck` where a forced step is impossible."""
        moments: list[tuple[float, int, bool]] = []
        for number, (low, high) in self._windows.items():
            if low > high:
                raise _Stuck("{0} shows elements that were not in at the same time", number)
            moments += ((low, number, True), (high, number, False))
        moments += [(self._rets[number], number, False) for number in self._element]
        moments.sort()
        for now, number, called in moments:
            if now == PENDING:
                return
            self._now = now
            if called:
                differs = len(self._held ^ self._shown[number])
                if differs:
                    self._open[number] = differs
            elif number in self._shown:
                if number in self._open:
                    self._jump(number)
            elif self._add.get(self._element[number]) == number:
                if self._phase[self._element[number]] == _ABSENT:
                    self._come(self._element[number], number)
            else:
                self._remove_returns(number, self._element[number])

    def _jump(self, read: int) -> None:
        """Let a read take effect: make all changes that it shows."""
        if read in self._jumping:
            other = next(reversed(self._jumping))
            raise _Stuck("each of {0} and {1} shows what must have come after the other", read, other)
        self._jumping[read] = None
        shown = self._shown[read]
        while read in self._open:
            missing = next((element for element in shown if element not in self._held), None)
            if missing is not None:
                self._come(missing, read)
                continue
            self._go(next(element for element in self._held if element not in shown), read)
        del self._jumping[read]

    def _come(self, element: State, because: int, *, goes: bool = False) -> None:
        add = self._add.get(element, _NOBODY)
        phase = self._phase.get(element, _ABSENT)
        if phase == _GONE:
            raise _Stuck("{0} shows an element that must have been removed before", because)
        if add == _NOBODY:
            raise _Stuck("{0} shows an element that nobody added", because)
        if self._calls[add] > self._now:
            raise _Stuck("{0} ended before {1} began, and shows its element", because, add)
        for read in list(self._open):
            if read in self._open and element not in self._shown[read]:
                if not self._can_go(element, self._windows[read][1]):
                    self._jump(read)
                elif not goes and self._can_take_effect(read):
                    self.chosen = True
                    if self._eager:
                        self._jump(read)
        if self._phase[element] == _ABSENT:
            self._phase[element] = _PRESENT
            self._came[element] = self._now
            self._held.add(element)
            self._changed(element, present=True)

    def _go(self, element: State, because: int) -> None:
        if not self._can_go(element, self._now):
            held = self._add[element]
            text = "{0} does not show what {1} added, which nobody could have removed by then"
            raise _Stuck(text, because, held)
        for read in list(self._open):
            if read in self._open and element in self._shown[read]:
                self._jump(read)
        if self._phase[element] == _PRESENT:
            self._phase[element] = _GONE
            self._held.remove(element)
            self._changed(element, present=False)

    def _can_take_effect(self, read: int) -> bool:
        """Whether the operations of all changes that the read shows are called."""
        shown = self._shown[read]
        for element in shown:
            if element not in self._held:
                add = self._add.get(element, _NOBODY)
                if self._phase.get(element) == _GONE or add == _NOBODY or self._calls[add] > self._now:
                    return False
        return all(element in shown or self._can_go(element, self._now) for element in self._held)

    def _can_go(self, element: State, by: float) -> bool:
        """Whether a remove that has not returned yet is called before the moment `by`."""
        return any(
            self._calls[number] < by and self._rets[number] >= self._now for number in self._removes.get(element, ())
        )

    def _changed(self, element: State, *, present: bool) -> None:
        for read, differs in list(self._open.items()):
            left = differs - 1 if (element in self._shown[read]) is present else differs + 1
            if left:
                self._open[read] = left
            else:
                del self._open[read]

    def _remove_returns(self, number: int, element: State) -> None:
        """It took the element away, or found nothing."""
        phase = self._phase[element]
        call, ret = self._calls[number], self._rets[number]
        if phase == _ABSENT:
            add = self._add.get(element, _NOBODY)
            if add == _NOBODY or self._calls[add] > ret:
                return  # There was nothing to remove yet.
        elif phase == _GONE:
            return
        elif call > self._came[element]:
            self._go(element, number)
            return
        # It may have found nothing, and the element came after it. It did if a later read shows the element.
        surely, perhaps = self._shown_until.get(element, (-1, -1))
        if surely > ret:
            self.chosen = self.chosen or len(self._removes[element]) > 1
            return
        # If no read shows the element from now on, it is as well gone.
        self.chosen = self.chosen or perhaps > ret
        if phase == _ABSENT:
            self._come(element, number, goes=True)
        self._go(element, number)
