"""The bottom line: what the keys do now, the most important first, as far as there is room."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.screens.dashboard.panes import Pane
from simulator.views.one_line import line_sheet, one_line
from simulator.views.palette import QUIET
from simulator.views.sheet import Cell, bit, join

PROMPT_KEYS = (
    "? help",
    "Ctrl-D quit",
    "F1-F{n} open node",
    "Tab complete",
    "Shift-Tab {list}",
    "PgUp scroll",
    "Ctrl-L clear",
)
TIME_KEYS_SHOWN = ("Alt-←→ back, step", "Alt-P,R pause, run")
"""The keys that virtual time adds."""
OPENED_KEYS = ("Esc back", *PROMPT_KEYS)
"""The keys while a node is opened."""


class Footer(Pane):
    """Tells keys, each a name and what it does, separated by a blank."""

    def __init__(self) -> None:
        super().__init__(id="keys")

    def tell(self, keys: Sequence[str]) -> None:
        """Show these keys."""
        cells = [(rank, _key(*key.split(maxsplit=1))) for rank, key in enumerate(keys)]
        self.show(line_sheet(one_line(cells, self.size.width, gap="  ")))


def _key(name: str, does: str) -> Cell:
    return join(bit(name, "bold"), bit(does, QUIET))
