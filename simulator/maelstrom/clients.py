"""Clients of `lin-kv`, and the history of what they called and were answered.

A client is a process in Jepsen's sense: it calls one operation after the other, always the same node, and one whose
answer is unknown never comes back, so that another process goes on in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from simulator.cluster.history import Event
from simulator.maelstrom.messages import DEFINITE, Body, Envelope, ErrorCode

ANSWER_WITHIN_S = 2.0
"""After this a client takes its operation for one of unknown fate."""
OPERATIONS_A_KEY = 100
"""After so many operations a key is left for a new one: short histories of many keys are judged fast."""
KEYS_AT_ONCE = 3

Reach = Callable[[str, Envelope], bool]
"""Hands a client's message to a node; False when that node is down."""


class Clients:
    """All clients of one run. `now_ms` is the time of the run."""

    def __init__(self, nodes: list[str], reach: Reach, now_ms: Callable[[], int], dice: Random) -> None:
        self.history: list[Event] = []
        self.counts = {"ok": 0, "failed": 0, "unknown": 0}
        self._nodes = nodes
        self._reach = reach
        self._now_ms = now_ms
        self._dice = dice
        self._waiting: dict[tuple[str, int], asyncio.Future[Body]] = {}
        self._processes = 0
        self._asked = 0
        self._called = 0
        self._values = 0
        self._seen: dict[int, list[int]] = {}  # The newest values of each key, that a cas may expect.

    def received(self, envelope: Envelope) -> None:
        """A node has answered. An answer that nobody waits for any more, or a second one, is dropped."""
        number = envelope.body.get("in_reply_to")
        future = self._waiting.get((envelope.dest, number)) if isinstance(number, int) else None
        if future is not None and not future.done():
            future.set_result(envelope.body)

    async def ask(self, client: str, node: str, body: Body, within_s: float = ANSWER_WITHIN_S) -> Body | None:
        """The body of the answer; None when none has come in time. A node that is down refuses at once."""
        self._asked += 1
        number = self._asked
        future: asyncio.Future[Body] = asyncio.get_running_loop().create_future()
        self._waiting[client, number] = future
        try:
            if not self._reach(node, Envelope(client, node, body | {"msg_id": number})):
                return {"type": "error", "code": ErrorCode.NODE_NOT_FOUND, "text": "the node is down"}
            return await asyncio.wait_for(future, within_s)
        except TimeoutError:
            return None
        finally:
            del self._waiting[client, number]

    async def load(self, rate: int, for_ms: int, clients: int) -> None:
        """`clients` clients call `rate` operations a second together for `for_ms`."""
        end_ms = self._now_ms() + for_ms
        await asyncio.gather(*(self._client(place, clients / rate, end_ms) for place in range(clients)))

    async def read_all(self, within_ms: int) -> bool:
        """Read every key that was used, on every node, until it answers; False when one does not in time."""
        end_ms = self._now_ms() + within_ms
        keys = sorted(self._seen)[-KEYS_AT_ONCE:]
        answered = await asyncio.gather(*(self._last_reads(node, keys, end_ms) for node in self._nodes))
        return all(answered)

    async def _last_reads(self, node: str, keys: list[int], end_ms: int) -> bool:
        process = self._new_process()
        for key in keys:
            while (kind := await self._operate(process, node, "read", key, None)) != "ok":
                if self._now_ms() >= end_ms:
                    return False
                if kind == "info":
                    process = self._new_process()
                await asyncio.sleep(0.1)
        return True

    async def _client(self, place: int, every_s: float, end_ms: int) -> None:
        node = self._nodes[place % len(self._nodes)]
        process = self._new_process()
        await asyncio.sleep(self._dice.random() * every_s)
        while (now := self._now_ms()) < end_ms:
            if await self._operate(process, node, *self._drawn()) == "info":
                process = self._new_process()
            await asyncio.sleep(max(0.0, every_s - (self._now_ms() - now) / 1000))

    def _new_process(self) -> int:
        self._processes += 1
        return self._processes - 1

    def _drawn(self) -> tuple[str, int, Any]:
        """An operation, its key and its argument."""
        self._called += 1
        key = self._called // (OPERATIONS_A_KEY * KEYS_AT_ONCE) * KEYS_AT_ONCE + self._dice.randrange(KEYS_AT_ONCE)
        seen = self._seen.setdefault(key, [])
        f = self._dice.choices(("read", "write", "cas"), (5, 3, 2))[0]
        if f == "read":
            return f, key, None
        self._values += 1
        if f == "cas" and seen:
            return f, key, [self._dice.choice(seen[-3:]), self._values]
        return "write", key, self._values

    async def _operate(self, process: int, node: str, f: str, key: int, argument: Any) -> str:
        """Call one operation, note its call and its return, and say how it ended."""
        body: Body = {"type": f, "key": key}
        if f == "write":
            body["value"] = argument
        elif f == "cas":
            body["from"], body["to"] = argument
        self._note(process, "invoke", f, [key, argument])
        answer = await self.ask(f"c{process + 1}", node, body)
        kind, value = _ending(f, argument, answer)
        self._note(process, kind, f, [key, value])
        self.counts[{"ok": "ok", "fail": "failed", "info": "unknown"}[kind]] += 1
        if kind == "ok" and f == "read" and isinstance(value, int):
            self._seen[key].append(value)
        elif kind == "ok" and f == "write":
            self._seen[key].append(argument)
        return kind

    def _note(self, process: int, kind: Any, f: str, value: list[Any]) -> None:
        self.history.append(Event(process=process, type=kind, f=f, value=value, time=self._now_ms()))


def _ending(f: str, argument: Any, answer: Body | None) -> tuple[str, Any]:
    """How an operation ended, and its result.

    A key that does not exist reads as null. A `cas` that was refused has compared, and found another value: false.
    """
    if answer is None:
        return ("fail" if f == "read" else "info"), argument  # A read without an answer has changed nothing.
    if answer.get("type") == f"{f}_ok":
        return "ok", answer.get("value") if f == "read" else argument
    code = answer.get("code") if answer.get("type") == "error" else None
    if code == ErrorCode.KEY_DOES_NOT_EXIST and f == "read":
        return "ok", None
    if code in {ErrorCode.KEY_DOES_NOT_EXIST, ErrorCode.PRECONDITION_FAILED} and f == "cas":
        return "ok", False
    return ("fail" if f == "read" or code in DEFINITE else "info"), argument
