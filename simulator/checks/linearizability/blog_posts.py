"""Which post is the one of its title: the one that returned ok, or a pending one that agrees with the views.

A title has at most one post. If some operation saw that a title exists (a view, a refused post or a comment on it), and
no post of it returned ok, then one of the pending posts must have taken effect.
"""

from __future__ import annotations

from simulator.checks.linearizability.blog_facts import Contradiction, Facts, brief, describe


def resolve_posts(facts: Facts) -> dict[str, list[int]]:
    """For each title that exists, the post that it is: one, or the earliest of each user whose post it can be.

    If several pending posts of one user agree with the views, they cannot be distinguished; the earliest call allows
    most orders. Titles that the lists show are added to `facts.exists`.

    Raises:
        Contradiction: no post agrees with the views, or a list shows one title twice.
    """
    seen_posts = _SeenPosts(facts)
    posts: dict[str, list[int]] = {}
    for title, number in facts.ok_posts.items():
        posts[title] = seen_posts.fitting(title, [number])
    for title in facts.exists:
        if title not in posts:
            by_user: dict[str, int] = {}
            for number in seen_posts.fitting(title, facts.pending_posts.get(title, [])):
                by_user.setdefault(facts.arg[number][0], number)
            posts[title] = list(by_user.values())
    return posts


class _SeenPosts:
    """What the lists show of each title's post, and which view shows it: its author, or the user's entry in full."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._authors: dict[str, tuple[str, int]] = {}
        self._own: dict[str, tuple[str, str, int]] = {}
        seen_by = facts.all.seen_by
        for title, author in facts.all.entries:
            if title in self._authors:
                raise Contradiction(
                    f"{describe(facts, seen_by)} saw {brief(title)} twice", facts.ret[seen_by], (facts.call[seen_by],)
                )
            self._authors[title] = author, seen_by
            facts.exists.setdefault(title, seen_by)
        for user, shown in facts.users.items():
            for kind, title, content in shown.entries:
                facts.exists.setdefault(title, shown.seen_by)
                if kind == "post":
                    self._add_entry(user, title, content, shown.seen_by)

    def _add_entry(self, user: str, title: str, content: str, number: int) -> None:
        if title in self._own:
            facts, other = self._facts, self._own[title][2]
            views = (
                describe(facts, number)
                if other == number
                else f"{describe(facts, other)} and {describe(facts, number)}"
            )
            raise Contradiction(
                f"{views} saw {brief(title)} posted twice",
                max(facts.ret[other], facts.ret[number]),
                (facts.call[other], facts.call[number]),
            )
        self._own[title] = user, content, number

    def fitting(self, title: str, numbers: list[int]) -> list[int]:
        """The posts among `numbers` that agree with all views of this title; at least one."""
        facts, args = self._facts, self._facts.arg
        saw: list[int] = []
        fitting = numbers
        for post in (facts.heads.get(title), self._own.get(title)):
            if post is not None:
                author, content, by = post
                fitting = [number for number in fitting if args[number][0] == author and args[number][2] == content]
                saw.append(by)
        if title in self._authors:
            author, by = self._authors[title]
            fitting = [number for number in fitting if args[number][0] == author]
            saw.append(by)
        if fitting:
            return fitting
        saw = saw or [facts.exists[title]]
        seen = " and ".join(describe(facts, number) for number in saw)
        had = " and ".join(describe(facts, number) for number in numbers[:3])
        why = f"{seen} cannot be: " + (
            f"the only posts of {brief(title)} are {had}" if numbers else f"nobody had posted {brief(title)}"
        )
        calls = tuple(facts.call[number] for number in [*saw, *numbers[:3]])
        raise Contradiction(why, max(facts.ret[number] for number in saw), calls)
