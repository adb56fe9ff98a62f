"""Runs the chosen cases and their limits, each family in turns, until done or interrupted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches

import msgspec

from simulator.errors import InputError
from simulator.tools.bench.case import QUICK_REPEATS, Case, Effort, Figure, Skipped, figure, rounded

Tell = Callable[[str], None]


def choose(cases: Sequence[Case], names: Iterable[str]) -> list[Case]:
    """The cases that `names` name, exactly or by prefix, with their limits; all when there is no name.

    Raises:
        InputError: a name fits nothing.
    """
    names = list(names)
    by_name = {case.name: case for case in cases}
    wanted = {case.name for case in cases if not names}
    for name in names:
        found = [case.name for case in cases if case.name.startswith(name)]
        if not found:
            close = get_close_matches(name, [*by_name, *{case.family for case in cases}], 1, 0.5)
            hint = f": did you mean {close[0]!r}?" if close else "."
            raise InputError(f"no benchmark is called {name!r}{hint} See 'paxsim bench --list'.")
        wanted.update(found)
    wanted.update(by_name[name].limit for name in list(wanted))
    return [case for case in cases if case.name in wanted]


class Bench:
    """One run. `figures` are those measured so far, also after an interruption.

    `failed` names the cases that raised an error: their values do not count.
    """

    def __init__(self, cases: Sequence[Case], effort: Effort, tell: Tell) -> None:
        self._cases = cases
        self._effort = effort
        self._tell = tell
        self.failed: list[str] = []
        self._values: dict[str, list[float]] = {case.name: [] for case in cases}

    def run(self) -> None:
        """Measure. The cases of a family take turns, so that a disturbance of the machine affects all of them alike.

        Raises:
            KeyboardInterrupt: a person has seen enough; what was measured stays.
        """
        families: dict[str, list[Case]] = {}
        for case in self._cases:
            families.setdefault(case.family, []).append(case)
        for cases in families.values():
            self._run_family(cases)

    def _run_family(self, cases: list[Case]) -> None:
        left, missing = list(cases), set[str]()
        for turn in range(max(self._repeats(case) for case in cases)):
            for case in list(left):
                if turn >= self._repeats(case):
                    continue
                try:
                    values = case.measure(self._effort)
                except Skipped as why:
                    if str(why) not in missing:  # Both clocks of a tool that is not there, say.
                        missing.add(str(why))
                        self._tell(f"{case.name}: left out: {why}")
                    left.remove(case)
                    continue
                except RuntimeError as error:
                    self._tell(f"{case.name}: failed: {error}")
                    self.failed.append(case.name)
                    self._values[case.name].clear()
                    left.remove(case)
                    continue
                self._values[case.name] += values
                answered = ", ".join(f"{rounded(value):,g}" for value in values[:5])
                self._tell(f"{case.name} [{turn + 1}/{self._repeats(case)}]: {answered} {case.unit}")

    def _repeats(self, case: Case) -> int:
        return min(case.repeats, QUICK_REPEATS) if self._effort.quick else case.repeats

    @property
    def figures(self) -> list[Figure]:
        """The figures so far, each with its ratio to its limit if both were measured."""
        found = {case.name: figure(case, self._values[case.name]) for case in self._cases if self._values[case.name]}
        return [_beside(one, found.get(one.limit)) for one in found.values()]


def _beside(one: Figure, limit: Figure | None) -> Figure:
    if limit is None or not limit.median:
        return one
    return msgspec.structs.replace(one, ratio=rounded(one.median / limit.median))
