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
from random import Random

from simulator.checks.linearizability.model import State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.set_facts import NOBODY, SetFacts, read_set_facts
from simulator.checks.linearizability.unambiguous.set_precedence import Precedence
from simulator.checks.linearizability.unambiguous.set_proof import proof_near

_CALL, _RETURN = 0, 1
_ROUNDS = (0, 2)


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
    if isinstance(facts, Conflict):
        return facts
    moment = 0.0
    for rounds in _ROUNDS:  # Narrower windows leave less choice, and take time.
        facts.narrow(rounds)
        for number in facts.shown:
            if facts.low[number] > facts.high[number]:
                return _not_together(facts, number)
        sweep = _Sweep(facts)
        try:
            sweep.run()
        except _Stuck as stuck:
            if not sweep.chosen or stuck.certain:
                return stuck.conflict
            moment = sweep.now
        else:
            return None
    proof = proof_near(facts, moment)
    if proof is None:
        raise Ambiguous
    return proof


def _not_together(facts: SetFacts, read: int) -> Conflict:
    """A read whose window is empty: it shows an element that came after another one had gone, or after it ended."""
    shown, calls, rets = facts.shown[read], facts.calls, facts.rets
    last = max((facts.add[one] for one in shown if facts.add[one] != NOBODY), key=calls.__getitem__, default=NOBODY)
    if last != NOBODY and calls[last] > rets[read]:
        return Conflict("{0} ended before {1} began, and shows its element", (read, last))
    for one in shown:
        ended = -1 if facts.add[one] == NOBODY else rets[facts.add[one]]
        for remove in facts.removes[one]:
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
        self._held: set[int] = set(facts.first)
        self._come_once: set[int] = set(facts.first)
        self._came: dict[int, float] = dict.fromkeys(facts.first, -1)
        self._shown_until = list(map(len, facts.shown_in))
        """For each element: all reads that show it from this place in the list on have taken effect."""
        self._last_reads = [reads[-1] if reads else NOBODY for reads in facts.shown_in]
        """For each element the read before that place: while it has not taken effect, the element stays."""
        self._removing = [0] * len(facts.add)
        self._leaving: set[int] = set()
        """The elements that an open remove names."""
        self._waiting: dict[int, None] = {}
        """The open reads that have not taken effect."""
        dice = Random(len(facts.add))
        self._codes = [dice.getrandbits(60) for _ in facts.add]
        self._sum = sum(map(self._codes.__getitem__, facts.first))
        self._by_sum: dict[int, list[int]] = {}
        """The waiting reads by the sum of the codes of what they show: only these can show what the set holds."""
        self._taken = {NOBODY}
        self._jumping: dict[int, None] = {}
        self._precedence = Precedence(facts, self._held, self._come_once)

    def run(self) -> None:
        """Sweep over all calls and returns. Raises `_Stuck` where a forced step is impossible."""
        facts = self._facts
        shown, taken, come_once = facts.shown, self._taken, self._come_once
        adds = {number: element for element, number in enumerate(facts.add) if number != NOBODY}
        for now, kind, number in facts.moments():
            self.now = now
            if number in shown:
                if kind == _CALL:
                    self._open(number)
                elif number not in taken:
                    self._jump(number)
            elif number in adds:
                if adds[number] not in come_once:
                    self._come(adds[number], number)
            elif kind == _CALL:
                element = facts.removed[number]
                self._removing[element] += 1
                self._leaving.add(element)
                self._leave(element)
            else:
                self._remove_returns(number, facts.removed[number])

    def _open(self, read: int) -> None:
        """A read begins: it takes effect at once if the set holds just what it shows."""
        shown = self._facts.shown[read]
        code = sum(map(self._codes.__getitem__, shown))
        self._waiting[read] = None
        self._by_sum.setdefault(code, []).append(read)
        if code == self._sum:
            self._settle()

    def _settle(self) -> None:
        """Let each read take effect that shows what the set holds, and each element go that nobody will show."""
        gone: list[int] = []
        while True:
            for read in self._by_sum.pop(self._sum, ()):
                shown = self._facts.shown[read]
                if shown != self._held:  # Another set with the same sum.
                    self._by_sum.setdefault(self._sum, []).append(read)
                    continue
                self._taken.add(read)
                del self._waiting[read]
                last = self._last_reads
                gone += [one for one in shown & self._leaving if last[one] == read and self._shown_no_more(one)]
            if not gone:
                return
            element = gone.pop()
            if element in self._held:
                self._put_out(element)

    def _shown_no_more(self, element: int) -> bool:
        """Whether all reads that show the element have taken effect."""
        reads, taken, at = self._facts.shown_in[element], self._taken, self._shown_until[element]
        if self._last_reads[element] not in taken:
            return False
        while at and reads[at - 1] in taken:
            at -= 1
        self._shown_until[element] = at
        self._last_reads[element] = reads[at - 1] if at else NOBODY
        return not at

    def _put_out(self, element: int) -> None:
        self._held.remove(element)
        self._sum -= self._codes[element]

    def _leave(self, element: int) -> None:
        """Let an element go, if it is in, nobody will show it, and a remove of it is open."""
        if element in self._held and element in self._leaving and self._shown_no_more(element):
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
            missing = shown - held
            if missing:
                self._come(min(missing), read)
            else:
                self._go(min(held - shown), read)
        del self._jumping[read]

    def _come(self, element: int, because: int) -> None:
        facts, add = self._facts, self._facts.add[element]
        if element in self._come_once and element not in self._held:
            raise _Stuck("{0} shows an element that must have been removed before", because)
        if facts.calls[add] > self.now:
            certain = because in facts.shown and facts.rets[because] < facts.calls[add]
            raise _Stuck("{0} ended before {1} began, and shows its element", because, add, certain=certain)
        waiting = self._make_way(element)
        if element in self._come_once:
            return
        if not self.chosen:
            self.chosen = any(self._may_take_effect(read, element) for read in waiting)
        self._come_once.add(element)
        self._came[element] = self.now
        self._held.add(element)
        self._sum += self._codes[element]
        self._leave(element)
        self._settle()

    def _make_way(self, element: int) -> list[int]:
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

    def _go(self, element: int, because: int) -> None:
        """Let an element go, after all reads that show it."""
        facts = self._facts
        for read in facts.shown_in[element][: self._shown_until[element]]:
            if read in self._taken:
                continue
            if read not in self._waiting:
                text = "{0} does not show an element that was in, and {1}, which began after it, still shows it"
                certain = self._came_before(element, because) and facts.low[read] > facts.high[because]
                raise _Stuck(text, because, read, certain=certain)
            self._jump(read)
        if element in self._held:
            if element not in self._leaving:
                held = facts.add[element]
                text = "{0} does not show what {1} added, which nobody could have removed by then"
                certain = self._came_before(element, because) and not facts.removable(element, facts.high[because])
                raise _Stuck(text, because, held, certain=certain)
            self._put_out(element)
            self._settle()

    def _came_before(self, element: int, read: int) -> bool:
        """Whether it is a read that the element must have preceded."""
        return read in self._facts.shown and self._facts.here_by[element] < self._facts.low[read]

    def _may_take_effect(self, read: int, element: int) -> bool:
        """Whether a read could take effect before an element comes: False only if it certainly cannot."""
        facts, held = self._facts, self._held
        shown = facts.shown[read]
        for one in shown - held:
            add = facts.add[one]
            if one in self._come_once or add == NOBODY or facts.calls[add] > self.now:
                return False
        for one in held - shown:
            if one not in self._leaving:
                return False
            if not self._shown_no_more(one):
                for other in facts.shown_in[one]:
                    late = other not in self._waiting or element in facts.shown[other]
                    if late and other not in self._taken:
                        return False
        return True

    def _remove_returns(self, number: int, element: int) -> None:
        """It took the element away, or found nothing."""
        if element in self._held:
            if self._facts.calls[number] > self._came[element]:
                self._go(element, number)
            else:
                self._perhaps_found_nothing(number, element)
        elif element not in self._come_once:
            self._perhaps_found_nothing(number, element)
        self._removing[element] -= 1
        if not self._removing[element]:
            self._leaving.remove(element)

    def _perhaps_found_nothing(self, number: int, element: int) -> None:
        """The element is not in yet, or it may have come after the remove. It did if a later read shows it."""
        facts, ret = self._facts, self._facts.rets[number]
        add = facts.add[element]
        if add == NOBODY or facts.calls[add] > ret:
            return  # There was nothing to remove yet.
        left = [read for read in facts.shown_in[element] if read not in self._taken]
        several = len(facts.removes[element]) > 1
        if any(facts.low[read] > ret for read in left):
            self.chosen = self.chosen or several
            return
        # If no read shows the element from now on, it is as well gone.
        self.chosen = self.chosen or bool(left)
        if element not in self._come_once:
            self._come(element, number)
        if element in self._held:
            self._go(element, number)
