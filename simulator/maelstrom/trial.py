"""A trial of a node program: its nodes as real processes, our faults on the links between them, clients, a verdict.

Messages between nodes pass through `Links`; those of clients are never lost, so that what a client was answered is what
its node said. At the end all is healed, and every node must answer a read again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, Literal, cast

import msgspec

from simulator.checks.linearizability.judge import judge
from simulator.cluster.interface import Cluster
from simulator.errors import InputError
from simulator.faults.faults import ClearConditions, ClockFault, Crash, DiskFault, Heal, KeepCopies, Restart, Resume
from simulator.faults.links import Link, Links
from simulator.faults.nemesis import Nemesis
from simulator.maelstrom.clients import Clients
from simulator.maelstrom.messages import Body, Envelope, ErrorCode, error_body
from simulator.maelstrom.program import Program
from simulator.scenario.language import commands
from simulator.scenario.language.commands import Line
from simulator.scenario.session.fault_commands import faults_of
from simulator.scenario.session.node_selector import NodeSelector
from simulator.settings import Settings

INIT_WITHIN_S = 10.0
RECOVER_WITHIN_MS = 15_000
JUDGE_WITHIN_S = 120.0
USUAL_LOAD = commands.Load(rate=100, for_ms=0, clients=10)
OK = "ok"


class TrialResult(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. A check is "ok", or says what is wrong; "unknown …" when it could not be settled."""

    scenario: str
    world: str = "maelstrom"
    seed: int
    passed: bool
    failures: list[dict[str, Any]]
    operations: dict[str, int]
    nodes: list[dict[str, Any]]
    checks: dict[str, str]
    history: str | None = None


class Trial:
    """The nodes n1, n2 and so on of one run, from `run` to its end."""

    def __init__(
        self, command: Sequence[str], settings: Settings, folder: Path, progress: Callable[[str], None]
    ) -> None:
        self.failures: list[dict[str, Any]] = []
        self._settings = settings
        self._progress = progress
        self._troubles: list[str] = []
        self._recovered = False
        self._dice = Random(f"{settings.seed}/trial")
        self._names = [f"n{node}" for node in settings.node_ids]
        self._programs = {
            node: Program(f"n{node}", command, folder / f"n{node}.log", self._sent, self._troubled)
            for node in settings.node_ids
        }
        self._links = Links(settings.node_ids)
        self._nemesis = _ProgramNemesis(self._links, self._programs, self._restart)
        self._began = time.monotonic()
        self._tasks: list[asyncio.Task[None]] = []
        self._clients = Clients(self._names, self._reach, self._now_ms, self._dice)

    @property
    def clients(self) -> Clients:
        """The clients, with their history."""
        return self._clients

    async def run(self, lines: Sequence[Line]) -> None:
        """Start the nodes, carry the lines out, heal, read once more, and stop the nodes.

        Raises:
            InputError: the command is no node of the protocol: it cannot be run, or does not answer `init`.
        """
        try:
            await asyncio.gather(*(program.start() for program in self._programs.values()))
            answers = await asyncio.gather(*(self._init(node) for node in self._programs))
            if not all(answers):
                why = self._troubles[0] if self._troubles else f"no init_ok came within {INIT_WITHIN_S:g} s."
                raise InputError(f"the command is no node of the Maelstrom protocol: {why}")
            self._began = time.monotonic()
            await self._carry_out_all(lines)
            await self._recover()
        finally:
            for program in self._programs.values():
                program.kill()
            await asyncio.gather(*(program.ended() for program in self._programs.values()))

    def result(self, scenario: str, history: str | None) -> TrialResult:
        """Judge the run."""
        checks = {
            "linearizability": self._linearizability(),
            "programs": self._troubles[0] if self._troubles else OK,
            "recovery": OK
            if self._recovered
            else f"{RECOVER_WITHIN_MS // 1000} s after the last fault was healed some node still answered no read",
        }
        return TrialResult(
            scenario=scenario,
            seed=self._settings.seed,
            passed=not self.failures and set(checks.values()) == {OK},
            failures=self.failures,
            operations=self._clients.counts,
            nodes=[{"node": node, "ended_by_itself": self._ended(node)} for node in self._programs],
            checks=checks,
            history=history,
        )

    def _ended(self, node: int) -> bool:
        return any(trouble.startswith(f"n{node} ended") for trouble in self._troubles)

    def _linearizability(self) -> str:
        if not self._clients.counts["ok"]:
            return "unknown: no operation was ever answered"
        verdict = judge(self._clients.history, "cas-register", limit_s=JUDGE_WITHIN_S)
        return OK if verdict.ok else verdict.why if verdict.verdict == "violation" else f"unknown: {verdict.why}"

    # What happens

    async def _carry_out_all(self, lines: Sequence[Line]) -> None:
        loads: list[asyncio.Task[None]] = []
        usual = not any(isinstance(line.command, commands.Load) for line in lines)
        usual_load = asyncio.create_task(self._usual_load()) if usual else None
        for line in lines:
            if line.at_ms is not None:
                await asyncio.sleep(max(0, line.at_ms - self._now_ms()) / 1000)
            match line.command:
                case commands.SetKey():
                    continue
                case commands.Sleep(for_ms=for_ms):
                    await asyncio.sleep(for_ms / 1000)
                case commands.Load(rate=rate, for_ms=for_ms, clients=clients, background=background):
                    loads.append(asyncio.create_task(self._clients.load(rate, for_ms, clients)))
                    if not background:
                        await loads[-1]
                case _:
                    self._carry_out(line)
        await asyncio.gather(*loads)
        if usual_load is not None:
            usual_load.cancel()
            await asyncio.gather(usual_load, return_exceptions=True)

    async def _usual_load(self) -> None:
        await self._clients.load(USUAL_LOAD.rate, 1 << 40, USUAL_LOAD.clients)

    def _carry_out(self, line: Line) -> None:
        self._progress(f"{self._now_ms() / 1000:6.1f} s  {line.text}")
        cluster = cast("Cluster", _UpOrDown(self._settings, self._links, self._programs))
        try:
            for fault in faults_of(line.command, cluster, NodeSelector(cluster, self._dice), lambda: 1):
                self._nemesis.carry_out(fault)
        except InputError as error:
            self.failures.append({"line": line.number, "command": line.text, "why": str(error)})
            return
        if isinstance(line.command, commands.HealAll):
            self._resume_all()

    def _resume_all(self) -> None:
        for node, program in self._programs.items():
            if program.life == "paused":
                self._nemesis.carry_out(Resume(node=node))

    async def _recover(self) -> None:
        """Undo every fault, and read."""
        self._nemesis.carry_out(Heal())
        self._nemesis.carry_out(ClearConditions())
        self._resume_all()
        for node, program in self._programs.items():
            if program.life == "down" and not self._ended(node):
                self._nemesis.carry_out(Restart(node=node))
        await asyncio.gather(*self._tasks)
        self._recovered = await self._clients.read_all(RECOVER_WITHIN_MS)

    async def _init(self, node: int) -> bool:
        name = f"n{node}"
        body: Body = {"type": "init", "node_id": name, "node_ids": self._names}
        answer = await self._clients.ask(f"c0-{name}", name, body, INIT_WITHIN_S)
        return answer is not None and answer.get("type") == "init_ok"

    def _restart(self, node: int) -> None:
        async def start() -> None:
            program = self._programs[node]
            await program.ended()
            await program.start()
            if not await self._init(node) and program.life != "down":
                self._troubled(f"n{node} did not answer init after its restart.")

        self._tasks.append(asyncio.create_task(start()))

    # Messages

    def _now_ms(self) -> int:
        return int((time.monotonic() - self._began) * 1000)

    def _reach(self, node: str, envelope: Envelope) -> bool:
        program = self._programs[int(node[1:])]
        program.send(envelope)
        return program.life != "down"

    def _sent(self, envelope: Envelope) -> None:
        """A node has sent a message, to a client or to another node."""
        if envelope.dest in self._names:
            source, target = int(envelope.src[1:]), int(envelope.dest[1:])
            if source == target:
                self._programs[target].send(envelope)
                return
            now = self._now_ms()
            for at in self._links.arrivals(source, target, now, self._dice):
                asyncio.get_running_loop().call_later((at - now) / 1000, self._programs[target].send, envelope)
        elif envelope.dest.startswith("c"):
            self._clients.received(envelope)
        elif isinstance(number := envelope.body.get("msg_id"), int):
            body = error_body(ErrorCode.NODE_NOT_FOUND, "there is no such node") | {"in_reply_to": number}
            self._programs[int(envelope.src[1:])].send(Envelope(envelope.dest, envelope.src, body))

    def _troubled(self, sentence: str) -> None:
        self._troubles.append(sentence)
        self._progress(sentence)


