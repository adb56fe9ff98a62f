"""The console line: a text field with a history and with the grammar's completion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.message import Message

from simulator.screens.dashboard.list_pane import ListPane
from simulator.screens.ordered_input import OrderedInput

Completer = Callable[[str], Sequence[str]]
"""The words that may stand where the given text's last word stands (or would begin, after a blank)."""


class Prompt(OrderedInput):
    """Where a person types. Up and down walk through earlier lines; Tab completes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "earlier", show=False),
        Binding("down", "later", show=False),
        Binding("tab", "complete", show=False),
        Binding("ctrl+c", "clear", show=False),
    ]

    DEFAULT_CSS = """
    Prompt, Prompt:focus { border: none; height: 1; padding: 0; background: ansi_default; }
    """

    class Choices(Message):
        """Tab found several words; none: they are no longer offered."""

        def __init__(self, words: Sequence[str]) -> None:
            super().__init__()
            self.words = words

    class Entered(Message):
        """A line is complete."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    class ListLeft(Message):
        """A character was typed that means nothing in the list in use: it begins a line."""

    class HelpWanted(Message):
        """A question mark on an empty line."""

    class Interrupted(Message):
        """Ctrl-C with an empty line: end the command that waits."""

    def __init__(self, complete: Completer) -> None:
        super().__init__(id="prompt", compact=True, select_on_focus=False)
        self._complete = complete
        self._lines: list[str] = []
        self._place = 0
        self._draft = ""
        self._offer: _Offer | None = None
        self.used: ListPane | None = None
        """The list for which keys are meant. They all come here, so that none overtakes another."""

    async def on_key(self, event: Key) -> None:
        """Handle the keys that have a meaning here at once."""
        if self.used is not None and (action := self.used.action_of(event.key)):
            event.stop()
            event.prevent_default()
            await self.used.run_action(action)
            return
        if self.used is not None and event.is_printable:
            self.use(None)
            self.post_message(self.ListLeft())
        if event.character == "?" and not self.value:
            event.stop()
            event.prevent_default()
            self.post_message(self.HelpWanted())
            return
        await self.run_binding_of(event)

    def use(self, pane: ListPane | None) -> None:
        """Keys are meant for `pane` from now on; None: for the line."""
        if self.used is not None:
            self.used.use(False)
        self.used = pane
        if pane is not None:
            pane.use(True)

    def on_paste(self, event: Paste) -> None:
        """Enter every whole line of the pasted text; the rest stays in the field."""
        event.stop()
        event.prevent_default()
        *whole, rest = event.text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        for line in whole:
            self.replace(line, *self.selection)
            self._enter()
        self.replace(rest, *self.selection)

    async def action_submit(self) -> None:
        """Enter the line."""
        self._enter()

    def _enter(self) -> None:
        """Empty the field, add its line to the history, and post it."""
        line = self.value.strip()
        if line and (not self._lines or self._lines[-1] != line):
            self._lines.append(line)
        self._place = len(self._lines)
        self.value = ""
        self.post_message(self.Entered(line))

    def action_earlier(self) -> None:
        """Go back in the history; the unfinished line is kept."""
        if self._place == len(self._lines):
            self._draft = self.value
        self._go(self._place - 1)

    def action_later(self) -> None:
        """Go forward in the history, at last to the unfinished line."""
        self._go(self._place + 1)

    def action_clear(self) -> None:
        """Drop the unfinished line, as a shell does; without one, end the command that waits."""
        if not self.value:
            self.post_message(self.Interrupted())
        self.value = ""
        self._place = len(self._lines)

    def action_complete(self) -> None:
        """Complete what all fitting words have in common, and offer them; once more, put in one after the other."""
        if self._offer is not None and self._offer.line == self.value:
            self._put(self._offer.next())
            return
        before = self.value[: self.cursor_position]
        behind = self.value[self.cursor_position :]
        begun = "" if not before or before[-1].isspace() else before.split()[-1]
        words = [word for word in self._complete(before) if word.lower().startswith(begun.lower())]
        if not words:
            return
        common = _common_start(words)
        if len(words) == 1:
            common += "" if behind.startswith(" ") or common.endswith("/") else " "
        offer = _Offer(before[: len(before) - len(begun)], behind, words)
        self._put(offer.with_word(common if len(common) > len(begun) else begun))
        if len(words) > 1:
            self._offer = offer
            self.post_message(self.Choices(words))

    def watch_value(self, value: str) -> None:
        """Whatever else is typed ends the offer."""
        if self._offer is not None and self._offer.line != value:
            self._offer = None
            self.post_message(self.Choices(()))

    def _put(self, line: tuple[str, int]) -> None:
        self.value, self.cursor_position = line

    def _go(self, place: int) -> None:
        if not 0 <= place <= len(self._lines):
            return
        self._place = place
        self.value = self._lines[place] if place < len(self._lines) else self._draft
        self.cursor_position = len(self.value)


class _Offer:
    """Words that may stand between `before` and `behind`. `line` is the line with the one put in last."""

    def __init__(self, before: str, behind: str, words: Sequence[str]) -> None:
        self.line = ""
        self._before = before
        self._behind = behind
        self._words = words
        self._place = -1

    def with_word(self, word: str) -> tuple[str, int]:
        """The line with this word, and the place of the cursor behind it."""
        self.line = self._before + word + self._behind
        return self.line, len(self._before) + len(word)

    def next(self) -> tuple[str, int]:
        """The line with the next of the words."""
        self._place = (self._place + 1) % len(self._words)
        return self.with_word(self._words[self._place])


def _common_start(words: Sequence[str]) -> str:
    shortest = min(words, key=len)
    for length in range(len(shortest), 0, -1):
        if all(word[:length].lower() == shortest[:length].lower() for word in words):
            return words[0][:length]
    return ""
