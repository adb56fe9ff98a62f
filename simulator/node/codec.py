"""Operations and blocks as text: what stands in T, in the lines of blockchain.txt and blog.txt, and in requests.

One operation is compact JSON, `{"op":"POST","username":…,"title":…,"content":…,"id":"<client>:<seq>"}`: no spaces,
non-ASCII as is, the keys in this order. An operation has one such text, and it is never encoded again on its way from
the client into the block, so T is the same byte for byte on every node.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Annotated

import msgspec

from blog.operations import Comment, Operation, Post
from chain.block import Block
from paxos.messages import Request


class MalformedText(ValueError):
    """Text that is no operation, no T or no block, with what is wrong; the caller knows file and line.

    `index` is which of several texts it is, counted from 0.
    """

    index = 0


class _FiledPost(Post, frozen=True, gc=False, tag="POST", forbid_unknown_fields=True):
    id: str


class _FiledComment(Comment, frozen=True, gc=False, tag="COMMENT", forbid_unknown_fields=True):
    id: str


class BlogEntry(msgspec.Struct, frozen=True, gc=False):
    """A line of blog.txt: a write that took effect in block `height`."""

    height: int
    op: str
    username: str
    title: str
    content: str


class _BlockHead(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    height: Annotated[int, msgspec.Meta(ge=1)]
    H: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    T: msgspec.Raw
    N: Annotated[int, msgspec.Meta(ge=0)]
    hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


SHORT = 2_048
"""Nodes read the same text again and again, in a journal, a chain and a peer's reply; all nodes of a virtual world do.
Of texts up to this length the newest are remembered with what they mean."""
REMEMBERED = 256
_FEW = 64
"""Up to so many Ts in a row are looked up one by one."""

Operations = Sequence[tuple[Operation, str, int]]
"""The operations of a T, each with its client and seq. They may be remembered, so nobody changes the sequence."""

_LONG = 20
"""A number of so many digits may not fit into 64 bits, and is no request's."""

_encode = msgspec.json.Encoder().encode
_encode_lines = msgspec.json.Encoder().encode_lines
_decode_operation = msgspec.json.Decoder(_FiledPost | _FiledComment).decode
_decode_operations = msgspec.json.Decoder(list[_FiledPost | _FiledComment]).decode
_decode_raws = msgspec.json.Decoder(list[msgspec.Raw]).decode
_decode_many = msgspec.json.Decoder(list[list[_FiledPost | _FiledComment] | int]).decode
_decode_named = msgspec.json.Decoder(list[Post | Comment]).decode
_short_named = lru_cache(REMEMBERED)(_decode_named)
_decode_block = msgspec.json.Decoder(_BlockHead).decode


def operation_text(operation: Operation, client: str, seq: int) -> str:
    """The text of one operation, as T holds it. `client` has no colon; `seq` counts the client's writes from 1."""
    filed = _FiledPost if isinstance(operation, Post) else _FiledComment
    return _encode(filed(operation.username, operation.title, operation.content, f"{client}:{seq}")).decode()


def parse_operation(text: str | bytes) -> tuple[Operation, str, int]:
    """The operation, client and seq of one operation's text.

    Raises:
        MalformedText: it is no operation.
    """
    try:
        return _all_unfiled([_decode_operation(text)])[0]
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"no operation ({error})") from None


def operations_text(requests: Iterable[Request]) -> str:
    """T: the block text of a batch of requests. The empty batch, the no-op, is `[]`."""
    return f"[{','.join([request.operation for request in requests])}]"


def compact_requests(text: bytes) -> tuple[Request, ...] | None:
    """The requests whose block text is `text`; None when it is no such text, written as this program writes it."""
    return _short_requests(text) if len(text) <= SHORT else _requests_of(text)


def _requests_of(text: bytes) -> tuple[Request, ...] | None:
    try:
        filed = _decode_operations(text)
        if _encode(filed) != text:
            return None
        operations = _decode_raws(text)
        return tuple(
            [Request(*split_id(one.id), bytes(raw).decode()) for one, raw in zip(filed, operations, strict=True)]
        )
    except (ValueError, RecursionError):
        return None


_short_requests = lru_cache(REMEMBERED)(_requests_of)


def parse_operations(text: str | bytes) -> Operations:
    """The (operation, client, seq) of each operation of a T, in order.

    Raises:
        MalformedText: it is no list of operations.
    """
    return _short_operations(text) if len(text) <= SHORT else _operations_of(text)


