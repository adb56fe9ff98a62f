"""A text field whose keys take effect in the order in which they come."""

from __future__ import annotations

from textual.events import Key
from textual.widgets import Input


class OrderedInput(Input):
    """Textual lets a key with a binding bubble to the app first, where letters typed fast would overtake it."""

    async def run_binding_of(self, event: Key) -> None:
        """Run the binding of a key that is no letter, if it has one, at once."""
        bindings = self._bindings.key_to_bindings.get(event.key)
        if bindings and not event.is_printable:
            event.stop()
            event.prevent_default()
            await self.run_action(bindings[0].action)
