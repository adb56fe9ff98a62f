"""Commands that inject faults into the network, repair it, and deliver messages by hand."""

from __future__ import annotations

from collections.abc import Callable

from simulator.cluster.message_text import KINDS
from simulator.scenario.language.command_spec import CommandSpec, no_words
from simulator.scenario.language.commands import (
    Command,
    DeliverMessages,
    HealAll,
    HoldMessages,
    Inspect,
    KeepCopies,
    LinkFault,
    NetConditions,
    NetReset,
    Part,
    ReleaseMessages,
)
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import NODES_WORDS, Cursor, is_links, link_word, links_phrase, split_at, whole

MESSAGE_KINDS = tuple(KINDS)
"""The kinds of messages, as `held` shows them."""
OLD_KINDS = {"canvass": "pre-vote", "canvass-reply": "pre-vote-reply"}
"""Earlier names of kinds, which older scenarios use."""
MOST_COPIES = 1_000
CONDITION_WORDS = ("delay", "jitter", "drop", "loss", "duplicate", "reorder")


def _partition(words: Cursor) -> Part:
    groups = words.groups()
    words.done()
    numbers = [node for group in groups for node in group if isinstance(node, int)]
    twice = next((node for node in numbers if numbers.count(node) > 1), None)
    if twice is not None:
        raise ParseError(words.words[0].column, f"node {twice} stands in two groups: name it in one.")
    return Part(groups=groups)


def _isolate(words: Cursor) -> Part:
    nodes = words.nodes_list()
    words.done()
    return Part(groups=tuple((node,) for node in nodes))


def _link_fault(*, cut: bool) -> Callable[[Cursor], LinkFault]:
    def parse(words: Cursor) -> LinkFault:
        one_way = words.flag("--one-way", "--oneway")
        first = words.peek()
        if first is not None and words.left == 1 and ("-" in first.text or ">" in first.text):
            (source, target), *back = links_phrase(words.take("A B"), words.nodes)[0]
            words.done()
            return LinkFault(cut=cut, source=source, target=target, one_way=one_way or not back)
        node = words.node("NODE A")
        if words.call and not words.more():
            words.done()
            return LinkFault(cut=cut, source=None, target=node, one_way=one_way)
        second = words.peek()
        other = words.node("NODE B")
        words.done()
        if node == other and isinstance(node, int) and second is not None:
            raise ParseError(second.column, f"node {node} has no link to itself: name two different nodes.")
        return LinkFault(cut=cut, source=node, target=other, one_way=one_way)

    return parse


def _net(words: Cursor) -> Command:
    json = words.flag("--json")
    if not words.more():
        words.done()
        return Inspect(what="net", json=json)
    if words.left == 1 and words.keyword("reset", "calm"):
        words.done()
        return NetReset()
    first = words.peek()
    links = None
    if first is not None and first.text.lower() not in CONDITION_WORDS:
        if not is_links(first.text):
            words.refuse(first, f"{first.text!r} is neither LINKS nor weather", (*CONDITION_WORDS, "reset", "all"))
        links = links_phrase(words.take_text("LINKS", CONDITION_WORDS), words.nodes)
    return _conditions(words, links or ((), ()))


def _conditions(
    words: Cursor, links: tuple[tuple[tuple[int | str, int | str], ...], tuple[int | str, ...]]
) -> NetConditions:
    if not words.more():
        raise ParseError(words.end, f"the weather is missing here: write {words.usage}.")
    times: dict[str, int] = {}
    chances: dict[str, float] = {}
    while words.more():
        word = words.words[len(words.words) - words.left]
        name = words.choose("weather", CONDITION_WORDS)
        name = "drop" if name == "loss" else name
        if name in times or name in chances:
            raise ParseError(word.column, f"{name!r} is said twice here: say it once.")
        if name in {"delay", "jitter"}:
            times[name] = words.time_ms()
        else:
            chances[name] = words.chance()
    words.done()
    return NetConditions(
        links=links[0],
        around=links[1],
        delay_ms=times.get("delay", 0),
        jitter_ms=times.get("jitter", 0),
        drop=chances.get("drop", 0.0),
        duplicate=chances.get("duplicate", 0.0),
        reorder=chances.get("reorder", 0.0),
    )


def _loss(words: Cursor) -> NetConditions:
    first = words.peek()
    links = ((), ()) if first is None or words.left == 1 else links_phrase(words.take("LINKS"), words.nodes)
    chance = words.chance()
    words.done()
    return NetConditions(links=links[0], around=links[1], drop=chance)


def _deliver(words: Cursor) -> DeliverMessages:
    if not words.more():
        words.done()
        return DeliverMessages()
    if words.keyword("all"):
        words.done()
        return DeliverMessages(everything=True)
    word = words.take_text("a message's number or link", (*MESSAGE_KINDS, *OLD_KINDS))
    if ">" in word.text:
        links = tuple(link_word(part, words.nodes) for part in split_at(word, ","))
        old = words.keyword(*OLD_KINDS)
        kind = OLD_KINDS[old] if old else words.choose("a kind of message", MESSAGE_KINDS) if words.more() else ""
        words.done()
        return DeliverMessages(links=links, kind=kind)
    words.done()
    if not word.text.isdecimal():
        words.refuse(word, f"{word.text!r} is not a message to deliver")
    return DeliverMessages(number=whole(word, "a message's number", 1))


