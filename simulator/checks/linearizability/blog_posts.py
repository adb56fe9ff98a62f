"""Which post is the one of its title: the one that was told ok, or else an unfinished one that fits what views saw.

A title has at most one post, for ever. Where somebody saw that a title exists (a view, a refused post, a comment on
it) and no post of it was told ok, one of the unfinished ones must have taken effect.
"""

from __future__ import annotations

from simulator.checks.linearizability.blog_facts import Contradiction, Facts, brief, tell


def settled_posts(facts: Facts) -> dict[str, list[int]]:
    """For each title that exists the post that it is: one, or the earliest of each user that it can be of.

    Of one user's unfinished posts that all fit, nobody can tell which it was, and the earliest call leaves most room.
    Notes in `facts.exists` what the lists show.

    Raises:
        Contradiction: no post fits, or one title is seen twice in a list.
    """
    claims = _Claims(facts)
    posts: dict[str, list[int]] = {}
    for title, number in facts.ok_posts.items():
        posts[title] = claims.fitting(title, [number])
    for title in facts.exists:
        if title not in posts:
            by_user: dict[str, int] = {}
            for number in claims.fitting(title, facts.unknown_posts.get(title, [])):
                by_user.setdefault(facts.arg[number][0], number)
            posts[title] = list(by_user.values())
    return posts


class _Claims:
    """What the lists say of each title's post, and which view says it: its author, or a user's entry in full."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._authors: dict[str, tuple[str, int]] = {}
        self._own: dict[str, tuple[str, str, int]] = {}
        seen_by = facts.all.seen_by
        for title, author in facts.all.entries:
            if title in self._authors:
                raise Contradiction(f"{tell(facts, seen_by)} saw {brief(title)} twice", facts.ret[seen_by])
            self._authors[title] = author, seen_by
            facts.exists.setdefault(title, seen_by)
        for user, shown in facts.users.items():
            for kind, title, content in shown.entries:
                facts.exists.setdefault(title, shown.seen_by)
                if kind == "post":
                    self._claim(user, title, content, shown.seen_by)

    def _claim(self, user: str, title: str, content: str, number: int) -> None:
        if title in self._own:
            facts, other = self._facts, self._own[title][2]
            views = tell(facts, number) if other == number else f"{tell(facts, other)} and {tell(facts, number)}"
            raise Contradiction(f"{views} saw {brief(title)} posted twice", max(facts.ret[other], facts.ret[number]))
        self._own[title] = user, content, number

    def fitting(self, title: str, numbers: list[int]) -> list[int]:
        """Those of these posts that are what the views saw of this title; at least one."""
        facts, args = self._facts, self._facts.arg
        saw: list[int] = []
        fitting = numbers
        for claim in (facts.heads.get(title), self._own.get(title)):
            if claim is not None:
                author, content, by = claim
                fitting = [number for number in fitting if args[number][0] == author and args[number][2] == content]
                saw.append(by)
        if title in self._authors:
            author, by = self._authors[title]
            fitting = [number for number in fitting if args[number][0] == author]
            saw.append(by)
        if fitting:
            return fitting
        saw = saw or [facts.exists[title]]
        seen = " and ".join(tell(facts, number) for number in saw)
        had = " and ".join(tell(facts, number) for number in numbers[:3])
        why = f"{seen} cannot be: " + (
            f"the only posts of {brief(title)} are {had}" if numbers else f"nobody had posted {brief(title)}"
        )
        raise Contradiction(why, max(facts.ret[number] for number in saw))
