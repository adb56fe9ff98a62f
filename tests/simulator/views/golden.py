"""Renders every view on the canned cluster; run as a program it rewrites the golden files."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console

from simulator.views.demo import VIEWS

FOLDER = Path(__file__).parent / "golden"
WIDTHS = (80, 200)


def rendered(name: str, width: int) -> str:
    """The view's text on a terminal of this width, blanks at line ends cut off."""
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=True, no_color=True, highlight=False, legacy_windows=False)
    console._color_system = None  # Text alone: neither colour nor bold.
    console.print(VIEWS[name]())
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()) + "\n"


def piped(name: str) -> str:
    """The view's plain form."""
    return VIEWS[name]().plain() + "\n"


def stored(name: str, form: str) -> str:
    """The golden file of the view in this form."""
    return (FOLDER / f"{name}.{form}.txt").read_text(encoding="utf-8")


def main() -> None:
    """Write all golden files."""
    FOLDER.mkdir(exist_ok=True)
    for name in VIEWS:
        (FOLDER / f"{name}.pipe.txt").write_text(piped(name), encoding="utf-8")
        for width in WIDTHS:
            (FOLDER / f"{name}.{width}.txt").write_text(rendered(name, width), encoding="utf-8")


if __name__ == "__main__":
    main()
