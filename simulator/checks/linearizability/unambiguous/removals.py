"""A set whose elements are added once each, and removed: one sweep over the events that builds an order.

Each element is absent, then present, then gone. A read takes effect as soon as the set holds just what it shows. An
element goes as soon as no read that is left shows it and a remove of it is open: that can do no harm. It comes as late
as it can: when its add returns, or when a read that shows it returns.

Before an element comes, each open read that does not show it either takes effect now, or after the element has gone
again. `Precedence` finds reads for which the second is impossible; these take effect now, with all that this needs:
what they show comes, and what they do not show goes, after the reads that show it. Reads that may wait do wait.

Every step but the waiting is forced. So if a forced step is impossible, and no read waited that could have taken
effect, no order exists. If some did wait, the end of the sweep is an order, or it proves nothing; then `proof_near`
looks for a read that has no place in any order.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.set_facts import NOBODY, SetFacts, read_set_facts
from simulator.checks.linearizability.unambiguous.set_precedence import Precedence
from simulator.checks.linearizability.unambiguous.set_proof import proof_near

_ABSENT, _PRESENT, _GONE = range(3)
_CALL, _RETURN = 0, 1


class _Stuck(Exception):
    """A forced step is impossible. `certain`: it would be in every order."""

    def __init__(self, text: str, *operations: int, certain: bool = False) -> None:
        super().__init__(text)
        self.conflict = Conflict(text, operations)
        self.certain = certain


def decide_removals(table: Operations, numbers: Sequence[int], first: frozenset[State]) -> Conflict | None:
    """None if the operations `numbers` of a set that held `first` are linearizable.

    The cost is that of the elements that reads show, and of a look at each waiting read for each add.

    Raises:
        Ambiguous: an element was added twice, or reads waited and that led nowhere.
    """
    facts = read_set_facts(table, numbers, first)
    for element, reads in facts.shown_in.items():
        if element not in facts.add:
            return Conflict("{0} shows an element that nobody added", (reads[0],))
    for number, shown in facts.shown.items():
        if len(shown) != len(table.result[number]):
            return Conflict("{0} shows an element twice", (number,))
        if facts.low[number] > facts.high[number]:
            return _not_together(facts, number)
    sweep = _Sweep(facts)
    try:
        sweep.run()
    except _Stuck as stuck:
        if sweep.chosen and not stuck.certain:
            proof = proof_near(facts, sweep.now)
            if proof is None:
                raise Ambiguous from None
            return proof
        return stuck.conflict
    return None


def _not_together(facts: SetFacts, read: int) -> Conflict:
    """A read whose window is empty: it shows an element that came after another one had gone, or after it ended."""
    shown, calls, rets = facts.shown[read], facts.calls, facts.rets
    last = max((facts.add[one] for one in shown if facts.add[one] != NOBODY), key=calls.__getitem__, default=NOBODY)
    if last != NOBODY and calls[last] > rets[read]:
        return Conflict("{0} ended before {1} began, and shows its element", (read, last))
    for one in shown:
        ended = -1 if facts.add[one] == NOBODY else rets[facts.add[one]]
        for remove in facts.removes.get(one, ()):
            if calls[remove] > ended and rets[remove] < calls[read]:
                return Conflict("{0} shows an element that {1} had removed before", (read, remove))
            if calls[remove] > ended and last != NOBODY and rets[remove] < calls[last]:
                text = "{0} shows what {1} added, and what {2} had removed before that began"
                return Conflict(text, (read, last, remove))
    return Conflict("{0} shows and misses elements in a way that leaves no moment for it", (read,))


class _Sweep:
    def __init__(self, facts: SetFacts) -> None:
        self.chosen = False
        self._facts = facts
        self.now: float = -1
        self._held: set[State] = set(facts.first)
        self._phase: dict[State, int] = dict.fromkeys(facts.first, _PRESENT)
        self._came: dict[State, float] = dict.fromkeys(facts.first, -1)
        self._left = {element: len(reads) for element, reads in facts.shown_in.items()}
        self._removing: dict[State, int] = {}
        self._waiting: dict[int, None] = {}
        """The open reads that have not taken effect."""
        self._bits: dict[State, int] = {}
        self._free_bits: list[int] = []
        self._mask = 0
        self._masks: dict[int, int] = {}
        self._by_mask: dict[int, list[int]] = {}
        self._taken: set[int] = set()
        self._jumping: dict[int, None] = {}
        self._precedence = Precedence(facts, self._held, self._phase)
        for element in facts.first:
            self._mask |= self._bit_of(element)

    def run(self) -> None:
        """Sweep over all calls and returns. Raises `_Stuck` where a forced step is impossible."""
        facts = self._facts
        adds = {number: element for element, number in facts.add.items() if number != NOBODY}
        for now, kind, number in facts.moments():
            self.now = now
            if number in facts.shown:
                if kind == _CALL:
                    self._open(number)
                elif number not in self._taken:
                    self._jump(number)
            elif number in adds:
                if kind == _RETURN and self._phase.get(adds[number], _ABSENT) == _ABSENT:
                    self._come(adds[number], number)
            elif kind == _CALL:
                element = facts.removed[number]
                self._removing[element] = self._removing.get(element, 0) + 1
                self._leave(element)
            else:
                self._remove_returns(number, facts.removed[number])

    def _open(self, read: int) -> None:
        """A read begins: it takes effect at once if the set holds just what it shows."""
        shown = self._facts.shown[read]
        mask = 0
        bits = self._bits
        for element in shown:
            bit = bits.get(element)
            mask |= self._bit_of(element) if bit is None else bit
        self._waiting[read] = None
        self._masks[read] = mask
        self._by_mask.setdefault(mask, []).append(read)
        if mask == self._mask:
            self._settle()

    def _bit_of(self, element: State) -> int:
        bit = self._bits.get(element)
        if bit is None:
            bit = self._free_bits.pop() if self._free_bits else 1 << len(self._bits)  # None is free: all are in use.
            self._bits[element] = bit
        return bit

    def _settle(self) -> None:
        """Let each read take effect that shows what the set holds, and each element go that nobody will show."""
        gone: list[State] = []
        while True:
            for read in self._by_mask.pop(self._mask, ()):
                self._taken.add(read)
                del self._waiting[read], self._masks[read]
                for element in self._facts.shown[read]:
                    self._left[element] -= 1
                    if not self._left[element] and self._removing.get(element):
                        gone.append(element)
            if not gone:
                return
            self._put_out(gone.pop())

    def _put_out(self, element: State) -> None:
        self._phase[element] = _GONE
        self._held.remove(element)
        bit = self._bits.pop(element)
        self._mask ^= bit
        self._free_bits.append(bit)

    def _leave(self, element: State) -> None:
        """Let an element go, if it is in, nobody will show it, and a remove of it is open."""
        if self._phase.get(element) == _PRESENT and not self._left.get(element) and self._removing.get(element):
            self._put_out(element)
            self._settle()

    def _jump(self, read: int) -> None:
        """Let a read take effect: make all changes that it shows."""
        if read in self._jumping:
            other = next(reversed(self._jumping))
            raise _Stuck("each of {0} and {1} shows what must have come after the other", read, other)
        self._jumping[read] = None
        shown, held = self._facts.shown[read], self._held
        while read not in self._taken:
            missing = next((element for element in shown if element not in held), None)
            if missing is not None:
                self._come(missing, read)
            else:
                self._go(next(element for element in held if element not in shown), read)
        del self._jumping[read]

    def _come(self, element: State, because: int) -> None:
        facts = self._facts
        add = facts.add.get(element, NOBODY)
        if self._phase.get(element, _ABSENT) == _GONE:
            raise _Stuck("{0} shows an element that must have been removed before", because)
        if facts.calls[add] > self.now:
            certain = because in facts.shown and facts.rets[because] < facts.calls[add]
            raise _Stuck("{0} ended before {1} began, and shows its element", because, add, certain=certain)
        waiting = self._make_way(element)
        if self._phase.get(element, _ABSENT) != _ABSENT:
            return
        if not self.chosen:
            self.chosen = any(self._may_take_effect(read, element) for read in waiting)
        self._phase[element] = _PRESENT
        self._came[element] = self.now
        self._held.add(element)
        self._mask |= self._bit_of(element)
        self._leave(element)
        self._settle()

    def _make_way(self, element: State) -> list[int]:
        """Let each waiting read take effect that must before an element comes; return the others that miss it."""
        shown = self._facts.shown
        while True:
            waiting = [read for read in self._waiting if element not in shown[read]]
            choice: list[int] = []
            for read in waiting:
                must, implied = self._precedence.before(read, element, self.now)
                if must:
                    choice = [read]
                    break
                if implied and not choice:
                    choice = [read] if self._comes_first(read, implied) else implied
                    self.chosen = True
            if not choice:
                return waiting
            for read in choice:
                if read not in self._taken:
                    self._jump(read)

    def _comes_first(self, read: int, others: Sequence[int]) -> bool:
        """Either the read takes effect before an element comes, or all the others do: whether the read is better."""
        high = self._facts.high
        if any(other not in self._waiting for other in others):
            return True
        return high[read] < min(high[other] for other in others)

    def _go(self, element: State, because: int) -> None:
        """Let an element go, after all reads that show it."""
        facts = self._facts
        for read in facts.shown_in.get(element, ()):
            if read in self._taken:
                continue
            if read not in self._waiting:
                text = "{0} does not show an element that was in, and {1}, which began after it, still shows it"
                certain = because in facts.shown and facts.here_by[element] < facts.low[because]
                raise _Stuck(text, because, read, certain=certain)
            self._jump(read)
        if self._phase[element] == _PRESENT:
            if not self._removing.get(element):
                held = facts.add[element]
                text = "{0} does not show what {1} added, which nobody could have removed by then"
                certain = because in facts.shown and facts.here_by[element] < facts.low[because]
                raise _Stuck(text, because, held, certain=certain and not facts.removable(element, self.now))
            self._put_out(element)
            self._settle()

    def _may_take_effect(self, read: int, element: State) -> bool:
        """Whether a read could take effect before an element comes: False only if it certainly cannot."""
        facts = self._facts
        shown = facts.shown[read]
        for one in shown:
            if one not in self._held:
                add = facts.add.get(one, NOBODY)
                if self._phase.get(one) == _GONE or add == NOBODY or facts.calls[add] > self.now:
                    return False
        for one in self._held:
            if one not in shown:
                if not self._removing.get(one):
                    return False
                if self._left.get(one):
                    for other in facts.shown_in[one]:
                        late = other not in self._waiting or element in facts.shown[other]
                        if late and other not in self._taken:
                            return False
        return True

    def _remove_returns(self, number: int, element: State) -> None:
        """It took the element away, or found nothing."""
        facts = self._facts
        phase = self._phase.get(element, _ABSENT)
        if phase == _PRESENT and facts.calls[number] > self._came[element]:
            self._go(element, number)
        elif phase != _GONE:
            self._perhaps_found_nothing(number, element)
        self._removing[element] -= 1

    def _perhaps_found_nothing(self, number: int, element: State) -> None:
        """The element is not in yet, or it may have come after the remove. It did if a later read shows it."""
        facts, ret = self._facts, self._facts.rets[number]
        add = facts.add.get(element, NOBODY)
        if add == NOBODY or facts.calls[add] > ret:
            return  # There was nothing to remove yet.
        left = [read for read in facts.shown_in.get(element, ()) if read not in self._taken]
        several = len(facts.removes[element]) > 1
        if any(facts.low[read] > ret for read in left):
            self.chosen = self.chosen or several
            return
        # If no read shows the element from now on, it is as well gone.
        self.chosen = self.chosen or bool(left)
        if self._phase.get(element, _ABSENT) == _ABSENT:
            self._come(element, number)
        if self._phase[element] == _PRESENT:
            self._go(element, number)
