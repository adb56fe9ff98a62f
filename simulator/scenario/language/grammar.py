"""The phrases of the language: NODE, NODES, GROUPS, LINKS, TIME, probabilities, numbers, keywords.

A `Cursor` walks over the words of one line. Each phrase takes the words it needs, or describes the mistake in one
sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import NoReturn, TypeVar

from simulator.errors import InputError
from simulator.scenario.language.commands import LinkWord, NodesWord, NodeWord
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.lexer import Word
from simulator.text.suggest import closest, did_you_mean, one_of
from simulator.text.units import parse_probability, parse_time_ms

Value = TypeVar("Value")

NODE_WORDS = ("leader", "follower", "random", "majority", "minority")
NODES_WORDS = (*NODE_WORDS, "all", "crashed", "rest")
MAX_TIME_MS = 24 * 60 * 60 * 1000
"""The longest TIME in a command, one day: a typing error must not hang a script."""

_WHOLE = re.compile(r"[0-9]{1,18}")
_SIGN = re.compile(r"\s*([,/|])\s*")


class Cursor:
    """The words of a command after its verb. `usage` is shown when words are missing or too many."""

    def __init__(
        self, words: Sequence[Word], *, usage: str, nodes: int, call: bool, end: int, background: bool
    ) -> None:
        self.flags = [word for word in words if word.bare and word.text.startswith("--")]
        self.words = [word for word in words if word not in self.flags]
        self.usage = usage
        self.nodes = nodes
        self.call = call
        self.end = end
        self.background = background
        self._place = 0

    def more(self) -> bool:
        """True while words are left."""
        return self._place < len(self.words)

    @property
    def left(self) -> int:
        """How many words are left."""
        return len(self.words) - self._place

    def peek(self) -> Word | None:
        """The next word, not taken."""
        return self.words[self._place] if self.more() else None

    def take(self, what: str) -> Word:
        """The next word; if there is none, a mistake says that `what` is missing."""
        word = self.peek()
        if word is None:
            raise ParseError(self.end, f"{what} is missing here: write {self.usage}.")
        self._place += 1
        return word

    def take_rest(self) -> list[Word]:
        """All words left."""
        rest = self.words[self._place :]
        self._place = len(self.words)
        return rest

    def next_is(self, *keywords: str) -> bool:
        """True when the next word is one of `keywords`, in any case."""
        word = self.peek()
        return word is not None and word.text.lower() in keywords

    def keyword(self, *keywords: str) -> str | None:
        """Take the next word if it is one of `keywords` and return it in lower case; None otherwise."""
        return self.take(keywords[0]).text.lower() if self.next_is(*keywords) else None

    def split_next(self, length: int) -> None:
        """Split the next word after its first `length` characters."""
        word = self.words[self._place]
        first = word._replace(text=word.text[:length])
        second = word._replace(text=word.text[length:], column=word.column + length)
        self.words[self._place : self._place + 1] = [first, second]

    def choose(self, what: str, choices: Sequence[str]) -> str:
        """Take one of `choices`, in any case."""
        word = self.take(what)
        if word.text.lower() not in choices:
            self.refuse(word, f"{word.text!r} is not {what}", choices)
        return word.text.lower()

    def flag(self, *names: str) -> bool:
        """Take an option such as `--json`; True if it was there."""
        found = [word for word in self.flags if word.text.lower() in names]
        self.flags = [word for word in self.flags if word not in found]
        return bool(found)

    def literal_flags(self) -> None:
        """Take words that begin with `--` literally: a title may look like that."""
        self.words = sorted([*self.words, *self.flags], key=lambda word: word.column)
        self.flags = []

    def done(self) -> None:
        """Refuse remaining words, and a `&` where none belongs."""
        for flag in self.flags:
            known = re.findall(r"--[a-z-]+", self.usage)
            self.refuse(flag, f"there is no option {flag.text!r} here", known)
        word = self.peek()
        if word is not None:
            raise ParseError(word.column, f"{word.text!r} is one word too many: write {self.usage}.")
        if self.background:
            raise ParseError(
                self.end - 1,
                "only post, comment, view, blog and load may end in &: this command does not wait for an answer.",
            )

    def refuse(self, word: Word, sentence: str, choices: Iterable[str] = ()) -> NoReturn:
        """Raise a mistake at `word`; `sentence` has no full stop. It suggests a near choice, or lists all of them."""
        known = list(choices)
        if closest(word.text, known):
            raise ParseError(word.column, sentence + did_you_mean(word.text, known))
        raise ParseError(word.column, f"{sentence}: write {one_of(known) if known else self.usage}.")

    def number(self, what: str, least: int = 0, most: int | None = None) -> int:
        """Take a whole number."""
        return whole(self.take(what), what, least, most)

    def time_ms(self, what: str = "a TIME", *, least: int = 0) -> int:
        """Take a TIME."""
        word = self.take(what)
        milliseconds = read(word, parse_time_ms)
        if milliseconds > MAX_TIME_MS:
            raise ParseError(word.column, f"{word.text!r} is longer than a day: write a shorter time.")
        if milliseconds < least:
            raise ParseError(word.column, f"{word.text!r} is too short: write a time of {least}ms or more.")
        return milliseconds

    def signed_ms(self) -> int:
        """Take a TIME that may have a minus sign."""
        word = self.peek()
        if word is None or not word.text.startswith("-"):
            return self.time_ms()
        self.split_next(1)
        self.take("a TIME")
        return -self.time_ms()

    def chance(self) -> float:
        """Take a probability."""
        return read(self.take("a probability such as 30%"), parse_probability)

    def node(self, what: str = "a NODE") -> NodeWord:
        """Take a NODE."""
        word = self.take(what)
        return node_word(word.text, word.column, self.nodes)

    def nodes_list(self, what: str = "NODES") -> tuple[NodesWord, ...]:
        """Take the remaining words as NODES."""
        return nodes_words(self.take_text(what), self.nodes)

    def groups(self) -> tuple[tuple[NodesWord, ...], ...]:
        """Take the remaining words as GROUPS."""
        whole_text = self.take_text("a group of NODES")
        groups: list[tuple[NodesWord, ...]] = []
        for part in split_at(whole_text, "/|"):
            if not part.text:
                raise ParseError(
                    part.column, "a group is empty here: write NODES on both sides of /, such as 1,2 / 3,4,5."
                )
            groups.append(nodes_words(part, self.nodes))
        return tuple(groups)

    def take_text(self, what: str, stop: Sequence[str] = ()) -> Word:
        """The remaining words up to one of the keywords `stop`, as one word; blanks around commas do not count."""
        words = [self.take(what)]
        while self.more() and not self.next_is(*stop):
            words.append(self.take(what))
        text = words[0].text
        for before, word in pairwise(words):
            if self.call:
                text += ","
            elif before.text[-1:] not in ",/|" and word.text[:1] not in ",/|":
                if stop and (closest(word.text, stop) or not _begins_with_node(word.text)):
                    self.refuse(word, f"{word.text!r} does not belong here", stop)
                raise ParseError(
                    word.column, f"a comma is missing before {word.text!r}: write {before.text},{word.text}."
                )
            # Blanks keep the columns right when the text is split again.
            text = text.ljust(word.column - words[0].column) + word.text if not self.call else text + word.text
        return Word(text, words[0].column, all(word.bare for word in words))


def read(word: Word, reader: Callable[[str], Value]) -> Value:
    """What `reader` returns for the word; its error becomes a mistake at that place."""
    try:
        return reader(word.text)
    except InputError as error:
        raise ParseError(word.column, str(error)) from None


def whole(word: Word, what: str, least: int = 0, most: int | None = None) -> int:
    """The whole number of a word."""
    bounds = f"a whole number, {least} or more" if most is None else f"a whole number from {least} to {most}"
    if not _WHOLE.fullmatch(word.text):
        raise ParseError(word.column, f"{word.text!r} is not {what}: write {bounds}.")
    number = int(word.text)
    if number < least or (most is not None and number > most):
        raise ParseError(word.column, f"{number} is out of range: {what} is {bounds}.")
    return number


def split_at(word: Word, signs: str) -> list[Word]:
    """The parts of a word between any of `signs`, trimmed, each with its column."""
    parts: list[Word] = []
    start = 0
    for place in [*(place for place, sign in enumerate(word.text) if sign in signs), len(word.text)]:
        part = word.text[start:place]
        lead = len(part) - len(part.lstrip())
        parts.append(Word(part.strip(), word.column + start + lead, word.bare))
        start = place + 1
    return parts


def node_word(text: str, column: int, nodes: int) -> NodeWord:
    """Parse a NODE; `nodes` is the number of nodes."""
    word = text.lower()
    if word in NODE_WORDS:
        return word
    if _WHOLE.fullmatch(word):
        number = int(word)
        if 1 <= number <= nodes:
            return number
        raise ParseError(column, f"there is no node {number}: nodes are numbered from 1 to {nodes}.")
    if word in NODES_WORDS:
        raise ParseError(
            column, f"{text!r} stands for several nodes, and one is wanted here: write 1 to {nodes} or leader."
        )
    suggestion = did_you_mean(text, NODE_WORDS)
    known = f": write 1 to {nodes}, {one_of(NODE_WORDS)}."
    raise ParseError(column, f"{text!r} is not a node{suggestion if len(suggestion) > 1 else known}")


def nodes_words(word: Word, nodes: int) -> tuple[NodesWord, ...]:
    """Parse a NODES."""
    found: list[NodesWord] = []
    for part in split_at(word, ","):
        if not part.text:
            raise ParseError(part.column, "a node is missing beside this comma: write NODES such as 1,2 or leader,3.")
        if "/" in part.text or "|" in part.text:
            raise ParseError(
                part.column, f"{part.text!r} names groups, and NODES are wanted here: write them with commas."
            )
        if " " in part.text:
            raise ParseError(part.column, f"a comma is missing in {part.text!r}: write NODES such as 1,2 or leader,3.")
        if part.text.lower() in NODES_WORDS:
            found.append(part.text.lower())
            continue
        if not _WHOLE.fullmatch(part.text) and closest(part.text, NODES_WORDS):
            raise ParseError(part.column, f"{part.text!r} is not a node{did_you_mean(part.text, NODES_WORDS)}")
        node = node_word(part.text, part.column, nodes)
        if node in found and isinstance(node, int):
            raise ParseError(part.column, f"node {node} is named twice here: name it once.")
        found.append(node)
    return tuple(found)


def is_links(text: str) -> bool:
    """True when a word can only be LINKS."""
    part = text.split(",", maxsplit=1)[0].lower()
    return part in NODES_WORDS or ">" in part or "-" in part.strip("-") or bool(_WHOLE.fullmatch(part))


def _begins_with_node(text: str) -> bool:
    first = re.split("[->,/|]", text.lower(), maxsplit=1)[0]
    return first in NODES_WORDS or bool(_WHOLE.fullmatch(first))


def link_word(part: Word, nodes: int) -> LinkWord:
    """Parse an `A>B`."""
    source, sign, target = part.text.partition(">")
    if not sign:
        raise ParseError(part.column, f"{part.text!r} is not a link: write A>B, such as 1>2.")
    first = node_word(source.strip(), part.column, nodes)
    second = node_word(target.strip(), part.column + len(source) + 1, nodes)
    if first == second and first != "random":
        raise ParseError(part.column, f"{part.text!r} is no link: a node has none to itself.")
    return first, second


def links_phrase(word: Word, nodes: int) -> tuple[tuple[LinkWord, ...], tuple[NodeWord, ...]]:
    """Parse a LINKS: directed links, and nodes of which all links are meant. Both empty: all links."""
    links: list[LinkWord] = []
    around: list[NodeWord] = []
    for part in split_at(word, ","):
        text = part.text.lower()
        if text == "all":
            if word.text.strip().lower() != "all":
                raise ParseError(part.column, "'all' are all links already: write it alone.")
        elif ">" in text:
            links.append(link_word(part, nodes))
        elif "-" in text:
            first, second = link_word(Word(text.replace("-", ">", 1), part.column, part.bare), nodes)
            links += [(first, second), (second, first)]
        else:
            around.append(node_word(part.text, part.column, nodes))
    return tuple(links), tuple(around)
