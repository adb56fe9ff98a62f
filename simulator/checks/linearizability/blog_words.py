"""Why no order explains a blog's history, in words: the operations, what each saw, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from simulator.checks.linearizability.blog_facts import List, brief, tell, told_list
from simulator.checks.linearizability.blog_order import Order
from simulator.checks.linearizability.blog_sweep import Failure, Stuck

_STEPS_TOLD = 4
"""Of a longer chain of reasons the first and the last ones are told."""


def explain(failure: Failure) -> str:
    """The reason in a few sentences."""
    if failure.contradiction is not None:
        return f"{failure.contradiction.why}."
    assert failure.order is not None
    assert failure.stuck is not None
    return " ".join(sentence for sentence, _ in evidence(failure.order, failure.stuck))


def latest(failure: Failure) -> int:
    """The last event that the reason speaks of: about where the shortest beginning that fails will end."""
    if failure.order is None or failure.stuck is None:
        return failure.latest
    return max(event for _, event in evidence(failure.order, failure.stuck))


def evidence(order: Order, stuck: Stuck) -> list[tuple[str, int]]:
    """The sentences of the reason, each with the last event that it speaks of."""
    facts = order.facts
    told = [(f"{_capital(tell(facts, stuck.operation))} had returned by event {stuck.at + 1}.", stuck.at)]
    path = stuck.path
    if path[0] != stuck.operation:
        told.append((f"So {_entry(order, path[0])} had taken effect by then.", stuck.at))
    steps = [_step(order, token, before) for token, before in pairwise(path)]
    told += steps[:_STEPS_TOLD]
    if len(steps) > 2 * _STEPS_TOLD:
        told.append((f"(So it goes on, {len(steps) - 2 * _STEPS_TOLD} steps more.)", 0))
    told += steps[max(_STEPS_TOLD, len(steps) - _STEPS_TOLD) :]
    if stuck.circle:
        return [*told, (f"But then {_entry(order, path[-1])} would stand before itself.", stuck.at)]
    return [*told, _last(order, stuck)]


def _step(order: Order, token: int, before: int) -> tuple[str, int]:
    """Why `token` stands behind `before`."""
    facts = order.facts
    subject = _capital(_entry(order, token))
    for shown in order.lists():
        if shown.end == before and before not in shown.tokens:
            return f"{subject} comes after every local read of {told_list(shown.name)} that does not show it.", 0
        if before not in shown.tokens:
            continue
        at = shown.tokens.index(before)
        if at + 1 < len(shown.tokens) and shown.tokens[at + 1] == token:
            if shown.seen_by < 0 or (shown.name[0] == "title" and at >= len(shown.entries)):
                return f"{subject} comes after its post, {_entry(order, before)}.", 0
            view = tell(facts, shown.seen_by)
            return f"{subject} comes after {_entry(order, before)}, as {view} shows.", facts.ret[shown.seen_by]
        if at + 1 == len(shown.tokens) and token not in shown.tokens and _belongs(order, token, shown):
            if shown.seen_by < 0:
                return f"{subject} comes after its post, {_entry(order, before)}.", 0
            view = tell(facts, shown.seen_by)
            return (
                f"{subject} comes after {_entry(order, before)}: {view} shows that one and not this.",
                facts.ret[shown.seen_by],
            )
    return f"{subject} comes after {_entry(order, before)}.", 0


def _last(order: Order, stuck: Stuck) -> tuple[str, int]:
    """Why the last token of the path cannot have taken effect by then."""
    facts, token = order.facts, stuck.path[-1]
    for number in _operations(order, token):
        if facts.call[number] >= stuck.at:
            event = facts.call[number]
            return f"But {_entry(order, token)} was called only at event {event + 1}.", event
    for shown in order.lists():
        length = shown.tokens.index(token) if token in shown.tokens else len(shown.tokens)
        call = shown.last_call.get(length, -1)
        if call >= stuck.at and (token in shown.tokens or _belongs(order, token, shown)):
            reader = next(number for number, at in enumerate(facts.call) if at == call)
            saw = f"But {tell(facts, reader)}, called after that, did not see {_entry(order, token)}."
            return saw, facts.ret[reader]
    return f"But by then {_entry(order, token)} can have taken effect fewer times.", stuck.at


def _belongs(order: Order, token: int, shown: List) -> bool:
    """True when the write `token` adds to this list."""
    kind, name = shown.name
    for number in _operations(order, token):
        user, title, _ = order.facts.arg[number]
        if kind == "all":
            return order.facts.f[number] == "post"
        return bool(name == (user if kind == "user" else title))
    return False


def _operations(order: Order, token: int) -> Iterator[int]:
    """The operations that may stand at `token`; none when it is a local read or a joint of them."""
    if token in order.twins:
        yield from order.twins[token].operations
    elif token in order.open_posts:
        yield from order.open_posts[token]
    elif token < order.facts.size:
        yield token


def _entry(order: Order, token: int) -> str:
    """A token in words."""
    facts = order.facts
    if token in order.twins:
        twins = order.twins[token]
        which = twins.tokens.index(token) + 1
        asked = ", ".join(map(brief, facts.arg[twins.operations[0]]))
        return f"comment({asked}), number {which} of {len(twins.operations)} alike,"
    if token in order.open_posts:
        return f"the post of {brief(facts.arg[order.open_posts[token][0]][1])}"
    return tell(facts, token) if token < len(facts.f) else "an earlier local read of the same node"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
