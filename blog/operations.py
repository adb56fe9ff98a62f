"""The operations of the blog, POST and COMMENT, and the limits on their text.

The classes accept any text, because a blog is replayed from blocks that were decided long ago. New text is checked
twice: where it is parsed, to name the column of a mistake (`label` and `body`), and where it enters the protocol
(`validated`). The classes are `msgspec.Struct`s, which cost a fifth of frozen dataclasses: a start replays a million.
Encoded, each begins with its "op", POST or COMMENT.
"""

from __future__ import annotations

import msgspec

NAME_LIMIT = 200
"""The maximum length of a name or title after trimming, in characters (code points)."""

CONTENT_LIMIT = 64 * 1024
"""The maximum size of a content in UTF-8, in bytes."""


class InvalidOperation(ValueError):
    """A name, title or content that the blog refuses. The text is one sentence for the person who wrote it."""


class Post(msgspec.Struct, frozen=True, gc=False, tag_field="op", tag="POST"):
    """Publish `content` under a title that no other post has."""

    username: str
    title: str
    content: str


class Comment(msgspec.Struct, frozen=True, gc=False, tag_field="op", tag="COMMENT"):
    """Add `content` to the existing post titled `title`."""

    username: str
    title: str
    content: str


Operation = Post | Comment


def validated(operation: Operation) -> Operation:
    """The same operation with its name and title trimmed.

    Raises:
        InvalidOperation: a part is empty, too long, or cannot be encoded in UTF-8.
    """
    username, title = label("username", operation.username), label("title", operation.title)
    content = body(operation.content)
    if username is operation.username and title is operation.title:
        return operation
    return Post(username, title, content) if isinstance(operation, Post) else Comment(username, title, content)


def label(what: str, text: str) -> str:
    """A name or title, trimmed. `what` is its name in the error.

    Raises:
        InvalidOperation: it is empty, has more than 200 characters, or cannot be encoded in UTF-8.
    """
    trimmed = text.strip()
    if 0 < len(trimmed) <= NAME_LIMIT and trimmed.isascii():
        return trimmed
    if not trimmed:
        raise InvalidOperation(f"The {what} is empty: give it 1 to {NAME_LIMIT} characters.")
    if len(trimmed) > NAME_LIMIT:
        raise InvalidOperation(f"The {what} has {len(trimmed)} characters: {NAME_LIMIT} are the most.")
    _utf8_size(what, trimmed)
    return trimmed


def body(text: str) -> str:
    """A content, unchanged: it may be empty, and its white space counts.

    Raises:
        InvalidOperation: it has more than 64 KiB in UTF-8, or cannot be encoded in UTF-8.
    """
    if len(text) <= CONTENT_LIMIT and text.isascii():
        return text
    size = _utf8_size("content", text)
    if size > CONTENT_LIMIT:
        raise InvalidOperation(f"The content has {size} bytes in UTF-8: {CONTENT_LIMIT} (64 KiB) are the most.")
    return text


def _utf8_size(what: str, text: str) -> int:
    # A lone surrogate is not a character: UTF-8 cannot encode it, so no file could hold it.
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise InvalidOperation(
            f"The {what} holds U+{code:04X} at character {error.start + 1}, which is half of a character: leave it out."
        ) from None
