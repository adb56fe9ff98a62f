"""Is a blog's history sequential? The forced order without real time, and with the order of each process.

Every view shows the first entries of a growing list, so it stands after the last entry that it saw and before the next
one (`blog_facts.py`). With the order of the entries and that of each process this is all that an order has to satisfy:
if it makes no circle, an order exists. O(n) for n operations and the entries that views show.

Choices remain where several comments are equal, and where one of several pending posts of a title took effect. Then a
circle without the choice proves that no order exists, and the likely choice may prove that one does.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.checks.linearizability.blog_facts import Contradiction, Facts, GrowingList, describe, read_facts
from simulator.checks.linearizability.blog_order import UNSET, ForcedOrder
from simulator.checks.linearizability.forced_graph import ForcedGraph
from simulator.checks.linearizability.operations import FAILED, PENDING, Operations, PairedHistory
from simulator.checks.linearizability.prefix import Reason
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous


def sequential_blog(operations: Operations) -> Reason | None:
    """None if an order exists that keeps the order of each process, else the reason. Its `length` means nothing.

    Raises:
        Ambiguous: it depends on a choice.
    """
    try:
        facts = read_facts(PairedHistory(operations, Operations(), 0), local=False)
        order = ForcedOrder(facts)
    except Contradiction as contradiction:
        return Reason(f"{contradiction.why}.", 0, contradiction.calls)
    certain = _Sequence(order, choose=False)
    circle = certain.graph.circle()
    if circle:
        why, nodes = certain.graph.explained(circle, certain.why)
        named = dict.fromkeys(
            [*(number for node in nodes for number in certain.operations_of(node)), *certain.shown_by]
        )
        return Reason(why, 0, tuple(facts.call[number] for number in named))
    if certain.leaves_a_choice and _Sequence(order, choose=True).graph.circle():
        raise Ambiguous
    return None


class _Sequence:
    """The graph. `choose`: equal comments take effect in the order of their calls, and the first pending post does."""

    def __init__(self, order: ForcedOrder, *, choose: bool) -> None:
        self._order = order
        self._facts = facts = order.facts
        self.graph = graph = ForcedGraph(len(order.not_before))
        self.shown_by: list[int] = []
        """The views that tell the order of entries, where `why` names them."""
        self._chosen: dict[int, int] = {}
        self._perhaps = {
            number
            for title, numbers in facts.pending_posts.items()
            if title not in facts.ok_posts and len(numbers) > 1
            for number in numbers
        }
        if choose:
            self._choose()
        views: dict[tuple[str, str], list[int]] = {}
        for number, ret in enumerate(facts.ret):
            name = viewed(facts, number) if ret not in {FAILED, PENDING} else None
            if name is not None:
                views.setdefault(name, []).append(number)
        ends = {shown.name: self._add_list(shown, views.get(shown.name, [])) for shown in order.lists()}
        inside = {shown.name: set(shown.points) for shown in order.lists()}
        for point in self._points():
            for shown in self._lists(point):
                if point not in inside[shown.name]:
                    graph.before[point].append(ends[shown.name])
        lines: dict[int, list[tuple[int, bool]]] = {}
        for number in range(facts.size):
            node = self._node(number)
            if node >= 0:
                lines.setdefault(facts.process[number], []).append((node, facts.ret[number] != PENDING))
        graph.add_processes(lines)

    def _choose(self) -> None:
        order, facts = self._order, self._facts
        for equal in {id(one): one for one in order.equal_comments.values()}.values():
            first = sorted(equal.operations, key=lambda number: (facts.ret[number] == PENDING, facts.call[number]))
            self._chosen.update(zip(first, equal.points, strict=True))
        for point, numbers in order.undecided_posts.items():
            self._chosen[numbers[0]] = point
        self._chosen.update((number, number) for number in self._perhaps.intersection(order.posts.values()))

    @property
    def leaves_a_choice(self) -> bool:
        """Whether the graph depends on which operations the points belong to."""
        return bool(self._order.equals_of or self._perhaps)

    def _add_list(self, shown: GrowingList, views: list[int]) -> int:
        """Order the entries of a list and its views; returns what precedes each write that no view of it shows."""
        before, points, facts = self.graph.before, shown.points, self._facts
        for at in range(1, len(points)):
            before[points[at]].append(points[at - 1])
        end = self.graph.joint()
        before[end] += points[-1:]
        for number in views:
            length = seen_length(facts, number)
            if length:
                before[number].append(points[length - 1])
            if facts.f[number] != "post":
                before[points[length] if length < len(points) else end].append(number)
        return end

    def _points(self) -> Iterator[int]:
        """The points of all writes that must or may take effect."""
        order = self._order
        yield from order.posts.values()
        for known in self._facts.comments.values():
            if isinstance(known, int) and order.first[known] != UNSET:
                yield known
        yield from (point for point in order.equal_comments if order.first[point] != UNSET)

    def _lists(self, point: int) -> Iterator[GrowingList]:
        """The lists that the write of a point adds to."""
        facts, numbers = self._facts, self.operations_of(point)
        user, title, _ = facts.arg[numbers[0]]
        if facts.f[numbers[0]] == "post":
            yield facts.all
        yield facts.title(title)
        if point not in self._order.undecided_posts or numbers[0] in self._chosen:
            yield from [facts.users[user]] if user in facts.users else []

    def operations_of(self, node: int) -> list[int]:
        """The operations that a node may belong to."""
        order = self._order
        if node in order.equal_comments:
            return order.equal_comments[node].operations
        return order.undecided_posts.get(node, [node])

    def _node(self, number: int) -> int:
        """The node of an operation; -1 if it has none, or if that depends on a choice."""
        order, facts = self._order, self._facts
        if number in self._chosen:
            return self._chosen[number]
        if number in self._perhaps:
            return -1
        if facts.ret[number] < 0 or number in order.equals_of:
            return -1
        if facts.f[number] == "post" and facts.result[number] in ("ok", None):
            return number if order.posts.get(facts.arg[number][1]) == number else -1
        if facts.f[number] == "comment" and order.first[number] == UNSET and facts.result[number] != "cannot comment":
            return -1
        return number if facts.ret[number] != PENDING or order.first[number] != UNSET else -1

    def why(self, one: int, other: int) -> str:
        """Why `one` must precede `other`, in words."""
        names = [describe(self._facts, self.operations_of(node)[0]) for node in (one, other)]
        if self.graph.previous.get(other) == one:
            return f"{names[0]} came before {names[1]} in the same process"
        if viewed(self._facts, other) is not None:
            return f"{names[1]} saw what {names[0]} had written"
        if viewed(self._facts, one) is not None:
            return f"{names[0]} did not see what {names[1]} wrote"
        shared = next((shown for shown in self._lists(other) if one in shown.points), None)
        if shared is None or shared.seen_by < 0:
            return f"{names[1]} needs {names[0]}"
        self.shown_by.append(shared.seen_by)
        shows = "before" if other in shared.points else "and not"
        return f"{describe(self._facts, shared.seen_by)} shows {names[0]} {shows} {names[1]}"


def viewed(facts: Facts, number: int) -> tuple[str, str] | None:
    """The list that an operation saw a part of; None for a write that took effect. A refusal is a view."""
    if number >= facts.size:
        return None
    f, arg, result = facts.f[number], facts.arg[number], facts.result[number]
    if f == "view_all":
        return "all", ""
    if f == "view_user":
        return "user", arg
    if f == "view_title":
        return "title", arg
    return ("title", arg[1]) if result in ("duplicate title", "cannot comment") else None


def seen_length(facts: Facts, number: int) -> int:
    """How many entries of that list it certainly saw."""
    f, result = facts.f[number], facts.result[number]
    if f == "view_title":
        return 0 if result == "not found" else 1 + len(result[2])
    if f in {"post", "comment"}:
        return 1 if f == "post" else 0
    return len(result)
