"""What must stand before what: the blog's facts as a few numbers a write.

A *token* is one entry of the blog that must or may take effect: a post, or a comment. The token of a write is the
write's own number; comments that are alike share several tokens, numbered beyond the operations, because only the
sweep can say which of them is which. A token stands after its predecessors in its two lists (a post: all posts, its
author's entries; a comment: its title, its author's entries), and after every view that saw one of these lists
without it.
"""

from __future__ import annotations

from collections.abc import Iterator

from simulator.check.linear.blog_facts import Alike, Contradiction, Facts, List, brief, tell
from simulator.check.linear.operations import NEVER

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
        self.open_posts: dict[
            int, list[int]
        ] = {}  # Token -> unfinished posts of different users, any of which it may be.
        self._alike: dict[Alike, Twins] = {}
        self._settle_posts()
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

    def _settle_posts(self) -> None:
        """Which post is the one of its title: the one that was told ok, or else an unfinished one that fits."""
        facts = self.facts
        authors: dict[str, tuple[str, int]] = {}
        own: dict[str, tuple[str, str, int]] = {}
        for title, author in facts.all.entries:
            if title in authors:
                number = facts.all.seen_by
                raise Contradiction(f"{tell(facts, number)} saw {brief(title)} twice", facts.ret[number])
            authors[title] = author, facts.all.seen_by
            facts.exists.setdefault(title, facts.all.seen_by)
        for user, shown in facts.users.items():
            for kind, title, content in shown.entries:
                facts.exists.setdefault(title, shown.seen_by)
                if kind == "post":
                    if title in own:
                        numbers = own[title][2], shown.seen_by
                        why = f"{tell(facts, numbers[0])} and {tell(facts, numbers[1])} saw {brief(title)} posted twice"
                        raise Contradiction(why, max(facts.ret[number] for number in numbers))
                    own[title] = user, content, shown.seen_by
        posts, args = self.posts, facts.arg
        for title, number in facts.ok_posts.items():
            posts[title] = number
            if title in facts.heads or title in authors or title in own:
                self._fitting(title, [number], authors, own)
        for title in facts.exists:
            if title not in posts:
                fitting = self._fitting(title, facts.unknown_posts.get(title, []), authors, own)
                by_user: dict[str, int] = {}
                for number in fitting:
                    by_user.setdefault(args[number][0], number)  # The earliest of each user: nobody tells them apart.
                if len(by_user) == 1:
                    posts[title] = next(iter(by_user.values()))
                else:
                    posts[title] = self.token()
                    self.open_posts[posts[title]] = list(by_user.values())

    def _fitting(
        self,
        title: str,
        numbers: list[int],
        authors: dict[str, tuple[str, int]],
        own: dict[str, tuple[str, str, int]],
    ) -> list[int]:
        """Those posts that are what the views saw of this title; at least one."""
        facts, args = self.facts, self.facts.arg
        saw: list[int] = []
        fitting = numbers
        if title in facts.heads:
            author, content, by = facts.heads[title]
            fitting = [number for number in fitting if args[number][0] == author and args[number][2] == content]
            saw.append(by)
        if title in authors:
            author, by = authors[title]
            fitting = [number for number in fitting if args[number][0] == author]
            saw.append(by)
        if title in own:
            author, content, by = own[title]
            fitting = [number for number in fitting if args[number][0] == author and args[number][2] == content]
            saw.append(by)
        if fitting:
            return fitting
        saw = saw or [facts.exists[title]]
        seen = " and ".join(tell(facts, number) for number in saw)
        had = f"the only posts of {brief(title)} are {' and '.join(tell(facts, number) for number in numbers[:3])}"
        why = f"{seen} cannot be: {had if numbers else f'nobody had posted {brief(title)}'}"
        raise Contradiction(why, max(facts.ret[number] for number in saw))

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
        facts, first, second = self.facts, self.first, self.second
        args, rets, titles = facts.arg, facts.ret, facts.titles
        for number in self.posts.values():
            if first[number] == UNSET:
                first[number] = self._behind(number, facts.all)
            if second[number] == UNSET:
                second[number] = NONE if number in self.open_posts else self._behind_user(number, args[number][0])
        for (user, title, text), number in facts.comments.items():
            if isinstance(number, int):
                if first[number] == UNSET:
                    if rets[number] == NEVER and second[number] == UNSET:
                        continue  # Unfinished and never seen: it need not have happened.
                    first[number] = self._behind(number, titles[title])
                if second[number] == UNSET:
                    second[number] = self._behind_user(number, user)
            elif title in self.posts:
                for token in self._alike[user, title, text].tokens:
                    if first[token] == UNSET:
                        first[token] = self._behind(token, titles[title])
                    if second[token] == UNSET:
                        second[token] = self._behind_user(token, user)
        for token, numbers in self.open_posts.items():
            self.need[token] = max(self.need[token], min(facts.call[number] for number in numbers))

    def _behind_user(self, token: int, user: str) -> int:
        shown = self.facts.users.get(user)
        return NONE if shown is None else self._behind(token, shown)

    def _behind(self, token: int, shown: List) -> int:
        call = shown.last_call.get(len(shown.tokens), -1)
        if self.need[token] < call:
            self.need[token] = call
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
