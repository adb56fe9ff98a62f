"""Which seeds are still to be run, and the results file: one JSON line for each batch.

An interrupted exploration continues when it is started again with the same file. Lines of another search (another
profile, mutant or version of the program) are kept and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from simulator.errors import InputError
from simulator.files.bounded_lines import read_bytes
from simulator.files.names import expanded
from simulator.tools.explore.batch import Batch, BatchResult, Search

MOST_BYTES = 1 << 30
_BEGIN = f'{{"{BatchResult.__struct_fields__[0]}":'.encode()


class Shard(msgspec.Struct, frozen=True):
    """Part `number` (from 1) of `parts`: the seeds whose position has this remainder."""

    number: int = 1
    parts: int = 1


def parse_shard(text: str) -> Shard:
    """Parse a shard, `K/N`.

    Raises:
        InputError: it is not two whole numbers with 1 <= K <= N.
    """
    number, slash, parts = text.partition("/")
    if not (slash and number.isascii() and number.isdigit() and parts.isascii() and parts.isdigit()):
        raise InputError(f"{text!r} is no shard: write K/N, such as 1/4 for the first of four parts.")
    if not 1 <= int(number) <= int(parts):
        raise InputError(f"{text!r} is no shard: K goes from 1 to N.")
    return Shard(int(number), int(parts))


class Seeds:
    """`count` seeds from `start` on, of which `shard` takes its part; those in `done` are skipped."""

    def __init__(self, start: int, count: int, shard: Shard, done: set[int]) -> None:
        self._all = range(start + shard.number - 1, start + count, shard.parts)
        self._done = done
        self._place = 0

    @property
    def total(self) -> int:
        """How many seeds there are, including those done before."""
        return len(self._all)

    @property
    def done_before(self) -> int:
        """How many of them an earlier run has done."""
        return sum(seed in self._done for seed in self._all) if self._done else 0

    @property
    def left(self) -> int:
        """How many seeds are still to be handed out, or to be skipped."""
        return len(self._all) - self._place

    def take(self, most: int) -> Batch | None:
        """The next batch of at most `most` consecutive seeds; None when there are no more."""
        seeds, done = self._all, self._done
        while self._place < len(seeds) and seeds[self._place] in done:
            self._place += 1
        first = self._place
        while self._place < len(seeds) and self._place - first < most and seeds[self._place] not in done:
            self._place += 1
        count = self._place - first
        return Batch(seeds[first], count, seeds.step) if count else None


class Results:
    """The results file; without a name it keeps nothing.

    Raises:
        InputError: the file cannot be used, or holds something else.
    """

    def __init__(self, name: str | None, search: Search) -> None:
        self.before: list[BatchResult] = []
        self._path = expanded(name) if name else None
        if self._path is not None:
            self.before = [result for result in _read(self._path) if result.search == search]

    def seeds_done(self) -> set[int]:
        """All seeds that an earlier run has done."""
        return {seed for result in self.before for seed in result.batch.seeds()}

    def add(self, result: BatchResult) -> None:
        """Append the result of one batch.

        Raises:
            InputError: the file cannot be written.
        """
        if self._path is None:
            return
        try:
            with self._path.open("ab") as file:
                file.write(msgspec.json.encode(result) + b"\n")
        except OSError as error:
            raise InputError(f"{str(self._path)!r} cannot be written: {error.strerror or error}.") from None


def _read(path: Path) -> list[BatchResult]:
    try:
        path.touch()
    except OSError as error:
        raise InputError(f"{str(path)!r} cannot be used for results: {error.strerror or error}.") from None
    data = read_bytes(path, MOST_BYTES)
    whole = data.rfind(b"\n") + 1
    found = list(_decoded(path, data[:whole].splitlines()))
    rest = data[whole:]
    if rest:  # An interrupted run left a partial last line. A file that is not ours is never cut.
        if not _BEGIN.startswith(rest[: len(_BEGIN)]):
            raise InputError(f"{str(path)!r} ends with no result of an exploration: name another file.")
        with path.open("r+b") as file:
            file.truncate(whole)
    return found


def _decoded(path: Path, lines: Iterable[bytes]) -> Iterator[BatchResult]:
    decode = msgspec.json.Decoder(BatchResult).decode
    for number, line in enumerate(lines, 1):
        try:
            yield decode(line)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            sentence = f"{str(path)!r}, line {number}: no result of an exploration ({error}): name another file."
            raise InputError(sentence) from None
