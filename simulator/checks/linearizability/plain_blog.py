"""The blog as a sequential specification, for the search."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec

from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.errors import InputError


class PlainBlog(Model):
    """The blog as a model for the search: correct, but far too slow on busy histories, which `blog_sweep.py` checks.

    A state is the sequence of all writes that took effect: (f, user, title, content).
    """

    name = "blog"
    keyed = True

    def initial(self, init: Any) -> State:
        """The writes already on the chain: a list of [f, user, title, content]."""
        state: State = ()
        for f, *arg in self.writes(init):
            state = self.step(state, f, arg, UNKNOWN)[1]
        return state

    @staticmethod
    def writes(init: Any) -> list[tuple[str, str, str, str]]:
        """The writes that `init` lists.

        Raises:
            InputError: it is not such a list.
        """
        try:
            found = msgspec.convert(
                [] if init is None else init, list[tuple[Literal["post", "comment"], str, str, str]]
            )
        except msgspec.ValidationError as error:
            raise InputError(f"a blog starts with a list of writes, each [f, user, title, content]: {error}.") from None
        return cast("list[tuple[str, str, str, str]]", found)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f in {"post", "comment"}:
            user, title, content = arg
            there = any(kind == "post" and title == taken for kind, _, taken, _ in state)
            if there is (f == "post"):
                refusal = "duplicate title" if there else "cannot comment"
                return result is UNKNOWN or result == refusal, state
            return result is UNKNOWN or result == "ok", (*state, (f, user, title, content))
        return result is UNKNOWN or result == self._view(state, f, arg), state

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """A view, or a write that was refused."""
        return f not in {"post", "comment"} or result in {"duplicate title", "cannot comment"}

    @staticmethod
    def _view(state: State, f: str, arg: Any) -> Any:
        if f == "view_all":
            return [[title, user] for kind, user, title, _ in state if kind == "post"]
        if f == "view_user":
            return [[kind, title, content] for kind, user, title, content in state if user == arg]
        about = [(kind, user, content) for kind, user, title, content in state if title == arg]
        if not about:
            return "not found"
        return [about[0][1], about[0][2], [[user, content] for _, user, content in about[1:]]]
