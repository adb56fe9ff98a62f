"""The forced order of a blog's history: which linearization points must precede which.

A *point* is the linearization point of one entry of the blog, a post or a comment that must or may take effect. The
point of a write has the write's own number. Equal comments share several points, numbered after the operations, because
only the sweep decides which point belongs to which comment.

A point follows its predecessors in its two lists: for a post all posts and its author's entries, for a comment its
title and its author's entries. It also follows every view that saw one of these lists without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.checks.linearizability.blog_facts import CommentKey, Contradiction, Facts, GrowingList, brief, describe
from simulator.checks.linearizability.blog_posts import resolve_posts
from simulator.checks.linearizability.operations import PENDING

UNSET = -2
NONE = -1


class EqualComments:
    """Comments with equal text: their operations in order of call, and their points in order of effect."""

    __slots__ = ("operations", "points")

    def __init__(self, operations: list[int], points: list[int]) -> None:
        self.operations = operations
        self.points = points


class ForcedOrder:
    """For each point: its `first` and `second` predecessor, `further` ones, and `not_before`.

    `not_before` is the latest call among the point's own and those of the views that did not see it: the point lies
    after that moment. `required` gives, for each operation that returned, the point that must have taken effect by then
    (`NONE`: none). `equal_comments` is by point, `equals_of` by operation.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.not_before = list(facts.call)
        size = len(self.not_before)
        self.first = [UNSET] * size
        self.second = [UNSET] * size
        self.further: dict[int, list[int]] = {}
        self.required = [NONE] * size
        self.equal_comments: dict[int, EqualComments] = {}
        self.equals_of: dict[int, EqualComments] = {}
        self.posts: dict[str, int] = {}  # Title -> point.
        self.undecided_posts: dict[int, list[int]] = {}  # Point -> pending posts, one a user: it is one of them.
        self._equal_comments: dict[CommentKey, EqualComments] = {}
        for title, numbers in resolve_posts(facts).items():
            if len(numbers) == 1:
                self.posts[title] = numbers[0]
            else:
                self.posts[title] = self.new_point()
                self.undecided_posts[self.posts[title]] = numbers
        self._assign_equal_comments()
        self._fill_lists()
        self._order_lists()
        self._order_unseen_writes()
        self._set_required()

    def new_point(self) -> int:
        """A point after those of the operations, or a node of the order that is no write; nothing precedes it yet."""
        self.not_before.append(-1)
        self.first.append(UNSET)
        self.second.append(UNSET)
        return len(self.not_before) - 1

    def lists(self) -> Iterator[GrowingList]:
        """All lists."""
        yield self.facts.all
        yield from self.facts.titles.values()
        yield from self.facts.users.values()

    def _assign_equal_comments(self) -> None:
        """Give equal comments points of their own, as many as there are operations."""
        for key, numbers in self.facts.comments.items():
            if isinstance(numbers, list):
                equal_comments = self._equal_comments[key] = EqualComments(numbers, [self.new_point() for _ in numbers])
                self.equal_comments.update(dict.fromkeys(equal_comments.points, equal_comments))
                self.equals_of.update(dict.fromkeys(numbers, equal_comments))

    def _fill_lists(self) -> None:
        """Set the points of every list's entries."""
        facts, posts = self.facts, self.posts
        facts.all.points = [posts[title] for title, _ in facts.all.entries]
        for title, number in posts.items():
            shown = facts.titles.get(title)
            if shown is None:
                shown = facts.titles[title] = GrowingList(("title", title))
            shown.points.append(number)
        for title, shown in facts.titles.items():
            if shown.entries:
                counts: dict[CommentKey, int] = {}
                shown.points += [self._comment(shown, (user, title, text), counts) for user, text in shown.entries]
        for user, shown in facts.users.items():
            if shown.entries:
                counts = {}
                shown.points = [
                    posts[title] if kind == "post" else self._comment(shown, (user, title, text), counts)
                    for kind, title, text in shown.entries
                ]

    def _comment(self, shown: GrowingList, key: CommentKey, counts: dict[CommentKey, int]) -> int:
        """The point of the next of these equal comments in a list."""
        number = self.facts.comments.get(key)
        seen = counts[key] = counts.get(key, 0) + 1
        if isinstance(number, int) and seen == 1:
            return number
        if isinstance(number, list) and seen <= len(number):
            return self._equal_comments[key].points[seen - 1]
        called = 0 if number is None else 1 if isinstance(number, int) else len(number)
        view = describe(self.facts, shown.seen_by)
        entry = f"comment({', '.join(map(brief, key))})"
        why = (
            f"{view} shows {entry} {seen} time{'s' if seen > 1 else ''}, but it can have taken effect {called} at most"
        )
        raise Contradiction(why, self.facts.ret[shown.seen_by], (self.facts.call[shown.seen_by],))

    def _order_lists(self) -> None:
        """Order the entries of each list, and each entry after the views that did not see it."""
        not_before, first, second, local_reads = self.not_before, self.first, self.second, False
        for shown in self.lists():
            chain = second if shown.name[0] == "user" else first
            head = shown.name[0] == "title"
            before = NONE
            for point in shown.points:
                if not head:
                    chain[point] = before
                head = False
                before = point
            shown.end = before
            points = shown.points
            for length, call in shown.last_call.items():
                if length < len(points) and not_before[points[length]] < call:
                    not_before[points[length]] = call
            local_reads = local_reads or bool(shown.local_reads)
        if local_reads:
            self._order_local_reads()

    def _order_local_reads(self) -> None:
        """Order each local read after what it saw and before what it did not see.

        It also follows the local reads of its node that had returned when it was called.
        """
        facts = self.facts
        for shown in self.lists():
            if not shown.local_reads:
                continue
            for length, number in shown.local_reads:
                self.first[number] = shown.points[length - 1] if length else NONE
                self.not_before[number] = -1
                if length < len(shown.points):
                    self.further.setdefault(shown.points[length], []).append(number)
            last = [number for length, number in shown.local_reads if length == len(shown.points)]
            if last:
                end = self.new_point()
                self.first[end] = shown.end
                self.further[end] = last
                shown.end = end
        newest: dict[int, int] = {}  # Node -> a point after all its local reads that have returned.
        moments = [(facts.call[number], number) for shown in self.lists() for _, number in shown.local_reads]
        moments += [(facts.ret[number], ~number) for _, number in moments]
        for _, number in sorted(moments):
            node = self._node(number if number >= 0 else ~number)
            if number >= 0:
                self.second[number] = newest.get(node, NONE)
            else:
                joint = self.new_point()
                self.first[joint], self.second[joint] = ~number, newest.get(node, NONE)
                newest[node] = joint

    def _node(self, number: int) -> int:
        return self.facts.nodes[number - self.facts.size]

    def _order_unseen_writes(self) -> None:
        """Order each write that no view of its list shows after all entries that views show, and after those views."""
        facts, args = self.facts, self.facts.arg
        for point in self.posts.values():
            numbers = self.undecided_posts.get(point)
            if numbers is None:
                self._order_after_list(point, facts.all, args[point][0])
            else:
                self.not_before[point] = max(self.not_before[point], min(facts.call[number] for number in numbers))
                self.second[point] = NONE  # The sweep decides whose entry it is.
                self._order_after_list(point, facts.all, "")
        for key, known in facts.comments.items():
            if isinstance(known, int):
                unseen = self.first[known] == UNSET and self.second[known] == UNSET
                if (
                    not unseen or facts.ret[known] != PENDING
                ):  # A pending comment that no view saw need not take effect.
                    self._order_after_list(known, facts.titles[key[1]], key[0])
            elif key[1] in self.posts:
                for point in self._equal_comments[key].points:
                    self._order_after_list(point, facts.titles[key[1]], key[0])

    def _order_after_list(self, point: int, shown: GrowingList, user: str) -> None:
        if self.first[point] == UNSET:
            self.first[point] = self._end_of_list(point, shown)
        if self.second[point] == UNSET:
            self.second[point] = self._end_of_user(point, user)

    def _end_of_user(self, point: int, user: str) -> int:
        shown = self.facts.users.get(user)
        return NONE if shown is None else self._end_of_list(point, shown)

    def _end_of_list(self, point: int, shown: GrowingList) -> int:
        call = shown.last_call.get(len(shown.points), -1)
        self.not_before[point] = max(self.not_before[point], call)
        return shown.end

    def _set_required(self) -> None:
        """Set the point that must have taken effect when each operation returns."""
        facts, required, posts = self.facts, self.required, self.posts
        fs, args, results = facts.f, facts.arg, facts.result
        for number, ret in enumerate(facts.ret):
            if ret < 0 or ret == PENDING:
                continue
            f = fs[number]
            if number >= facts.size:
                required[number] = number
            elif f == "post":
                required[number] = posts[args[number][1]]
            elif f == "comment":
                if results[number] == "ok":
                    required[number] = number
            elif f == "view_title":
                if results[number] != "not found":
                    required[number] = facts.titles[args[number]].points[len(results[number][2])]
            elif results[number]:
                shown = facts.all if f == "view_all" else facts.users[args[number]]
                required[number] = shown.points[len(results[number]) - 1]
