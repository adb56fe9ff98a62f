"""What must come before what, as a graph: is there a circle, and in words which?

The nodes are numbers: operations, and *joints*. A joint stands for no operation; it lies after some nodes and before
others, so that "each of these before each of those" needs few edges.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

_MOST_STEPS = 6


class ForcedGraph:
    """`before[node]` lists the nodes that must precede it; there are `size` nodes at first, all of them operations."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.before: list[list[int]] = [[] for _ in range(size)]
        self.previous: dict[int, int] = {}
        """For a node the one before it in the same process."""

    def joint(self) -> int:
        """A new joint."""
        self.before.append([])
        return len(self.before) - 1

    def in_process(self, one: int, other: int) -> None:
        """`one` came before `other` in the same process."""
        self.previous[other] = one
        self.before[other].append(one)

    def circle(self) -> list[int]:
        """Nodes of which each must precede the next, and the last one the first; empty if there is no circle."""
        before = self.before
        state = bytearray(len(before))  # 0: not met, 1: on the path, 2: over.
        for start in range(len(before)):
            if state[start]:
                continue
            path, edges = [start], [iter(before[start])]
            state[start] = 1
            while path:
                for node in edges[-1]:
                    if state[node] == 1:
                        return path[path.index(node) :][::-1]
                    if not state[node]:
                        state[node] = 1
                        path.append(node)
                        edges.append(iter(before[node]))
                        break
                else:
                    state[path.pop()] = 2
                    edges.pop()
        return []

    def explained(self, circle: Sequence[int], why: Callable[[int, int], str]) -> tuple[str, list[int]]:
        """The circle in words, and its operations. `why` tells why one operation must precede another."""
        start = next(at for at, node in enumerate(circle) if node < self.size)
        nodes = [node for node in [*circle[start:], *circle[:start]] if node < self.size]
        steps = list(pairwise([*nodes, nodes[0]]))
        shown = steps[:_MOST_STEPS]
        more = f"; and so on, {len(steps) - len(shown)} steps more" if len(steps) > len(shown) else ""
        texts = "; ".join(why(one, other) for one, other in shown)
        return f"the operations would have to follow one another in a circle: {texts}{more}.", nodes[: _MOST_STEPS + 1]

    def add_processes(self, lines: dict[int, list[tuple[int, bool]]]) -> None:
        """Order the nodes of each process: (node, whether its operation returned). Nothing follows an unknown fate."""
        for line in lines.values():
            last = -1
            for node, returned in line:
                if last >= 0 and last != node:
                    self.in_process(last, node)
                if returned:
                    last = node
