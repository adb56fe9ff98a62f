"""What must stand before what: the blog's facts as a few numbers a write.

A *token* is one entry of the blog that must or may take effect: a post, or a comment. The token of a write is the
write's own number; comments that are alike share several tokens, numbered beyond the operations, because only the
sweep can say which of them is which. A token stands after its predecessors in its two lists (a post: all posts, its
author's entries; a comment: its title, its author's entries), and after every view that saw one of these lists
without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.checks.linearizability.blog_facts import Alike, Contradiction, Facts, List, brief, tell
from simulator.checks.linearizability.blog_posts import settled_posts
from simulator.checks.linearizability.operations import NEVER

UNSET = -2
NONE = -1


class Twins:
    """Comments that are alike: their operations in order of call, and their tokens in order of effect."""

    __slots__ = ("operations", "tokens")

    def __init__(self, operations: list[int], tokens: list[int]) -> None:
        self.operations = operations
        self.tokens = tokens


class Order:
    """For each token: `first` and `second` predecessor, `after` further ones, and `need`.

    `need` is the latest call among the token's own and those of the views that did not see it: the token can take
    effect only after that moment. `target` gives, for each operation that returned, the token that must have taken
    effect by then (`NONE`: none). `twins` is by token, `twin_of` by operation.
    """

    def __init__(self, facts: Facts) -> None:
        self.facts = facts
        self.need = list(facts.call)
        size = len(self.need)
        self.first = [UNSET] * size
        self.second = [UNSET] * size
        self.after: dict[int, list[int]] = {}
        self.target = [NONE] * size
        self.twins: dict[int, Twins] = {}
        self.twin_of: dict[int, Twins] = {}
        self.posts: dict[str, int] = {}  # Title -> token.
        self.open_posts: dict[int, list[int]] = {}  # Token -> unfinished posts, one a user, any of which it may be.
        self._alike: dict[Alike, Twins] = {}
        for title, numbers in settled_posts(facts).items():
            if len(numbers) == 1:
                self.posts[title] = numbers[0]
            else:
                self.posts[title] = self.token()
                self.open_posts[self.posts[title]] = numbers
        self._settle_twins()
        self._fill_lists()
        self._place_lists()
        self._place_tails()
        self._aim()

    def token(self) -> int:
        """A token beyond the operations, or a node of the order that is no write: needs nothing yet."""
        self.need.append(-1)
        self.first.append(UNSET)
        self.second.append(UNSET)
        return len(self.need) - 1

    def lists(self) -> Iterator[List]:
        """All lists."""
        yield self.facts.all
        yield from self.facts.titles.values()
        yield from self.facts.users.values()

    def _settle_twins(self) -> None:
        """Comments that are alike get tokens of their own, as many as there are operations."""
        for key, numbers in self.facts.comments.items():
            if isinstance(numbers, list):
                twins = self._alike[key] = Twins(numbers, [self.token() for _ in numbers])
                self.twins.update(dict.fromkeys(twins.tokens, twins))
                self.twin_of.update(dict.fromkeys(numbers, twins))

    def _fill_lists(self) -> None:
        """The entries of every list as tokens."""
        facts, posts = self.facts, self.posts
        facts.all.tokens = [posts[title] for title, _ in facts.all.entries]
        for title, number in posts.items():
            shown = facts.titles.get(title)
            if shown is None:
                shown = facts.titles[title] = List(("title", title))
            shown.tokens.append(number)
        for title, shown in facts.titles.items():
            if shown.entries:
                counts: dict[Alike, int] = {}
                shown.tokens += [self._comment(shown, (user, title, text), counts) for user, text in shown.entries]
        for user, shown in facts.users.items():
            if shown.entries:
                counts = {}
                shown.tokens = [
                    posts[title] if kind == "post" else self._comment(shown, (user, title, text), counts)
                    for kind, title, text in shown.entries
                ]

    def _comment(self, shown: List, key: Alike, counts: dict[Alike, int]) -> int:
        """The token of the next comment of this kind in a list."""
        number = self.facts.comments.get(key)
        seen = counts[key] = counts.get(key, 0) + 1
        if isinstance(number, int) and seen == 1:
            return number
        if isinstance(number, list) and seen <= len(number):
            return self._alike[key].tokens[seen - 1]
        called = 0 if number is None else 1 if isinstance(number, int) else len(number)
        view = tell(self.facts, shown.seen_by)
        entry = f"comment({', '.join(map(brief, key))})"
        why = (
            f"{view} shows {entry} {seen} time{'s' if seen > 1 else ''}, but it can have taken effect {called} at most"
        )
        raise Contradiction(why, self.facts.ret[shown.seen_by])

    def _place_lists(self) -> None:
        """Chain the entries of each list, and keep each behind the views that did not see it."""
        need, first, second, stale = self.need, self.first, self.second, False
        for shown in self.lists():
            chain = second if shown.name[0] == "user" else first
            head = shown.name[0] == "title"
            before = NONE
            for token in shown.tokens:
                if not head:
                    chain[token] = before
                head = False
                before = token
            shown.end = before
            tokens = shown.tokens
            for length, call in shown.last_call.items():
                if length < len(tokens) and need[tokens[length]] < call:
                    need[tokens[length]] = call
            stale = stale or bool(shown.stale)
        if stale:
            self._place_stale()

    def _place_stale(self) -> None:
        """Local reads stand in the order too, behind what they saw and before what they did not see.

        On one node each also stands behind those that had returned when it was called.
        """
        facts = self.facts
        for shown in self.lists():
            if not shown.stale:
                continue
            for length, number in shown.stale:
                self.first[number] = shown.tokens[length - 1] if length else NONE
                self.need[number] = -1
                if length < len(shown.tokens):
                    self.after.setdefault(shown.tokens[length], []).append(number)
            last = [number for length, number in shown.stale if length == len(shown.tokens)]
            if last:
                end = self.token()
                self.first[end] = shown.end
                self.after[end] = last
                shown.end = end
        newest: dict[int, int] = {}  # Node -> what stands behind all its local reads that have returned.
        moments = [(facts.call[number], number) for shown in self.lists() for _, number in shown.stale]
        moments += [(facts.ret[number], ~number) for _, number in moments]
        for _, number in sorted(moments):
            node = self._node(number if number >= 0 else ~number)
            if number >= 0:
                self.second[number] = newest.get(node, NONE)
            else:
                joint = self.token()
                self.first[joint], self.second[joint] = ~number, newest.get(node, NONE)
                newest[node] = joint

    def _node(self, number: int) -> int:
        return self.facts.nodes[number - self.facts.size]

    def _place_tails(self) -> None:
        """Writes that no view of their list shows stand behind all that views of it show, and behind those views."""
        facts, args = self.facts, self.facts.arg
        for token in self.posts.values():
            numbers = self.open_posts.get(token)
            if numbers is None:
                self._place_tail(token, facts.all, args[token][0])
            else:
                self.need[token] = max(self.need[token], min(facts.call[number] for number in numbers))
                self.second[token] = NONE  # Whose entry it is the sweep decides.
                self._place_tail(token, facts.all, "")
        for key, known in facts.comments.items():
            if isinstance(known, int):
                unseen = self.first[known] == UNSET and self.second[known] == UNSET
                if not unseen or facts.ret[known] != NEVER:  # Unfinished and never seen, it need not have happened.
                    self._place_tail(known, facts.titles[key[1]], key[0])
            elif key[1] in self.posts:
                for token in self._alike[key].tokens:
                    self._place_tail(token, facts.titles[key[1]], key[0])

    def _place_tail(self, token: int, shown: List, user: str) -> None:
        if self.first[token] == UNSET:
            self.first[token] = self._behind(token, shown)
        if self.second[token] == UNSET:
            self.second[token] = self._behind_user(token, user)

    def _behind_user(self, token: int, user: str) -> int:
        shown = self.facts.users.get(user)
        return NONE if shown is None else self._behind(token, shown)

    def _behind(self, token: int, shown: List) -> int:
        call = shown.last_call.get(len(shown.tokens), -1)
        self.need[token] = max(self.need[token], call)
        return shown.end

    def _aim(self) -> None:
        """What must have taken effect when each operation returns."""
        facts, target, posts = self.facts, self.target, self.posts
        fs, args, results = facts.f, facts.arg, facts.result
        for number, ret in enumerate(facts.ret):
            if ret < 0 or ret == NEVER:
                continue
            f = fs[number]
            if number >= facts.size:
                target[number] = number
            elif f == "post":
                target[number] = posts[args[number][1]]
            elif f == "comment":
                if results[number] == "ok":
                    target[number] = number
            elif f == "view_title":
                if results[number] != "not found":
                    target[number] = facts.titles[args[number]].tokens[len(results[number][2])]
            elif results[number]:
                shown = facts.all if f == "view_all" else facts.users[args[number]]
                target[number] = shown.tokens[len(results[number]) - 1]
