"""Commands that show the cluster, and commands about the session itself."""

from __future__ import annotations

from collections.abc import Callable

from simulator.cluster.log_filter import LOG_WORDS
from simulator.scenario.language.command_spec import CommandSpec, no_words
from simulator.scenario.language.commands import (
    Check,
    Command,
    Help,
    Inspect,
    InspectWhat,
    Quit,
    Report,
    RunFile,
    Save,
    SetKey,
    ShowLog,
    Trace,
    Use,
    Verify,
    Why,
)
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import Cursor, whole
from simulator.settings import LIMITS, MAX_NODES

NUMBERS = {
    "nodes": (1, MAX_NODES),
    "seed": (0, None),
    "difficulty": (0, 8),
    "ops-per-block": (1, 4096),
    "window": (1, 65536),
    **{name.replace("_", "-"): (1, 1 << 30) for name in LIMITS},
}
WORDS = {"sync": ("fsync", "flush"), "world": ("processes", "virtual")}
MOST_EVENTS = 100_000


def _inspect(what: InspectWhat, *, takes_node: bool = False, needs_node: bool = False) -> Callable[[Cursor], Inspect]:
    def parse(words: Cursor) -> Inspect:
        json = words.flag("--json")
        node = words.node("NODE N") if needs_node or (takes_node and words.more()) else None
        words.done()
        return Inspect(what=what, node=node, json=json)

    return parse


def _events(words: Cursor) -> Inspect:
    json = words.flag("--json")
    count = words.number("a number of events", 1, MOST_EVENTS) if words.more() else 20
    words.done()
    return Inspect(what="events", count=count, json=json)


def _log(words: Cursor) -> Inspect | ShowLog:
    """The slots of a node, or a part of the running log."""
    json = words.flag("--json")
    part = words.keyword(*LOG_WORDS)
    if not part:
        node = words.node("NODE N") if words.more() else None
        words.done()
        return Inspect(what="log", node=node, json=json)
    what = next(known for known in LOG_WORDS if known == part)
    node = words.node("NODE N") if what == "node" else None
    count = words.number("a number of lines", 1, MOST_EVENTS) if words.more() else None
    words.done()
    return ShowLog(what=what, node=node, count=count, json=json)


def _file(make: Callable[[str], Command]) -> Callable[[Cursor], Command]:
    def parse(words: Cursor) -> Command:
        word = words.take("a FILE")
        words.done()
        if not word.text.strip():
            raise ParseError(word.column, f"the name of the FILE is empty: write {words.usage}.")
        return make(word.text)

    return parse


def _set(words: Cursor) -> SetKey:
    word = words.take("a KEY")
    key = word.text.lower().replace("_", "-")
    if key not in NUMBERS and key not in WORDS:
        words.refuse(word, f"{word.text!r} is not a setting", (*NUMBERS, *WORDS))
    value: int | str
    if key in NUMBERS:
        value = whole(words.take("a VALUE"), f"a value of {key}", *NUMBERS[key])
    else:
        value = words.choose(f"a value of {key}", WORDS[key])
    words.done()
    return SetKey(key=key, value=value)


def _use(words: Cursor) -> Use:
    node = words.node("NODE N")
    words.done()
    return Use(node=node)


def _why(words: Cursor) -> Why:
    made = Why()
    if words.more():
        what = words.choose("what to explain", ("last", "slot", "node", "request"))
        if what == "node":
            made = Why(what="node", node=words.node("NODE N"))
        elif what == "slot":
            made = Why(what="slot", number=words.number("a slot", 1, 1 << 40))
        elif what == "request":
            made = Why(what="request", number=words.number("the number of a request", 1, 1 << 40))
    words.done()
    return made


def _help(words: Cursor) -> Help:
    word = words.take("a COMMAND").text if words.more() else ""
    words.done()
    return Help(word=word.lower())


