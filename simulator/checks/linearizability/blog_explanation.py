"""Why no order explains a blog's history, in words: the operations, what each saw, and the contradiction."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from simulator.checks.linearizability.blog_facts import GrowingList, brief, describe, describe_list
from simulator.checks.linearizability.blog_order import ForcedOrder
from simulator.checks.linearizability.blog_sweep import Failure, Stuck

_MOST_STEPS = 4
"""A longer chain of reasons shows this many at its beginning and at its end."""


def explain(failure: Failure) -> str:
    """The reason in a few sentences."""
    if failure.contradiction is not None:
        return f"{failure.contradiction.why}."
    assert failure.order is not None
    assert failure.stuck is not None
    return " ".join(sentence for sentence, _ in evidence(failure.order, failure.stuck))


def latest(failure: Failure) -> int:
    """The last event that the reason names: the shortest failing prefix ends near it."""
    if failure.order is None or failure.stuck is None:
        return failure.latest
    return max(event for _, event in evidence(failure.order, failure.stuck))


def contradicting(failure: Failure) -> list[int]:
    """The calls of the operations that the reason names."""
    if failure.contradiction is not None:
        return list(failure.contradiction.calls)
    order, stuck = failure.order, failure.stuck
    if order is None or stuck is None:
        return []
    facts = order.facts
    steps = (
        stuck.path if len(stuck.path) <= 2 * _MOST_STEPS else [*stuck.path[:_MOST_STEPS], *stuck.path[-_MOST_STEPS:]]
    )
    named = [stuck.operation]
    for point in steps:
        own = list(_operations(order, point))
        named += own if len(own) == 1 else [point] if facts.size <= point < len(facts.f) else []
    for before, point in pairwise(reversed(stuck.path)):
        for shown in order.lists():
            if before in shown.points and shown.seen_by >= 0 and point in (*shown.points, stuck.path[0]):
                named.append(shown.seen_by)
                break
    if not stuck.cycle:
        named += (number for number in [_late_view(order, stuck)] if number >= 0)
    return [facts.call[number] for number in dict.fromkeys(named)]


def evidence(order: ForcedOrder, stuck: Stuck) -> list[tuple[str, int]]:
    """The sentences of the reason, each with the last event that it names."""
    facts = order.facts
    sentences = [(f"{_capital(describe(facts, stuck.operation))} had returned by event {stuck.at + 1}.", stuck.at)]
    path = stuck.path
    if path[0] != stuck.operation:
        sentences.append((f"So {_describe_entry(order, path[0])} had taken effect by then.", stuck.at))
    steps = [_why_after(order, point, before) for point, before in pairwise(path)]
    sentences += steps[:_MOST_STEPS]
    if len(steps) > 2 * _MOST_STEPS:
        sentences.append((f"(So it goes on, {len(steps) - 2 * _MOST_STEPS} steps more.)", 0))
    sentences += steps[max(_MOST_STEPS, len(steps) - _MOST_STEPS) :]
    if stuck.cycle:
        return [*sentences, (f"But then {_describe_entry(order, path[-1])} would stand before itself.", stuck.at)]
    return [*sentences, _why_not(order, stuck)]


def _why_after(order: ForcedOrder, point: int, before: int) -> tuple[str, int]:
    """Why `point` comes after `before`."""
    facts = order.facts
    subject = _capital(_describe_entry(order, point))
    for shown in order.lists():
        if shown.end == before and before not in shown.points:
            return f"{subject} comes after every local read of {describe_list(shown.name)} that does not show it.", 0
        if before not in shown.points:
            continue
        at = shown.points.index(before)
        if at + 1 < len(shown.points) and shown.points[at + 1] == point:
            if shown.seen_by < 0 or (shown.name[0] == "title" and at >= len(shown.entries)):
                return f"{subject} comes after its post, {_describe_entry(order, before)}.", 0
            view = describe(facts, shown.seen_by)
            return f"{subject} comes after {_describe_entry(order, before)}, as {view} shows.", facts.ret[shown.seen_by]
        if at + 1 == len(shown.points) and point not in shown.points and _belongs(order, point, shown):
            if shown.seen_by < 0:
                return f"{subject} comes after its post, {_describe_entry(order, before)}.", 0
            view = describe(facts, shown.seen_by)
            return (
                f"{subject} comes after {_describe_entry(order, before)}: {view} shows that one and not this.",
                facts.ret[shown.seen_by],
            )
    return f"{subject} comes after {_describe_entry(order, before)}.", 0


def _why_not(order: ForcedOrder, stuck: Stuck) -> tuple[str, int]:
    """Why the last point of the path cannot have taken effect by then."""
    facts, point = order.facts, stuck.path[-1]
    for number in _operations(order, point):
        if facts.call[number] >= stuck.at:
            event = facts.call[number]
            return f"But {_describe_entry(order, point)} was called only at event {event + 1}.", event
    reader = _late_view(order, stuck)
    if reader >= 0:
        saw = f"But {describe(facts, reader)}, called after that, did not see {_describe_entry(order, point)}."
        return saw, facts.ret[reader]
    return f"But by then {_describe_entry(order, point)} can have taken effect fewer times.", stuck.at


def _late_view(order: ForcedOrder, stuck: Stuck) -> int:
    """A view called too late that did not see the last point of the path; -1 if there is none."""
    facts, point = order.facts, stuck.path[-1]
    for shown in order.lists():
        length = shown.points.index(point) if point in shown.points else len(shown.points)
        call = shown.last_call.get(length, -1)
        if call >= stuck.at and (point in shown.points or _belongs(order, point, shown)):
            return next(number for number, at in enumerate(facts.call) if at == call)
    return -1


def _belongs(order: ForcedOrder, point: int, shown: GrowingList) -> bool:
    """True when the write of `point` adds to this list."""
    kind, name = shown.name
    for number in _operations(order, point):
        user, title, _ = order.facts.arg[number]
        if kind == "all":
            return order.facts.f[number] == "post"
        return bool(name == (user if kind == "user" else title))
    return False


def _operations(order: ForcedOrder, point: int) -> Iterator[int]:
    """The operations that `point` may belong to; none for a local read or an auxiliary point."""
    if point in order.equal_comments:
        yield from order.equal_comments[point].operations
    elif point in order.undecided_posts:
        yield from order.undecided_posts[point]
    elif point < order.facts.size:
        yield point


def _describe_entry(order: ForcedOrder, point: int) -> str:
    """A point in words."""
    facts = order.facts
    if point in order.equal_comments:
        equal_comments = order.equal_comments[point]
        which = equal_comments.points.index(point) + 1
        asked = ", ".join(map(brief, facts.arg[equal_comments.operations[0]]))
        return f"comment({asked}), number {which} of {len(equal_comments.operations)} alike,"
    if point in order.undecided_posts:
        return f"the post of {brief(facts.arg[order.undecided_posts[point][0]][1])}"
    return describe(facts, point) if point < len(facts.f) else "an earlier local read of the same node"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
