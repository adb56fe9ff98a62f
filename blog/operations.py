"""What a client can ask of the blog, and what is refused before it enters the protocol.

The classes hold any text, because a blog is replayed from blocks that were decided long ago; the functions `post` and
`comment` are the one gate for new text. The classes are `msgspec.Struct`s: frozen, slotted, and five times cheaper to
make than frozen dataclasses, which a start-up that replays a million of them notices. Encoded, each begins with its
"op", POST or COMMENT.
"""

from __future__ import annotations

import msgspec

NAME_LIMIT = 200
"""The most characters (code points) that a name or a title has after trimming."""

CONTENT_LIMIT = 64 * 1024
"""The most bytes that a content has in UTF-8."""


class InvalidOperation(ValueError):
    """A name, title or content that the blog does not take. The text is one sentence for the person who wrote it."""


class Post(msgspec.Struct, frozen=True, gc=False, tag_field="op", tag="POST"):
    """Publish `content` under a title that nobody has used yet."""

    username: str
    title: str
    content: str


class Comment(msgspec.Struct, frozen=True, gc=False, tag_field="op", tag="COMMENT"):
    """Add `content` to the existing post titled `title`."""

    username: str
    title: str
    content: str


Operation = Post | Comment


def post(username: str, title: str, content: str) -> Post:
    """A post with its name and title trimmed.

    Raises:
        InvalidOperation: a part is empty, too long, or no text that UTF-8 can hold.
    """
    return Post(label("username", username), label("title", title), body(content))


def comment(username: str, title: str, content: str) -> Comment:
    """A comment with its name and title trimmed.

    Raises:
        InvalidOperation: a part is empty, too long, or no text that UTF-8 can hold.
    """
    return Comment(label("username", username), label("title", title), body(content))


def validated(operation: Operation) -> Operation:
    """The same operation with its name and title trimmed.

    Raises:
        InvalidOperation: a part is empty, too long, or no text that UTF-8 can hold.
    """
    username, title = label("username", operation.username), label("title", operation.title)
    content = body(operation.content)
    if username is operation.username and title is operation.title:
        return operation
    return Post(username, title, content) if isinstance(operation, Post) else Comment(username, title, content)


def label(what: str, text: str) -> str:
    """A name or title, trimmed; `what` calls it by its name in the refusal.

    Raises:
        InvalidOperation: it is empty, has more than 200 characters, or UTF-8 cannot hold it.
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
    """A content as it is: it may be empty, and white space in it counts.

    Raises:
        InvalidOperation: it has more than 64 KiB in UTF-8, or UTF-8 cannot hold it.
    """
    if len(text) <= CONTENT_LIMIT and text.isascii():
        return text
    size = _utf8_size("content", text)
    if size > CONTENT_LIMIT:
        raise InvalidOperation(f"The content has {size} bytes in UTF-8: {CONTENT_LIMIT} (64 KiB) are the most.")
    return text


def _utf8_size(what: str, text: str) -> int:
    # A lone half of a surrogate pair stands for no character; a file that held it could not be read back.
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        code = ord(text[error.start])
        raise InvalidOperation(
            f"The {what} holds U+{code:04X} at character {error.start + 1}, which is half of a character: leave it out."
        ) from None
