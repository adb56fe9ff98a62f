"""Commands that make a scenario of a session: load, waiting and expectations."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal, get_args

import msgspec

from simulator.scenario.language.command_spec import CommandSpec
from simulator.scenario.language.commands import (
    AnswerWord,
    ChainsFact,
    CheckFact,
    ElectionsFact,
    Expect,
    Fact,
    HeightFact,
    LastFact,
    LeaderFact,
    Load,
    Sleep,
    TitleFact,
    TitlesFact,
    WaitFor,
)
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import Cursor, nodes_words, whole

ANSWERS: tuple[AnswerWord, ...] = get_args(AnswerWord)
MOST_RATE = 100_000
MOST_CLIENTS = 1_000
_RATE = re.compile(r"([^/]*)(/s)?", re.IGNORECASE)
_ENDS = ("on", "within")
_MIX: tuple[Literal["post", "comment", "view"], ...] = ("post", "comment", "view")
_WAITS: tuple[Literal["leader", "converged", "idle", "height", "down", "held"], ...] = (
    "leader", "converged", "idle", "height", "down", "held")  # fmt: skip
_FACT_USAGE = {
    "leader": "leader [N] [on NODES] [within TIME]",
    "last": "last ok|refused|timeout|no-majority [within TIME]",
    "height": "height H [on NODES] [within TIME]",
    "chains": "chains equal [on NODES] [within TIME]",
    "titles": "titles A B … [on NODES] [within TIME]",
    "title": "title T by U [comments K] [on NODES] [within TIME]",
    "elections": "elections <= K [since fault]",
    "check": "check ok",
}


def _load(words: Cursor) -> Load:
    word = words.take("a RATE such as 50/s")
    parts = _RATE.fullmatch(word.text)
    if parts is None or parts[2] is None:
        number = word.text if word.text.isdecimal() else "50"
        raise ParseError(word.column, f"{word.text!r} is not a rate: write {number}/s.")
    rate = whole(word._replace(text=parts[1]), "a rate", 1, MOST_RATE)
    words.choose("'for'", ("for",))
    for_ms = words.time_ms(least=1)
    clients, mix = 10, Load(rate=1, for_ms=1).mix
    seen: set[str] = set()
    while words.more():
        option = words.peek()
        name = words.choose("what a load can be", ("clients", "mix"))
        if name in seen and option is not None:
            raise ParseError(option.column, f"{name!r} is said twice here: say it once.")
        seen.add(name)
        if name == "clients":
            clients = words.number("a number of clients", 1, MOST_CLIENTS)
        else:
            mix = _mix(words)
    background, words.background = words.background, False
    words.done()
    return Load(rate=rate, for_ms=for_ms, clients=clients, mix=mix, background=background)


def _mix(words: Cursor) -> tuple[tuple[Literal["post", "comment", "view"], int], ...]:
    weights: dict[Literal["post", "comment", "view"], int] = {}
    first = words.peek()
    while not weights or words.next_is(*_MIX):
        word = words.peek()
        chosen = words.choose("what a client does", _MIX)
        kind = next(known for known in _MIX if known == chosen)
        if kind in weights and word is not None:
            raise ParseError(word.column, f"{kind!r} is said twice here: say it once.")
        weights[kind] = words.number(f"a share of {kind}", 0, 1_000_000)
    if not sum(weights.values()) and first is not None:
        raise ParseError(first.column, "every share of this mix is 0: let at least one be more.")
    return tuple(weights.items())


def _sleep(words: Cursor) -> Sleep:
    for_ms = words.time_ms()
    words.done()
    return Sleep(for_ms=for_ms)


def _within(words: Cursor) -> int | None:
    return words.time_ms() if words.keyword("within") else None


def _wait(words: Cursor) -> WaitFor | Sleep:
    first = words.peek()
    if first is not None and first.text[:1].isdigit():
        return _sleep(words)
    chosen = words.choose("something to wait for", _WAITS)
    what = next(known for known in _WAITS if known == chosen)
    in_majority, steady, height = False, False, 0
    nodes: tuple[int | str, ...] = ()
    if what == "leader":
        if words.keyword("in"):
            words.choose("'majority'", ("majority",))
            in_majority = True
        steady = words.keyword("steady") is not None
    elif what == "height":
        height = words.number("a height")
        if words.keyword("on"):
            nodes = nodes_words(words.take_text("NODES", _ENDS), words.nodes)
    elif what == "down":
        nodes = nodes_words(words.take_text("NODES", _ENDS), words.nodes)
    within_ms = _within(words)
    words.done()
    waits = WaitFor(what=what, in_majority=in_majority, steady=steady, height=height, nodes=nodes)
    return waits if within_ms is None else msgspec.structs.replace(waits, within_ms=within_ms)


def _expect(words: Cursor) -> Expect:
    negated = words.keyword("not") is not None
    start = words.peek()
    if start is not None and start.text.lower().startswith("elections<="):
        # A comparison may be written without blanks; the fact reads its words one by one.
        words.split_next(len("elections"))
    chosen = words.choose("a fact", tuple(FACTS))
    words.usage = f"expect {_FACT_USAGE[chosen]}"
    fact = FACTS[chosen](words)
    on: tuple[int | str, ...] = ()
    if words.keyword("on"):
        on = nodes_words(words.take_text("NODES", _ENDS), words.nodes)
    within_ms = _within(words)
    words.done()
    if on and start is not None and isinstance(fact, LastFact | ElectionsFact | CheckFact):
        raise ParseError(start.column, f"{start.text!r} is about the whole cluster: leave out 'on …'.")
    return Expect(fact=fact, negated=negated, on=on, within_ms=within_ms)


def _leader_fact(words: Cursor) -> Fact:
    alone = not words.more() or words.next_is(*_ENDS)
    return LeaderFact() if alone else LeaderFact(node=words.node())


def _last_fact(words: Cursor) -> Fact:
    chosen = words.choose("an answer", ANSWERS)
    return LastFact(answer=next(known for known in ANSWERS if known == chosen))


def _height_fact(words: Cursor) -> Fact:
    return HeightFact(height=words.number("a height"))


def _chains_fact(words: Cursor) -> Fact:
    words.choose("'equal'", ("equal",))
    return ChainsFact()


def _titles_fact(words: Cursor) -> Fact:
    titles: list[str] = []
    while words.more():
        word = words.peek()
        # A title may be called "on" or "within"; then it is quoted.
        if word is not None and word.bare and word.text.lower() in _ENDS:
            break
        titles.append(words.take("a TITLE").text.strip())
    if not titles:
        words.take("a TITLE")
        raise ParseError(words.end, f"a TITLE is missing here: write {words.usage}.")
    return TitlesFact(titles=tuple(titles))


def _title_fact(words: Cursor) -> Fact:
    title = words.take("a TITLE").text.strip()
    words.choose("'by'", ("by",))
    user = words.take("a USER").text.strip()
    comments = words.number("a number of comments") if words.keyword("comments", "comment") else None
    return TitleFact(title=title, user=user, comments=comments)


def _elections_fact(words: Cursor) -> Fact:
    word = words.take("<=")
    if word.text.startswith("<=") and len(word.text) > 2:
        most = whole(word._replace(text=word.text[2:]), "a number of elections")
        return ElectionsFact(most=most, since_fault=_since_fault(words))
    if word.text != "<=":
        raise ParseError(word.column, f"{word.text!r} stands where <= belongs: write elections <= 3.")
    most = words.number("a number of elections")
    return ElectionsFact(most=most, since_fault=_since_fault(words))


def _since_fault(words: Cursor) -> bool:
    if not words.keyword("since"):
        return False
    words.choose("'fault'", ("fault",))
    return True


def _check_fact(words: Cursor) -> Fact:
    words.choose("'ok'", ("ok",))
    return CheckFact()


FACTS: dict[str, Callable[[Cursor], Fact]] = {
    "leader": _leader_fact,
    "last": _last_fact,
    "height": _height_fact,
    "chains": _chains_fact,
    "titles": _titles_fact,
    "title": _title_fact,
    "elections": _elections_fact,
    "check": _check_fact,
}

COMMANDS = (
    CommandSpec(
        name="load",
        group="load",
        usage="load RATE/s for TIME [clients C] [mix post 40 comment 30 view 30] [&]",
        summary="lets many clients write and read at once; their history is judged at the end",
        examples=(
            ("load 50/s for 2s", "ten clients, fifty requests a second between them"),
            ("load 200/s for 10s clients 50 mix post 60 view 40 &", "fifty clients, going on while you do more"),
        ),
        parse=_load,
        keywords=("for", "clients", "mix", "post", "comment", "view"),
    ),
    CommandSpec(
        name="sleep",
        group="wait",
        usage="sleep TIME",
        summary="lets time pass",
        examples=(("sleep 500ms", "half a second"),),
        parse=_sleep,
    ),
    CommandSpec(
        name="wait",
        group="wait",
        usage=(
            "wait TIME | leader [in majority] [steady] | converged | idle | height H [on NODES] | down NODES "
            "| held [within TIME]"
        ),
        summary="lets time pass until something is so, a minute at most unless `within` says otherwise",
        examples=(
            ("wait leader within 5s", "until some node leads"),
            ("wait leader in majority", "until a node leads that reaches a majority"),
            ("wait leader steady", "until the majority's nodes follow one leader, and none campaigns"),
            ("wait converged", "until all nodes that are up have the same chain"),
            ("wait height 3 within 10s", "until the majority's nodes have three blocks"),
            ("wait idle", "until every request is answered and nothing waits"),
            ("wait down 3", "until node 3 is down"),
            ("wait held", "until one more message waits for you, after hold"),
            ("wait 200ms", "as sleep does: after hold, time passes only where a command waits"),
        ),
        parse=_wait,
        keywords=(*_WAITS, "in", "majority", "steady", "within", "on"),
    ),
    CommandSpec(
        name="expect",
        group="expect",
        usage=(
            "expect [not] FACT [on NODES] [within TIME], where FACT is leader [N] | "
            "last ok|refused|timeout|no-majority | height H | "
            "chains equal | titles A B … | title T by U [comments K] | "
            "elections <= K [since fault] | check ok"
        ),
        summary="fails the session unless the fact holds; `within` asks again until it does",
        examples=(
            ("expect last ok", "the newest request was carried out"),
            ("expect chains equal within 5s", "all nodes that are up agree, soon at least"),
            ("expect titles Hello News on all within 5s", "every blog has these two posts and no other"),
            ("expect title Hello by alice comments 2", "with two comments"),
            ("expect not leader 1", "someone else leads, or no one"),
            ("expect elections <= 3", "so far"),
            ("expect elections <= 0 since fault", "none since the last crash, restart, cut or other fault"),
            ("expect check ok", "no invariant is violated, and the history is linearizable"),
        ),
        parse=_expect,
        keywords=("not", *FACTS, "equal", "ok", *ANSWERS, "by", "comments", "since", "fault", "on", "within"),
    ),
)
