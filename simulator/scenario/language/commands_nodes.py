"""Commands that inject faults at nodes, their disks and their clocks, and repair them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from simulator.faults.faults import ALL_FILES, CrashPoint, DiskFaultKind
from simulator.scenario.language.command_spec import CommandSpec
from simulator.scenario.language.commands import (
    ClockCommand,
    DiskCommand,
    NodeFault,
)
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import NODES_WORDS, Cursor, whole

CRASH_POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)
DISK_KINDS: tuple[DiskFaultKind, ...] = get_args(DiskFaultKind)
DISK_FILES = ("blockchain.txt", "blog.txt", "paxos.txt")


def _crash(words: Cursor) -> NodeFault:
    point: CrashPoint | None = None
    process_only = words.flag("--process")
    at_point = not process_only and words.flag("--at")
    nodes = words.take_text("NODES", CRASH_POINTS)
    if at_point:
        word = words.take("a moment")
        point = next((known for known in CRASH_POINTS if known == word.text.lower()), None)
        if point is None:
            words.refuse(word, f"{word.text!r} is not a moment", CRASH_POINTS)
    words.done()
    from_text = Cursor([nodes], usage=words.usage, nodes=words.nodes, call=False, end=words.end, background=False)
    return NodeFault(action="crash", nodes=from_text.nodes_list(), point=point, process_only=process_only)


def _node_fault(action: Literal["restart", "pause", "resume"]) -> Callable[[Cursor], NodeFault]:
    def parse(words: Cursor) -> NodeFault:
        nodes = words.nodes_list()
        words.done()
        return NodeFault(action=action, nodes=nodes)

    return parse


def _disk(words: Cursor) -> DiskCommand:
    node = words.node("NODE N")
    word = words.peek()
    chosen = words.choose("what a disk can do", DISK_KINDS)
    kind = next(known for known in DISK_KINDS if known == chosen)
    file, line = "", None
    delay_ms = words.time_ms("a TIME", least=1) if kind == "slow" else 0
    if kind in {"corrupt", "tear", "wipe", "zero"} or (kind == "rollback" and words.more()):
        named = words.take("a FILE")
        files = (*DISK_FILES, ALL_FILES) if kind in {"wipe", "rollback"} else DISK_FILES
        if named.text.lower() not in files:
            words.refuse(named, f"{named.text!r} is not a file of a node", files)
        file = named.text.lower()
        if kind == "corrupt" and words.more():
            line = words.number("a LINE", 1)
    words.done()
    assert word is not None
    return DiskCommand(node=node, kind=kind, file=file, line=line, delay_ms=delay_ms)


def _clock(words: Cursor) -> ClockCommand:
    node = words.node("NODE N")
    rate, jump = 100, 0
    if not words.more():
        words.take("rate or jump")
    while words.more():
        if words.choose("what a clock can do", ("rate", "jump")) == "rate":
            word = words.take("a rate such as 90%")
            text = word.text.removesuffix("%")
            if text == word.text:
                raise ParseError(word.column, f"{word.text!r} is a rate without its %: write {word.text}%.")
            rate = whole(word._replace(text=text), "a rate", 1, 1000)
        else:
            jump = words.signed_ms()
    words.done()
    return ClockCommand(node=node, rate_percent=rate, jump_ms=jump)


COMMANDS = (
    CommandSpec(
        name="crash",
        group="nodes",
        usage="crash NODES [--at MOMENT | --process]",
        summary="kills nodes as kill -9 does; in the virtual world their machines lose power, but for --process",
        examples=(
            ("crash leader", "whoever leads now"),
            ("crash 2,4", "two at once"),
            ("crash 3 --at before-sync", "node 3, when it next syncs its journal (virtual world)"),
            ("crash 3 --process", "the process alone: what it wrote stays, until a crash takes what was not synced"),
        ),
        parse=_crash,
        aliases=("kill", "fail"),
        keywords=NODES_WORDS,
    ),
    CommandSpec(
        name="restart",
        group="nodes",
        usage="restart NODES",
        summary="starts a fresh process on the same files",
        examples=(("restart crashed", "everyone who is down"),),
        parse=_node_fault("restart"),
        aliases=("start", "recover"),
        keywords=NODES_WORDS,
    ),
    CommandSpec(
        name="pause",
        group="nodes",
        usage="pause NODES",
        summary="lets nodes stand still (SIGSTOP); they do not notice",
        examples=(("pause leader", "a leader that sleeps"),),
        parse=_node_fault("pause"),
        aliases=("stop",),
        keywords=NODES_WORDS,
    ),
    CommandSpec(
        name="resume",
        group="nodes",
        usage="resume NODES",
        summary="lets paused nodes go on (SIGCONT)",
        examples=(("resume all", "everyone who is paused"),),
        parse=_node_fault("resume"),
        aliases=("cont",),
        keywords=NODES_WORDS,
    ),
    CommandSpec(
        name="disk",
        group="disks",
        usage=(
            "disk N corrupt FILE [LINE] | tear FILE | zero FILE | wipe FILE | wipe all | rollback | full | readonly "
            "| slow TIME | ok"
        ),
        summary="harms a node's disk or one of its files, or mends the disk",
        examples=(
            ("disk 2 tear paxos.txt", "the last line of node 2's journal is torn, as by a power cut"),
            ("disk 4 corrupt blockchain.txt 3", "one letter of block 3 is another: the next start finds it"),
            ("disk 4 zero paxos.txt", "the second half of the journal is zeros"),
            ("disk 4 wipe all", "node 4 has no files any more"),
            ("disk 5 rollback", "a node that is down gets its files back as they were at its last start"),
            ("disk 2 slow 50ms", "every sync of node 2 takes 50 ms longer"),
            ("disk 3 full", "node 3 can write no more"),
            ("disk 3 ok", "it can again"),
        ),
        parse=_disk,
        keywords=(*DISK_KINDS[:9], *DISK_FILES, ALL_FILES),
    ),
    CommandSpec(
        name="clock",
        group="nodes",
        usage="clock N [rate P] [jump TIME]",
        summary="lets a node's clock run at another rate, or jump (virtual world)",
        examples=(
            ("clock 2 rate 90% jump 5s", "node 2's clock jumps ahead and then runs slow"),
            ("clock 2 jump -300ms", "it jumps back"),
        ),
        parse=_clock,
        keywords=("rate", "jump"),
    ),
)