COMMANDS = (
    CommandSpec(
        name="status",
        group="inspect",
        usage="status [--json]",
        summary="shows every node: alive, role, ballot, promise, slots, height",
        examples=(("status", "a line a node"), ("status --json", "the same for a program")),
        parse=_inspect("status"),
        keywords=("--json",),
    ),
    CommandSpec(
        name="leader",
        group="inspect",
        usage="leader [--json]",
        summary="shows who leads",
        examples=(("leader", "in each node's own opinion, if they differ"),),
        parse=_inspect("leader"),
        keywords=("--json",),
    ),
    CommandSpec(
        name="node",
        group="inspect",
        usage="node N [--json]",
        summary="shows one node: its slots, chain, blog, events",
        examples=(("node 3", "all about node 3"),),
        parse=_inspect("node", needs_node=True),
        keywords=("leader", "follower", "--json"),
    ),
    CommandSpec(
        name="chain",
        group="inspect",
        usage="chain [N] [--json]",
        summary="shows a node's chain with its hash pointers",
        examples=(("chain 2", "node 2's chain"),),
        parse=_inspect("chain", takes_node=True),
        keywords=("leader", "follower", "--json"),
    ),
    CommandSpec(
        name="log",
        group="inspect",
        usage="log [N] [--json] | log all|elections|faults|messages|answers [K] | log node N [K]",
        summary="shows a node's slots with their ballots and values, or a part of the running log",
        examples=(
            ("log leader", "the leader's slots"),
            ("log elections", "who campaigned, led and stepped down; at the lab's screen, in the log"),
            ("log elections 9", "the newest nine such lines, among the answers"),
            ("log node 3", "what node 3 did, sent and was sent"),
            ("log faults", "faults, starts and ends of nodes"),
            ("log all", "everything again"),
        ),
        parse=_log,
        keywords=("leader", "follower", *LOG_WORDS, "--json"),
    ),
    CommandSpec(
        name="queue",
        group="inspect",
        usage="queue [N] [--json]",
        summary="shows requests that wait, at one node or at all",
        examples=(("queue", "at every node"),),
        parse=_inspect("queue", takes_node=True),
        keywords=("leader", "--json"),
    ),
    CommandSpec(
        name="events",
        group="inspect",
        usage="events [K] [--json]",
        summary="shows the newest lines of the running log",
        examples=(("events 50", "the last fifty"),),
        parse=_events,
        keywords=("--json",),
    ),
    CommandSpec(
        name="held",
        group="by hand",
        usage="held [--json]",
        summary="lists the messages that wait for you, with their numbers",
        examples=(("held", "each with the number that deliver takes"),),
        parse=_inspect("held"),
        keywords=("--json",),
    ),
    CommandSpec(
        name="check",
        group="session",
        usage="check",
        summary="judges all invariants and linearizability so far",
        examples=(("check", "a line an invariant"),),
        parse=no_words(Check()),
    ),
    CommandSpec(
        name="why",
        group="why",
        usage="why [last|slot S|node N|request K]",
        summary="explains a refusal, time-out, lost election or missing decision by the events that led to it",
        examples=(
            ("why", "the last trouble"),
            ("why request 3", "the third request of this session"),
            ("why slot 7", "how slot 7 was decided, or why not"),
            ("why node 2", "why it is down, or lost its election"),
        ),
        parse=_why,
        keywords=("last", "slot", "node", "request"),
    ),
    CommandSpec(
        name="verify",
        group="session",
        usage="verify",
        summary="audits the nodes' files: every hash link, nonce and checksum",
        examples=(("verify", "a line a node"),),
        parse=no_words(Verify()),
    ),
    CommandSpec(
        name="run",
        group="session",
        usage="run FILE",
        summary="carries out a scenario file, or a built-in one by name, here",
        examples=(("run duelling-proposers", "the built-in scenario of that name"), ("run mine.paxsim", "a file")),
        parse=_file(lambda name: RunFile(name=name)),
    ),
    CommandSpec(
        name="save",
        group="session",
        usage="save FILE",
        summary="writes the session so far as a scenario file",
        examples=(("save story.paxsim", "then: paxsim run story.paxsim"),),
        parse=_file(lambda path: Save(path=path)),
    ),
    CommandSpec(
        name="trace",
        group="session",
        usage="trace FILE",
        summary="writes every event so far as a trace",
        examples=(("trace run.jsonl", "JSON lines"),),
        parse=_file(lambda path: Trace(path=path)),
    ),
    CommandSpec(
        name="report",
        group="session",
        usage="report FILE",
        summary="writes the run so far as one self-contained page, in pictures",
        examples=(("report run.html", "open it in a browser"),),
        parse=_file(lambda path: Report(path=path)),
    ),
    CommandSpec(
        name="set",
        group="session",
        usage="set nodes|seed|difficulty|ops-per-block|window|sync|world VALUE",
        summary="changes a setting, before the first other command",
        examples=(("set nodes 3", "a smaller cluster"), ("set world virtual", "in virtual time")),
        parse=_set,
        keywords=(*NUMBERS, *WORDS, "fsync", "flush", "processes", "virtual"),
    ),
    CommandSpec(
        name="use",
        group="session",
        usage="use N",
        summary="makes a node the default for the commands that follow",
        examples=(("use 3", "as if every line began with @3"), ("use leader", "whoever leads now")),
        parse=_use,
        keywords=("leader", "follower", "random", "majority", "minority"),
    ),
    CommandSpec(
        name="help",
        group="session",
        usage="help [COMMAND]",
        summary="lists all commands, or shows one with examples",
        examples=(("help", "all commands"), ("help net", "one of them")),
        parse=_help,
    ),
    CommandSpec(
        name="quit",
        group="session",
        usage="quit",
        summary="ends the session and all nodes",
        examples=(("quit", "the files stay"),),
        parse=no_words(Quit()),
        aliases=("exit",),
    ),
)
