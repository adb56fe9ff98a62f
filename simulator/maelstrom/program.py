"""A node program of any language: a process that reads and writes lines of the Maelstrom protocol.

It runs in a session of its own, so that a signal reaches whatever it has started. What it writes on stderr is its log.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal

from simulator.errors import InputError
from simulator.maelstrom.messages import LONGEST_LINE, Envelope, decode_line, encode_line
from simulator.text.sanitize import safe

LAST_WORDS = 300
"""How much of the end of a program's log is quoted, in characters."""


class Program:
    """One node. `received` gets its messages, `troubled` a sentence when it breaks the protocol or ends by itself."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        received: Callable[[Envelope], None],
        troubled: Callable[[str], None],
    ) -> None:
        self.name = name
        self.life: Literal["up", "paused", "down"] = "down"
        self._command = command
        self._log = log
        self._received = received
        self._troubled = troubled
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process.

        Raises:
            InputError: the command cannot be run.
        """
        with self._log.open("ab") as log:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command,
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    start_new_session=True,
                    limit=LONGEST_LINE,
                )
            except OSError as error:
                reason = (error.strerror or str(error)).lower()
                raise InputError(f"the command {self._command[0]!r} cannot be run: {reason}.") from None
        self.life = "up"
        self._reader = asyncio.create_task(self._read(self._process))

    def send(self, envelope: Envelope) -> None:
        """Write a line to its stdin; lost when the process is gone. A paused one reads it later."""
        if self.life != "down" and self._process is not None and self._process.stdin is not None:
            with suppress(OSError, RuntimeError):
                self._process.stdin.write(encode_line(envelope))

    def pause(self) -> None:
        """Stop it without its knowledge."""
        self._signal(signal.SIGSTOP)
        self.life = "paused"

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        self.life = "up"

    def kill(self) -> None:
        """Kill it and all that it has started."""
        self.life = "down"
        self._signal(signal.SIGKILL)

    async def ended(self) -> None:
        """Return when the process of a killed program is gone."""
        if self._process is not None:
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                if line.strip():
                    self._take(line)
        except ValueError:  # The line is longer than the limit.
            self._troubled(f"{self.name} wrote a line of more than {LONGEST_LINE >> 20} MiB.")
        status = await process.wait()
        if self.life != "down" and process is self._process:
            self.life = "down"
            self._troubled(f"{self.name} ended by itself with status {status}{self._last_words()}.")

    def _take(self, line: bytes) -> None:
        try:
            envelope = decode_line(line)
        except InputError as error:
            self._troubled(f"{self.name} wrote what is no message: {error}.")
            return
        if envelope.src != self.name:
            self._troubled(f"{self.name} sent a message as {safe(envelope.src[:80])!r}.")
            return
        self._received(envelope)

    def _last_words(self) -> str:
        text = self._log.read_bytes()[-LAST_WORDS:].decode("utf-8", "replace").strip()
        return f"; its log ends with {safe(text.splitlines()[-1])!r}" if text else ""
