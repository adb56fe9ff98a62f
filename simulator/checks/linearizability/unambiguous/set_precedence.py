"""Which reads of a set must take effect before an element comes, because they cannot do so after it has gone again."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable

from simulator.checks.linearizability.unambiguous.set_facts import SetFacts

_MOST_LOOKS = 300


class Precedence:
    """Looks ahead from the present state of a sweep: `held` is what the set holds, `come` has what ever came.

    Suppose that a read comes after an element that it does not show. Then it comes after every read that shows the
    element, and after every other element of these that it does not show itself; and after what must have come by then;
    and so on. That is impossible if one of these reads begins after it ended, or if one misses what the read shows
    although that is in already, or must be by then.
    """

    def __init__(self, facts: SetFacts, held: set[int], come: Collection[int]) -> None:
        self._facts = facts
        self._held = held
        self._come = come
        self._coming = sorted(range(len(facts.add)), key=facts.here_by.__getitem__)
        self._comes_at = [facts.here_by[element] for element in self._coming]

    def before(self, read: int, element: int, now: float) -> tuple[bool, list[int]]:
        """Whether the read must take effect before the element comes; else which others must if it does not.

        False proves nothing.
        """
        facts = self._facts
        if facts.here_until[element] > facts.high[read]:
            return True, []
        supposed = _Supposed(facts, read, element)
        while supposed.elements:
            if self._is_impossible(supposed):
                return True, []
            if len(supposed.reads) > _MOST_LOOKS:
                return False, []
            if not supposed.elements and supposed.after > now:
                coming = self._coming[bisect_right(self._comes_at, now) : bisect_left(self._comes_at, supposed.after)]
                now = supposed.after
                if not supposed.add(one for one in coming if one not in self._come):
                    return True, []
        return False, supposed.implied

    def _is_impossible(self, supposed: _Supposed) -> bool:
        """Whether one of the reads that show the next element cannot come before the read that is looked at."""
        facts, held = self._facts, self._held
        for other in facts.shown_in[supposed.elements.pop()]:
            if other in supposed.reads:
                continue
            supposed.reads.add(other)
            theirs, low = facts.shown[other], facts.low[other]
            missing = supposed.mine - theirs
            for one in missing:
                if one in held or facts.here_by[one] < low:
                    return True
            if supposed.element in theirs:
                supposed.beside |= theirs
            elif not supposed.beside.isdisjoint(missing):
                supposed.implied.append(other)
            if not supposed.add(theirs - held):
                return True
        return False


class _Supposed:
    """What follows if a read comes after an element that it does not show.

    `elements` have gone before it as well, and are still to be looked at; `reads` came before it. `after` is the moment
    after which it comes. `beside` is what is shown together with the element, and `implied` are the reads before it
    that must also precede the element.
    """

    def __init__(self, facts: SetFacts, read: int, element: int) -> None:
        self.element = element
        self.mine = facts.shown[read]
        self.elements = [element]
        self.reads: set[int] = set()
        self.beside: set[int] = set()
        self.implied: list[int] = []
        self.after = facts.here_until[element]
        self._until = facts.here_until
        self._ended = facts.high[read]
        self._met = {element}

    def add(self, elements: Iterable[int]) -> bool:
        """Suppose that these had come, too. False if the read ended before one that it does not show can go."""
        for one in elements:
            if one not in self.mine and one not in self._met:
                if self._until[one] > self._ended:
                    return False
                self.after = max(self.after, self._until[one])
                self._met.add(one)
                self.elements.append(one)
        return True
