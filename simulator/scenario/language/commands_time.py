"""Commands about the time of a virtual world: let it pass, step, go back, branch, predict."""

from __future__ import annotations

import re

from simulator.scenario.language.command_spec import CommandSpec, no_words
from simulator.scenario.language.commands import Back, Branch, Guess, Jump, JumpWhat, Predict, Step, TimeFlow
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import Cursor
from simulator.scenario.language.lexer import Word

SLOWEST, FASTEST = 0.01, 100.0
"""The slowest and fastest that virtual time may pass, as a multiple of real time."""
MOST_STEPS = 1_000_000

KINDS: tuple[JumpWhat, ...] = ("election", "decision", "fault", "violation")
"""What one can jump to, forward and back."""

_RATE = re.compile(r"([0-9]{1,6}(?:\.[0-9]{1,6})?)x?", re.IGNORECASE)


def _rate(word: Word) -> float:
    found = _RATE.fullmatch(word.text)
    rate = float(found[1]) if found else 0.0
    if not SLOWEST <= rate <= FASTEST:
        raise ParseError(word.column, f"{word.text!r} is no speed: write {SLOWEST:g}x to {FASTEST:g}x.")
    return rate


def _time(words: Cursor) -> TimeFlow:
    how = words.choose("how time passes", ("pause", "run"))
    rate = _rate(words.take("a speed")) if how == "run" and words.more() else 1.0
    words.done()
    return TimeFlow(rate=rate if how == "run" else 0.0)


def _step(words: Cursor) -> Step:
    count = words.number("a number of steps", 1, MOST_STEPS) if words.more() else 1
    words.done()
    return Step(count=count)


def _back(words: Cursor) -> Back:
    word = words.peek()
    if word is None or word.text.isdecimal():
        made = Back(count=words.number("a number of steps", 1, MOST_STEPS) if word else 1)
    else:
        made = Back(by_ms=words.time_ms(least=1))
    words.done()
    return made


def _jump(words: Cursor) -> Jump:
    way = words.keyword("next", "last")
    kind = words.keyword(*KINDS)
    if kind is not None:
        made = Jump(what=next(known for known in KINDS if known == kind), backward=way == "last")
    elif way is not None:
        word = words.take("what to jump to")
        words.refuse(word, f"{word.text!r} is nothing that one can jump to", KINDS)
    elif words.keyword("slot"):
        made = Jump(what="slot", number=words.number("a slot", 1, 1 << 40))
    elif words.keyword("end"):
        made = Jump(what="end")
    else:
        made = Jump(what="time", number=words.time_ms("a place to jump to"))
    words.done()
    return made


def _predict(words: Cursor) -> Predict:
    on = words.choose("whether to ask", ("on", "off")) == "on"
    words.done()
    return Predict(on=on)


def _guess(words: Cursor) -> Guess:
    named = [word.text.lower().strip(",") for word in words.take_rest()]
    kinds = tuple(word for word in named if word and word != "nothing")
    if not named:
        raise ParseError(words.end, "the guess is missing here: write the kinds of messages, or nothing.")
    return Guess(kinds=kinds)


COMMANDS = (
    CommandSpec(
        name="time",
        group="time",
        usage="time pause|run [0.01x…100x]",
        summary="stops virtual time, or lets it pass at some speed",
        examples=(("time pause", "it stands still: step, look, go back"), ("time run 0.1x", "in slow motion")),
        parse=_time,
        keywords=("pause", "run", "0.1x", "1x", "10x", "100x"),
    ),
    CommandSpec(
        name="step",
        group="time",
        usage="step [K]",
        summary="goes on to the next moment at which something happens, and says what",
        examples=(("step", "one moment"), ("step 20", "twenty")),
        parse=_step,
    ),
    CommandSpec(
        name="back",
        group="time",
        usage="back [K|TIME]",
        summary="goes back in virtual time",
        examples=(("back", "before the last moment, or the last line typed"), ("back 2s", "two seconds")),
        parse=_back,
    ),
    CommandSpec(
        name="jump",
        group="time",
        usage="jump next|last election|decision|fault|violation | jump slot S | jump TIME | jump end",
        summary="goes to a moment of interest, a slot or a time",
        examples=(
            ("jump next election", "until somebody leads"),
            ("jump last fault", "back to it"),
            ("jump slot 3", "where the third slot is decided"),
            ("jump 1.5s", "to this time, forward or back"),
            ("jump end", "to the newest moment, after going back"),
        ),
        parse=_jump,
        keywords=("next", "last", *KINDS, "slot", "end"),
    ),
    CommandSpec(
        name="branch",
        group="time",
        usage="branch",
        summary="after going back: forgets what was typed later, and does something else from here",
        examples=(("branch", "then type what should happen instead; save writes this run as a scenario"),),
        parse=no_words(Branch()),
    ),
    CommandSpec(
        name="predict",
        group="time",
        usage="predict on|off",
        summary="asks before each step what a node will do, and shows it then",
        examples=(("predict on", "then step; guess, or step again to see"),),
        parse=_predict,
        keywords=("on", "off"),
    ),
    CommandSpec(
        name="guess",
        group="time",
        usage="guess KIND… | guess nothing",
        summary="answers the question of predict with the messages that the node will send",
        examples=(("guess promise", "it promises"), ("guess nothing", "it sends nothing")),
        parse=_guess,
        keywords=("nothing", "promise", "accepted", "reject", "accept", "prepare", "heartbeat", "heartbeat-ack"),
    ),
)
