"""The chain as witness, in a stream: the check of `blog_witness` for a history that is too long to keep.

Decided writes come in chain order, calls and returns in real-time order. Each write is known by its name, so nothing
has to be matched. A view gets the earliest gap that is possible, as there. Of the blog only the positions and digests
of the entries are kept, and of the operations only the open ones.

A return that the chain so far does not explain waits for more of the chain. One that waits for ever proves nothing:
another order may explain the history.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from paxos.messages import RequestId
from simulator.checks.decided_order import Write
from simulator.cluster.history import Event

_RESULTS = {"post": "duplicate title", "comment": "cannot comment"}


class _GrowingList:
    """A list of the blog: the position in the chain that added each entry, and a digest of each prefix."""

    __slots__ = ("at", "head", "prefixes")

    def __init__(self, head: int = 0) -> None:
        self.at: list[int] = []
        self.prefixes = [0]
        self.head = head  # The position of a title's post; its digest begins the prefixes.

    def add(self, position: int, row: tuple[Any, ...]) -> None:
        self.at.append(position)
        self.prefixes.append(hash((self.prefixes[-1], row)))

    def bounds(self, rows: list[Any], digest: int) -> tuple[int, int | None] | None:
        """The first and the last gap in which exactly these rows are seen (None: no last one yet); None: in none."""
        for row in rows:
            digest = hash((digest, tuple(row)))
        count = len(rows)
        if count >= len(self.prefixes) or self.prefixes[count] != digest:
            return None
        low = self.at[count - 1] if count else self.head
        return low, self.at[count] - 1 if count < len(self.at) else None


_EMPTY = _GrowingList()


class _Open:
    """An operation that has not returned: `floor` is the first gap that a linearizable view may get.

    `local` is the same for a local read of its node, as long as the node's memory is `anew`.
    """

    __slots__ = ("anew", "argument", "floor", "local", "name")

    def __init__(self, floor: int, local: int, anew: int, argument: Any, name: RequestId | None) -> None:
        self.floor = floor
        self.local = local
        self.anew = anew
        self.argument = argument
        self.name = name


class BlogStream:
    """Feed `decided` with the chain, and `called` and `returned` with the history.

    Gap g is behind the first g decided writes. Names of this run's clients begin with `run`; all other writes were
    decided or called before it.
    """

    def __init__(self, run: str) -> None:
        self._run = run
        self._decided = 0
        self._all = _GrowingList()
        self._titles: dict[str, _GrowingList] = {}
        self._users: dict[str, _GrowingList] = {}
        self._open: dict[int, _Open] = {}
        self._open_names: set[RequestId] = set()
        self._uncalled: dict[RequestId, int] = {}  # Decided writes whose call has not come, with their positions.
        self._undecided: set[RequestId] = set()  # The reverse: called, and not decided so far.
        self._effects: dict[RequestId, tuple[int, Write, str]] = {}  # Of open writes: position, write, result.
        self._furthest = 0
        self._local: dict[int, tuple[int, int]] = {}  # Of each node: its memory, and the furthest gap of its reads.

    def decided(self, name: RequestId, write: Write, *, took_effect: bool) -> None:
        """The next write on the chain."""
        self._decided += 1
        position = self._decided
        f, user, title, content = write
        if name[0].startswith(self._run):
            if name in self._undecided:
                self._undecided.discard(name)
            else:
                self._uncalled[name] = position
            if name in self._open_names or name in self._uncalled:
                self._effects[name] = position, write, "ok" if took_effect else _RESULTS[f]
        if not took_effect:
            return
        if f == "post":
            self._all.add(position, (title, user))
            shown = self._titles[title] = _GrowingList(head=position)
            shown.prefixes[0] = hash((user, content))
        else:
            self._titles[title].add(position, (user, content))
        self._users.setdefault(user, _GrowingList()).add(position, (f, title, content))

    def called(self, number: int, event: Event, name: RequestId | None) -> None:
        """A call of the history, with its number; `name` is that of a write."""
        anew, local = self._local.get(event.node, (0, 0))
        self._open[number] = _Open(self._furthest, local, anew, event.value, name)
        if name is not None:
            self._open_names.add(name)
            if self._uncalled.pop(name, None) is None:
                self._undecided.add(name)

    def returned(self, number: int, event: Event) -> bool:
        """A call ended. False when the chain so far does not explain it: give it again when the chain has grown."""
        opened = self._open[number]
        explained = opened.name is None or self._close_write(opened.name, event)
        if explained and event.type == "ok":
            explained = self._write_fits(opened, event) if opened.name is not None else self._view_fits(opened, event)
        if explained:
            del self._open[number]
            if opened.name is not None:
                self._open_names.discard(opened.name)
                self._effects.pop(opened.name, None)
        return explained

    def _close_write(self, name: RequestId, event: Event) -> bool:
        """A write that certainly had no effect is on no chain."""
        if event.type != "fail":
            return True
        if name not in self._undecided:
            return False
        self._undecided.discard(name)
        return True

    def _write_fits(self, opened: _Open, event: Event) -> bool:
        assert opened.name is not None
        effect = self._effects.get(opened.name)
        if effect is None:
            return False
        position, write, result = effect
        if write != (event.f, *opened.argument) or result != event.value or position > self._called_prefix():
            return False
        self._furthest = max(self._furthest, position)
        return True

    def _view_fits(self, opened: _Open, event: Event) -> bool:
        found = self._bounds(event.f, opened.argument, event.value)
        if found is None:
            return False
        low, high = found
        own_floor = opened.local if opened.anew == event.anew else 0
        gap = max(low, own_floor if event.read else opened.floor)
        if (high is not None and gap > high) or gap > self._called_prefix():
            return False
        if event.read:
            anew, furthest = self._local.get(event.node, (0, 0))
            self._local[event.node] = event.anew, max(gap, furthest if anew == event.anew else 0)
        self._furthest = max(self._furthest, gap)
        return True

    def _bounds(self, f: str, argument: Any, result: Any) -> tuple[int, int | None] | None:
        """The gaps in which a view shows this result (see `_GrowingList.bounds`)."""
        with suppress(TypeError):  # The result is no view at all.
            if f == "view_all":
                return self._all.bounds(result, 0)
            if f == "view_user":
                return self._users.get(argument, _EMPTY).bounds(result, 0)
            shown = self._titles.get(argument)
            if result == "not found":
                return 0, None if shown is None else shown.head - 1
            if shown is not None:
                user, content, comments = result
                return shown.bounds(comments, hash((user, content)))
        return None

    def _called_prefix(self) -> int:
        """The last gap before which every write has been called."""
        return next(iter(self._uncalled.values())) - 1 if self._uncalled else self._decided
