"""Other simulators of asyncio programs beside our virtual world, where they are installed: a bare ping in each.

Both need Python 3.12. Two tasks send one small message back and forth over the simulated network; nothing is checked,
and every delivered message counts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from simulator.tools.bench.case import Case, Effort, Skipped

PINGS = 20_000
QUICK_PINGS = 200
_PORT = 8080


def _module(name: str) -> Any:
    if find_spec(name) is None:
        raise Skipped(f"{name} is not installed ('pip install {name}' for the comparison; it needs Python 3.12).")
    return import_module(name)


def simloop_ping(effort: Effort) -> Sequence[float]:
    """Messages a second over a stream of simloop."""
    simloop = _module("simloop")
    pings = effort.pick(PINGS, QUICK_PINGS)
    loop = simloop.SimLoop(seed=1)

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            writer.write(line)
        writer.close()

    async def serve() -> None:
        async with await asyncio.start_server(echo, port=_PORT) as server:
            await server.serve_forever()

    async def ask() -> None:
        reader, writer = await asyncio.open_connection("server", _PORT)
        for _ in range(pings):
            writer.write(b"ping\n")
            await reader.readline()
        writer.close()

    async def both() -> None:
        serving = loop.net.host("server").create_task(serve())
        await asyncio.sleep(1)  # Virtual seconds, both: the server begins to listen here.
        await loop.net.host("client").create_task(ask())
        await asyncio.sleep(1)  # The other end of the stream hears that it is closed.
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving

    began = time.process_time()
    try:
        loop.run_until_complete(both())
        return [2 * pings / (time.process_time() - began)]
    finally:
        loop.close()


def seedloop_ping(effort: Effort) -> Sequence[float]:
    """Messages a second between two endpoints of seedloop."""
    seedloop = _module("seedloop")
    pings = effort.pick(PINGS, QUICK_PINGS)

    async def scenario(world: Any) -> None:
        client, server = world.net.bind(0), world.net.bind(1)

        async def echo() -> None:
            for _ in range(pings):
                sender, message = await server.recv()
                await server.send(sender, message)

        answering = asyncio.ensure_future(echo())
        for number in range(pings):
            await client.send(1, number)
            await client.recv()
        await answering

    began = time.process_time()
    seedloop.replay(scenario, seed=1)
    return [2 * pings / (time.process_time() - began)]


CASES = [
    Case(
        name=f"{name}/ping",
        story=f"a message back and forth in {name}, nothing handled and nothing checked",
        unit="messages/s",
        better="higher",
        measure=measure,
        settings={"clock": "processor"},
    )
    for name, measure in (("simloop", simloop_ping), ("seedloop", seedloop_ping))
]