def _copy(words: Cursor) -> KeepCopies:
    kind = words.choose("a kind of message", MESSAGE_KINDS)
    count = whole(words.take("how many"), "how many copies", 1, MOST_COPIES) if words.more() else 1
    words.done()
    return KeepCopies(kind=kind, count=count)


COMMANDS = (
    CommandSpec(
        name="partition",
        group="links",
        usage="partition GROUPS",
        summary="cuts every link between different groups; nodes not named form one more",
        examples=(
            ("partition 1,2 / 3,4,5", "two sides"),
            ("partition leader / rest", "the leader alone"),
        ),
        parse=_partition,
        keywords=NODES_WORDS,
    ),
    CommandSpec(
        name="isolate",
        group="links",
        usage="isolate NODES",
        summary="cuts all links of a node",
        examples=(("isolate 3", "node 3 alone"),),
        parse=_isolate,
        keywords=NODES_WORDS,
        instead_of="partition N / rest",
    ),
    CommandSpec(
        name="faillink",
        group="links",
        usage="faillink A B [--one-way]",
        summary="cuts the link between two nodes, both ways or from A to B alone",
        examples=(
            ("faillink 2 leader", "node 2 and the leader cannot reach each other"),
            ("faillink 1 3 --one-way", "nothing passes from 1 to 3"),
            ("failLink(2)", "between the default node and node 2"),
        ),
        parse=_link_fault(cut=True),
        keywords=(*NODES_WORDS[:5], "--one-way"),
    ),
    CommandSpec(
        name="fixlink",
        group="links",
        usage="fixlink A B [--one-way]",
        summary="mends what faillink cut",
        examples=(("fixlink 2 leader", "they can reach each other again"), ("fixLink(2)", "with the default node")),
        parse=_link_fault(cut=False),
        keywords=(*NODES_WORDS[:5], "--one-way"),
    ),
    CommandSpec(
        name="heal",
        group="links",
        usage="heal",
        summary="makes all links whole: cuts, partitions and weather are gone",
        examples=(("heal", "all links whole"),),
        parse=no_words(HealAll()),
    ),
    CommandSpec(
        name="net",
        group="weather",
        usage="net [LINKS] [delay TIME [jitter TIME]] [drop P] [duplicate P] [reorder P] | net reset | net [--json]",
        summary="sets the weather on links, in place of what it was; alone it shows all links",
        examples=(
            ("net all delay 3s", "every message takes three seconds"),
            ("net 1>2 drop 30%", "three in ten of 1's messages to 2 are lost"),
            ("net 4 delay 20ms jitter 10ms reorder 5%", "all links of node 4"),
            ("net reset", "calm weather everywhere"),
            ("net", "shows every link, and what is on its way"),
        ),
        parse=_net,
        keywords=("all", *CONDITION_WORDS[:3], "duplicate", "reorder", "reset", "--json"),
    ),
    CommandSpec(
        name="loss",
        group="weather",
        usage="loss [LINKS] P",
        summary="loses messages",
        examples=(("loss all 30%", "three in ten messages are lost"),),
        parse=_loss,
        instead_of="net LINKS drop P",
    ),
    CommandSpec(
        name="hold",
        group="by hand",
        usage="hold",
        summary="keeps every message from now on, for you to deliver, and lets time stand still; `held` lists them",
        examples=(("hold", "messages wait"),),
        parse=no_words(HoldMessages()),
    ),
    CommandSpec(
        name="copy",
        group="by hand",
        usage="copy KIND [N]",
        summary="keeps copies of the next N messages of a kind, for you to deliver late (virtual world)",
        examples=(
            ("copy promise", "the next PROMISE goes its way, and a copy of it waits"),
            ("copy heartbeat-ack 4", "the next four acknowledgements"),
        ),
        parse=_copy,
        keywords=MESSAGE_KINDS,
    ),
    CommandSpec(
        name="deliver",
        group="by hand",
        usage="deliver [K | A>B[,C>D…] [KIND] | all]",
        summary="lets held messages go: number K, those of links (one KIND, once there), all, or the oldest",
        examples=(
            ("deliver 3", "message number 3"),
            ("deliver 1>2", "all that 1 sent to 2"),
            ("deliver 3>1,4>1 promise", "the PROMISEs of 3 and 4 to 1, and nothing else that they sent"),
            ("deliver all", "all"),
        ),
        parse=_deliver,
        keywords=("all", *MESSAGE_KINDS),
    ),
    CommandSpec(
        name="release",
        group="by hand",
        usage="release",
        summary="delivers everything held, in order, and holds no longer",
        examples=(("release", "back to normal"),),
        parse=no_words(ReleaseMessages()),
    ),
)