class _Life(msgspec.Struct, frozen=True):
    life: Literal["up", "paused", "down"]
    role: str = ""


class _UpOrDown:
    """What node words need of a cluster: who is up. Who leads is not known."""

    def __init__(self, settings: Settings, links: Links, programs: dict[int, Program]) -> None:
        self.settings = settings
        self.links = links
        self._programs = programs

    def status(self, node: int) -> _Life:
        """Whether a node is up."""
        return _Life(self._programs[node].life)


class _ProgramNemesis(Nemesis):
    """Carries out faults on processes. Their disks and clocks are their own."""

    def __init__(self, links: Links, programs: dict[int, Program], restart: Callable[[int], None]) -> None:
        super().__init__(links, lambda _fault: None)
        self._programs = programs
        self._start = restart

    def process_state(self, node: int) -> Literal["up", "paused", "down"]:
        """See `Nemesis`."""
        return self._programs[node].life

    def check_crash(self, fault: Crash) -> None:
        """See `Nemesis`."""

    def crash(self, fault: Crash) -> None:
        """See `Nemesis`."""
        self._programs[fault.node].kill()

    def kill(self, node: int) -> None:
        """See `Nemesis`."""
        self._programs[node].kill()

    def restart(self, node: int) -> None:
        """See `Nemesis`."""
        self._start(node)

    def pause(self, node: int) -> None:
        """See `Nemesis`."""
        self._programs[node].pause()

    def resume(self, node: int) -> None:
        """See `Nemesis`."""
        self._programs[node].resume()

    def change_disk(self, fault: DiskFault) -> None:
        """See `Nemesis`."""
        raise InputError("The disks of node programs are their own.")

    def change_clock(self, fault: ClockFault) -> None:
        """See `Nemesis`."""
        raise InputError("The clocks of node programs are their own.")

    def keep_copies(self, fault: KeepCopies) -> None:
        """See `Nemesis`."""
        raise InputError("Messages of node programs are not held.")

    def stop_copying(self) -> None:
        """See `Nemesis`."""

    def is_held(self, number: int) -> bool:
        """See `Nemesis`."""
        return False

    def deliver_held(self, number: int | None, link: Link | None) -> None:
        """See `Nemesis`."""
