"""The chain: each block names the hash of the block before it, and the drawing shows that pointer.

On a screen the blocks are boxes side by side, with an arrow from each H back to the hash that it repeats. In a pipe,
and for long chains, each block is a line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from rich.cells import chop_cells, set_cell_size
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from simulator.text.sanitize import safe
from simulator.views.palette import BAD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit
from simulator.views.slots import operation_words, value_words

MOST_BOXES = 24
"""Longer chains are shown one block a line."""

BOX_WIDTH = 26
BOX_LINES = 7
_LINK_WIDTH = 4


class ShownBlock(msgspec.Struct, frozen=True, kw_only=True):
    """The fields of a line of `blockchain.txt` that views show."""

    height: int
    H: str
    T: tuple[dict[str, object], ...]
    N: int
    hash: str


_DECODER = msgspec.json.Decoder(ShownBlock)


def chain_view(lines: Sequence[str], *, boxes: bool | None = None) -> Sheet:
    """Lines of a node's `blockchain.txt`, in order; a line that is no block is shown as such.

    `boxes` draws every block as a box on a screen; None decides by their number.
    """
    if not lines:
        return Sheet(notes=(bit("the chain is empty", QUIET),))
    blocks = [_decode(line) for line in lines]
    columns = (
        Column("height", right=True),
        Column("N", right=True, rank=2),
        Column("hash", room=12),
        Column("", screen=True),
        Column("H (hash of the block before)", room=12, rank=1),
        Column("T", room=24),
    )
    rows = tuple(_row(block, line) for block, line in zip(blocks, lines, strict=True))
    whole = [block for block in blocks if block is not None]
    draw = len(lines) <= MOST_BOXES if boxes is None else boxes
    drawing = Boxes(tuple(whole)) if draw and len(whole) == len(blocks) else None
    return Sheet(columns=columns, rows=rows, drawing=drawing)


def chain_short(lines: Sequence[str]) -> Sheet:
    """A line for each block, the newest first: short hash, arrow, short H (the hash of the line below), operations."""
    if not lines:
        return Sheet(notes=(bit("the chain is empty", QUIET),))
    columns = (
        Column("block", right=True),
        Column("hash", most=6),
        Column("", screen=True),
        Column("H", most=6),
        Column("T", room=8),
    )
    rows: list[tuple[Cell, ...]] = []
    for line in reversed(lines):
        block = _decode(line)
        if block is None:
            rows.append((bit("?", BAD), (), (), (), bit(f"not a block: {line}", BAD)))
            continue
        text = bit(value_words(block.T), "" if block.T else QUIET)
        names = (bit(block.hash), bit("→", QUIET), bit(block.H, QUIET))
        rows.append((bit(block.height), *names, text))
    return Sheet(columns=columns, rows=tuple(rows), header=False)


@dataclass(frozen=True, slots=True)
class Boxes:
    """Blocks as boxes in as many columns as fit, with the pointer from each H to the hash before it."""

    blocks: tuple[ShownBlock, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw to the available width."""
        across = (options.max_width - _LINK_WIDTH) // (BOX_WIDTH + _LINK_WIDTH)
        if across <= 1:
            yield from self._column()
            return
        for start in range(0, len(self.blocks), across):
            row = self.blocks[start : start + across]
            for line in range(BOX_LINES):
                text = Text(no_wrap=True, overflow="crop")
                for place, block in enumerate(row):
                    text.append(_pointer_in(line, linked=start + place > 0, wrapped=place == 0), "cyan")
                    text.append_text(_box_line(block, line))
                if start + len(row) < len(self.blocks) and line == _HASH_LINE:
                    text.append("◄──", "cyan")
                yield text

    def _column(self) -> Iterator[Text]:
        """Blocks below one another: the pointers run on the right, from H up to the hash in the box above."""
        for place, block in enumerate(self.blocks):
            last = place == len(self.blocks) - 1
            for line in range(BOX_LINES):
                right = ""
                if place and line <= _H_LINE:
                    right = "──┘" if line == _H_LINE else "  │"
                elif not last and line >= _HASH_LINE:
                    right = "◄─┐" if line == _HASH_LINE else "  │"
                yield _box_line(block, line).append(right, "cyan")


_H_LINE, _HASH_LINE = 1, 5


def _pointer_in(line: int, *, linked: bool, wrapped: bool) -> str:
    """The text left of a box: the pointer from H to the hash of the box to the left."""
    if not linked:
        return " " * _LINK_WIDTH
    if wrapped:  # The block before ended the row above: the arrow head is there.
        return " ───" if line == _H_LINE else " " * _LINK_WIDTH
    if line == _H_LINE:
        return " ┌──"
    if _H_LINE < line < _HASH_LINE:
        return " │  "
    return "◄┘  " if line == _HASH_LINE else " " * _LINK_WIDTH


def _box_line(block: ShownBlock, line: int) -> Text:
    inner = BOX_WIDTH - 4
    if line == 0:
        return Text("┌" + f" block {block.height} ".center(BOX_WIDTH - 2, "─") + "┐")
    if line == BOX_LINES - 1:
        return Text("└" + "─" * (BOX_WIDTH - 2) + "┘")
    operations = [safe(operation_words(operation)) for operation in block.T] or ["no-op"]
    if len(operations) == 1:
        operations = list(chop_cells(operations[0], inner - 5))
        if len(operations) > 2:
            operations[1] = set_cell_size(operations[1], inner - 6) + "…"
    elif len(operations) > 2:
        operations = [operations[0], f"and {len(operations) - 1} more"]
    operations = [*(operation.strip() for operation in operations), ""][:2]
    content = {
        1: f"H    {block.H[:12]}",
        2: f"T    {operations[0]}",
        3: f"     {operations[1]}",
        4: f"N    {block.N}",
        5: f"hash {block.hash[:12]}",
    }[line]
    styles = {1: "cyan", 5: "bold cyan"}
    text = Text("│ ")
    text.append(set_cell_size(content, inner), styles.get(line))
    return text.append(" │")


def _row(block: ShownBlock | None, line: str) -> tuple[Cell, ...]:
    if block is None:
        return (bit("?", BAD), (), (), (), (), bit(f"not a block: {line}", BAD))
    return (
        bit(block.height),
        bit(block.N),
        bit(block.hash),
        bit("→", QUIET),
        bit(block.H, QUIET),
        bit(value_words(block.T), "" if block.T else QUIET),
    )


def _decode(line: str) -> ShownBlock | None:
    try:
        return _DECODER.decode(line)
    except msgspec.MsgspecError:
        return None