def _operations_of(text: str | bytes) -> Operations:
    try:
        return _all_unfiled(_decode_operations(text))
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"its T is no list of operations ({error})") from None


_short_operations = lru_cache(REMEMBERED)(_operations_of)


def parse_all(texts: Sequence[bytes]) -> list[Operations]:
    """`parse_operations` of several Ts. Many are decoded at once, which costs less than one by one.

    Raises:
        MalformedText: one of them, the first, is no list of operations.
    """
    if len(texts) <= _FEW:
        return [_parsed_alone(index, text) for index, text in enumerate(texts)]
    try:
        # No T contains the zeros, so each T is at least one element, and by their number exactly one.
        found = _decode_many(b"[%b]" % b",0,".join(texts))
        lists = [filed for filed in found[::2] if not isinstance(filed, int)]
        if len(found) == 2 * len(texts) - 1 and len(lists) == len(texts):
            return [_all_unfiled(filed) for filed in lists]
    except (ValueError, RecursionError):
        pass
    return [_parsed_alone(index, text) for index, text in enumerate(texts)]


def _parsed_alone(index: int, text: bytes) -> Operations:
    try:
        return parse_operations(text)
    except MalformedText as error:
        error.index = index
        raise


def _all_unfiled(found: Iterable[_FiledPost | _FiledComment]) -> Operations:
    operations: list[tuple[Operation, str, int]] = []
    for filed in found:
        kind = Post if type(filed) is _FiledPost else Comment
        client, colon, digits = filed.id.rpartition(":")
        # A start-up splits a million ids: plain ones here, all others with full checks.
        if client and colon and digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) < _LONG:
            seq = int(digits)
        else:
            client, seq = split_id(filed.id)
        operations.append((kind(filed.username, filed.title, filed.content), client, seq))
    return operations


def operations_in(texts: Sequence[str]) -> list[list[Operation]]:
    """The operations of several Ts without their ids.

    Raises:
        MalformedText: one of them is no list of operations.
    """
    try:
        return [_short_named(text) if len(text) <= SHORT else _decode_named(text) for text in texts]
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"a T is no list of operations ({error})") from None


def split_id(identifier: str) -> tuple[str, int]:
    """The client and the seq of an `id` such as `c1:7`, split at its last colon.

    Raises:
        MalformedText: there is no colon, no client, or no plain number behind it.
    """
    client, colon, digits = identifier.rpartition(":")
    plain = digits.isascii() and digits.isdigit() and (digits[0] != "0" or digits == "0") and len(digits) < _LONG
    if not (colon and client and plain):
        raise MalformedText(f"the id {identifier[:80]!r} is not <client>:<seq>")
    return client, int(digits)


def blog_entry(height: int, operation: Operation) -> BlogEntry:
    """The line of blog.txt for a write that took effect in block `height`, to be encoded with others."""
    op = "POST" if type(operation) is Post else "COMMENT"
    return BlogEntry(height, op, operation.username, operation.title, operation.content)


def blog_lines(entries: Sequence[BlogEntry]) -> bytes:
    """Lines of blog.txt, each with its newline."""
    return _encode_lines(entries)


def blog_line(height: int, operation: Operation) -> bytes:
    """The line of blog.txt, newline included, for a write that took effect in block `height`."""
    return blog_lines([blog_entry(height, operation)])


def block_line(block: Block) -> str:
    """The line of blockchain.txt for a block, without its newline."""
    return (
        f'{{"height":{block.height},"H":"{block.prev_hash}","T":{block.operations_text},'
        f'"N":{block.nonce},"hash":"{block.hash}"}}'
    )


def parse_block(line: str | bytes) -> Block:
    """The block of a line of blockchain.txt. Links, hash and nonce are not judged here: see `chain.blockchain`.

    Raises:
        MalformedText: the line is not exactly what `block_line` writes for some block.
    """
    return _short_block(line) if len(line) <= SHORT else _block_of(line)


def _block_of(line: str | bytes) -> Block:
    try:
        head = _decode_block(line)
        block = Block(head.height, head.H, bytes(head.T).decode(), head.N, head.hash)
        text = line if isinstance(line, str) else line.decode()
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"no block ({error})") from None
    if block_line(block) != text:
        raise MalformedText("a block, but not written as this program writes it: compact, with its keys in order")
    return block


_short_block = lru_cache(REMEMBERED)(_block_of)
