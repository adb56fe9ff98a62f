"""A proof that no order exists, where a sweep ended in nothing after reads had waited: it depends on no choice.

A read that does not show an element takes effect before it came or after it had gone. Where both are impossible by the
windows of reads and elements alone, no order exists. That is looked for near the read at which the sweep was stuck.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from simulator.checks.linearizability.unambiguous.conflict import Conflict
from simulator.checks.linearizability.unambiguous.set_facts import SetFacts
from simulator.checks.linearizability.unambiguous.set_precedence import Precedence

_MOST_READS = 200


def proof_near(facts: SetFacts, moment: float) -> Conflict | None:
    """A read that has no place, among those that could take effect about the given moment."""
    reads = sorted(facts.shown, key=facts.high.__getitem__)
    at = bisect_left(reads, moment, key=facts.high.__getitem__)
    near = reads[max(0, at - _MOST_READS // 4) : at + _MOST_READS]
    if not near:
        return None
    since, until = min(facts.low[read] for read in near), max(facts.high[read] for read in near)
    elements = [one for one, by in enumerate(facts.here_by) if by < until and facts.here_until[one] > since]
    before = Precedence(facts, set(), ())
    mirror = _mirrored(facts)
    after = Precedence(mirror, set(), ())
    for read in near:
        low, high = facts.low[read], facts.high[read]
        for element in elements:
            if element in facts.shown[read] or facts.here_by[element] >= high or facts.here_until[element] <= low:
                continue  # Nothing hinders it to come before the element, or after it.
            if before.before(read, element, low)[0] and after.before(read, element, mirror.low[read])[0]:
                text = "{0} does not show what {1} added, and can come neither before it nor after it had gone again"
                return Conflict(text, (read, facts.add[element]))
    return None


def _mirrored(facts: SetFacts) -> SetFacts:
    """The same reads and elements with time turned round."""
    return replace(
        facts,
        low=[-moment for moment in facts.high],
        high=[-moment for moment in facts.low],
        here_by=[-moment for moment in facts.here_until],
        here_until=[-moment for moment in facts.here_by],
    )
