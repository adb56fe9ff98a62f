"""Commands that write and read the blog."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from blog.operations import InvalidOperation, body, label
from simulator.scenario.language.command_spec import CommandSpec
from simulator.scenario.language.commands import Again, Comment, Inspect, Post, View
from simulator.scenario.language.errors import ParseError
from simulator.scenario.language.grammar import Cursor
from simulator.scenario.language.lexer import Word
from simulator.text.suggest import closest

LINEARIZABLE = ("--linearizable", "--linearisable")


def _write_words(words: Cursor, verb: str) -> tuple[str, str, str]:
    words.literal_flags()
    user = _name(words, "USER", "username")
    title = _name(words, "TITLE", "title")
    word = words.take("CONTENT")
    content = _taken(word, lambda: body(word.text))
    extra = words.peek()
    if extra is not None:
        raise ParseError(extra.column, f'{extra.text!r} is one word too many: put "…" round what has blanks: {verb}.')
    return user, title, content


def _name(words: Cursor, what: str, called: str) -> str:
    word = words.take(what)
    return _taken(word, lambda: label(called, word.text))


def _taken(word: Word, take: Callable[[], str]) -> str:
    """Validate one part of a write where the column of a mistake is known."""
    try:
        return take()
    except InvalidOperation as error:
        raise ParseError(word.column, str(error)) from None


def _post(words: Cursor) -> Post:
    user, title, content = _write_words(words, 'post alice Hello "first post"')
    return Post(user=user, title=title, content=content, background=words.background)


def _comment(words: Cursor) -> Comment:
    user, title, content = _write_words(words, 'comment bob Hello "well said"')
    return Comment(user=user, title=title, content=content, background=words.background)


def _again(words: Cursor) -> Again:
    number = words.number("a write's number", 1)
    answered = words.flag("--answered")
    words.done()
    return Again(number=number, answered=answered)


def _view(words: Cursor) -> View:
    background, words.background = words.background, False
    return msgspec.structs.replace(_what_to_view(words), background=background)


def _what_to_view(words: Cursor) -> View:
    linearizable = words.flag(*LINEARIZABLE)
    if not words.more():
        words.done()
        return View(linearizable=linearizable)
    first = words.take("a NAME")
    kind = first.text.lower()
    if not words.more() and (words.call or kind not in {"user", "title"}):
        words.done()
        return View(kind="any", name=first.text.strip(), linearizable=linearizable)
    if kind not in {"user", "title"}:
        if closest(first.text, ("user", "title")):
            words.refuse(first, f"{first.text!r} is not a kind of view", ("user", "title"))
        extra = words.take("a NAME")
        raise ParseError(extra.column, f'{extra.text!r} is one word too many: put "…" round a name that has blanks.')
    name = words.take("a NAME" if kind == "user" else "a TITLE").text.strip()
    words.done()
    return View(kind="user" if kind == "user" else "title", name=name, linearizable=linearizable)


def _blog(words: Cursor) -> View:
    linearizable = words.flag(*LINEARIZABLE)
    background, words.background = words.background, False
    words.done()
    return View(brief=True, linearizable=linearizable, background=background)


def _read(words: Cursor) -> View:
    linearizable = words.flag(*LINEARIZABLE)
    title = words.take("a TITLE").text.strip()
    words.done()
    return View(kind="title", name=title, linearizable=linearizable)


def _blockchain(words: Cursor) -> Inspect:
    node = words.node() if words.more() else None
    json = words.flag("--json")
    words.done()
    return Inspect(what="chain", node=node, json=json)


COMMANDS = (
    CommandSpec(
        name="post",
        group="write",
        usage="post USER TITLE CONTENT [&]",
        summary="writes a post; titles are unique",
        examples=(
            ('post alice Hello "first post"', "sent to the default node, and waited for"),
            ('@3 post bob News "from node 3" &', "sent to node 3, not waited for"),
            ('POST(alice, Greetings, "hello, all")', "the same in the call form"),
        ),
        parse=_post,
    ),
    CommandSpec(
        name="comment",
        group="write",
        usage="comment USER TITLE CONTENT [&]",
        summary="comments on a post that exists",
        examples=(('comment bob Hello "well said"', "a comment by bob on the post titled Hello"),),
        parse=_comment,
    ),
    CommandSpec(
        name="again",
        group="write",
        usage="again K [--answered]",
        summary="sends write number K once more, as a client does that got no answer (virtual world)",
        examples=(
            ("@3 again 2", "the same request as number 2, to node 3"),
            ("@3 again 2 --answered", "also when number 2 has its answer, as if that had been lost"),
        ),
        parse=_again,
        keywords=("--answered",),
    ),
    CommandSpec(
        name="view",
        group="read",
        usage="view [user NAME | title TITLE] [--linearizable] [&]",
        summary="shows the whole blog, what one user wrote, or one post with its comments",
        examples=(
            ("view", "the whole blog, as this node knows it"),
            ("view user alice", "posts and comments of alice"),
            ("view title Hello --linearizable", "the post and its comments, certainly the latest"),
            ("VIEW(alice)", "the post titled alice, or else what user alice wrote"),
        ),
        parse=_view,
        keywords=("user", "title", "--linearizable"),
    ),
    CommandSpec(
        name="blog",
        group="read",
        usage="blog [--linearizable] [&]",
        summary="shows titles and authors",
        examples=(("blog", "a line a post"),),
        parse=_blog,
        keywords=("--linearizable",),
    ),
    CommandSpec(
        name="read",
        group="read",
        usage="read TITLE",
        summary="shows a post and its comments",
        examples=(("read(Hello)", "the post titled Hello"),),
        parse=_read,
        instead_of="view title TITLE",
    ),
    CommandSpec(
        name="blockchain",
        group="inspect",
        usage="blockchain [N]",
        summary="shows the chain",
        examples=(("blockchain", "the chain of the default node"),),
        parse=_blockchain,
        instead_of="chain [N]",
    ),
)
