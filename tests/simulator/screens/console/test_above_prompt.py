"""Text that threads write while prompts come and go."""

from __future__ import annotations

import asyncio
import io

from prompt_toolkit.output.vt100 import Vt100_Output

from simulator.screens.console.above_prompt import AbovePrompt


def opened() -> tuple[AbovePrompt, io.StringIO]:
    """The stream, and what has been printed."""
    printed = io.StringIO()
    return AbovePrompt(Vt100_Output.from_pty(printed, term="dumb")), printed


def test_text_between_two_prompts_waits_for_the_next() -> None:
    """Printed at once it could share a line with a prompt that begins at that moment."""
    above, printed = opened()

    above.write("an answer\n")
    assert "an answer" not in printed.getvalue()

    async def prompt() -> None:
        above.prompt_begins(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        assert "an answer\n" in printed.getvalue()

    asyncio.run(prompt())


def test_text_given_to_a_loop_that_closes_is_printed_after_it() -> None:
    """The loop has no time left to print it."""
    above, printed = opened()

    async def prompt() -> None:
        above.prompt_begins(asyncio.get_running_loop())
        above.write("last words\n")

    asyncio.run(prompt())
    above.write("and one more\n")  # The loop is closed, and nobody has said so yet.
    above.prompt_ended()

    assert printed.getvalue().count("last words\nand one more\n") == 1


def test_a_part_of_a_line_waits_for_its_end() -> None:
    """A prompt drawn behind it would hide it."""
    above, printed = opened()

    async def prompt() -> None:
        above.prompt_begins(asyncio.get_running_loop())
        above.write("half ")
        await asyncio.sleep(0.01)
        assert "half" not in printed.getvalue()
        above.write("a line\n")
        await asyncio.sleep(0.01)
        assert "half a line\n" in printed.getvalue()

    asyncio.run(prompt())
