"""The text of operations and blocks: each has one form, which any program that writes compact JSON produces."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.operations import Comment, Operation, Post
from chain.block import GENESIS_HASH
from chain.blockchain import Blockchain
from paxos.messages import Request
from simulator.node.codec import (
    MalformedText,
    block_line,
    blog_line,
    operation_text,
    operations_text,
    parse_all,
    parse_block,
    parse_operation,
    parse_operations,
    split_id,
)

texts = st.text(st.characters(codec="utf-8"))
operations: st.SearchStrategy[Operation] = st.builds(Post, texts, texts, texts) | st.builds(
    Comment, texts, texts, texts
)
clients = st.text(st.characters(codec="utf-8", exclude_characters=":"), min_size=1)


@given(operations, clients, st.integers(0, 2**63))
def test_an_operation_is_what_any_compact_json_writer_writes(operation: Operation, client: str, seq: int) -> None:
    """No spaces, unescaped non-ASCII, keys in the documented order: another program can recompute T."""
    kind = "POST" if isinstance(operation, Post) else "COMMENT"
    parts = {"username": operation.username, "title": operation.title, "content": operation.content}
    document = {"op": kind, **parts, "id": f"{client}:{seq}"}

    text = operation_text(operation, client, seq)

    assert text == json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    assert parse_operation(text) == (operation, client, seq)
    assert "\n" not in text


@given(st.lists(operations, max_size=4))
def test_a_batch_is_a_list_of_the_texts_that_came(batch: list[Operation]) -> None:
    """The texts of requests are joined and not encoded again."""
    requests = [Request("c", seq, operation_text(operation, "c", seq)) for seq, operation in enumerate(batch)]

    text = operations_text(requests)

    assert parse_operations(text) == [(operation, "c", seq) for seq, operation in enumerate(batch)]
    assert parse_operations(text.encode()) == parse_operations(text)
    assert operations_text([]) == "[]"


@given(operations)
def test_a_blog_line_is_the_operation_at_its_height(operation: Operation) -> None:
    """The documented keys in their order, one line per operation."""
    line = blog_line(7, operation)

    assert list(json.loads(line)) == ["height", "op", "username", "title", "content"]
    assert json.loads(line)["content"] == operation.content
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1


@given(st.lists(operations, max_size=3))
def test_a_block_line_reads_back(batch: list[Operation]) -> None:
    """A content that looks like the end of a line does no harm."""
    text = operations_text([Request("c", n, operation_text(op, "c", n)) for n, op in enumerate(batch)])
    block = Blockchain(0).extend(text)

    assert parse_block(block_line(block)) == block
    assert parse_block(block_line(block).encode()) == block


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{}",
        '{"op":"DANCE","username":"a","title":"t","content":"","id":"c:1"}',
        '{"op":"POST","username":"a","title":"t","id":"c:1"}',
        '{"op":"POST","username":"a","title":"t","content":"","id":"c:1","more":1}',
        '{"op":"POST","username":1,"title":"t","content":"","id":"c:1"}',
        '{"op":"POST","username":"\\ud800","title":"t","content":"","id":"c:1"}',
        '{"op":"POST","username":"a","title":"t","content":"","id":"c"}',
        "[" * 100_000,
    ],
)
def test_malformed_operations_are_refused(text: str) -> None:
    """Any text raises `MalformedText` with a sentence."""
    with pytest.raises(MalformedText, match=r"^no operation"):
        parse_operation(text)
    with pytest.raises(MalformedText, match=r"^its T is no list of operations"):
        parse_operations(f"[{text},1]")


def test_parsing_many_ts_equals_parsing_each() -> None:
    """A T that does not parse alone does not parse between others."""
    one, two = (operation_text(Post("ann", "Hello", "x"), "c", seq) for seq in (1, 2))
    good = [f"[{one}]".encode(), b"[]", f"[{two},{one}]".encode()]

    assert parse_all(good) == [parse_operations(text) for text in good]
    assert parse_all([]) == []
    for wrong in ([b"0"], [b"[]", b"0"], [f"[{one}],[{two}".encode(), f"{one}]".encode()], [b"[],0,[]"], [b"", b""]):
        with pytest.raises(MalformedText, match=r"^its T is no list of operations") as refusal:
            parse_all([*good, *wrong, *good])
        assert refusal.value.index == 3 + (wrong[0] == b"[]")


@pytest.mark.parametrize("identifier", ["", ":", "c:", ":1", "c1", "c:x", "c:-1", "c:01", "c: 1", "c:\uff11", "c:1\n"])
def test_an_id_is_a_client_and_a_plain_number(identifier: str) -> None:
    """Otherwise two texts could name one request."""
    with pytest.raises(MalformedText, match="is not <client>:<seq>"):
        split_id(identifier)


def test_an_id_is_split_at_its_last_colon() -> None:
    """A client's name may contain a colon."""
    assert split_id("a:b:12") == ("a:b", 12)
    assert split_id("c:0") == ("c", 0)


@pytest.mark.parametrize(
    "change",
    [
        ('"height":1', '"height": 1'),
        ('"height":1', '"height":01'),
        ('"height":1', '"height":0'),
        ('"height":1', '"height":1.0'),
        (GENESIS_HASH, GENESIS_HASH[:-1]),
        (GENESIS_HASH, GENESIS_HASH.replace("0", "A")),
        ('"T":[]', '"T":[ ],"x":1'),
        ('"N":0', '"N":-1'),
        ('"N":0', '"N":00'),
        ("}", "} "),
        ("}", ""),
        ('{"height":1,', '{"height":1,"height":1,'),
    ],
)
def test_a_block_line_has_one_form(change: tuple[str, str]) -> None:
    """Files are compared byte for byte, so an equivalent line in another form is refused."""
    line = block_line(Blockchain(0).extend("[]"))

    with pytest.raises(MalformedText, match="block"):
        parse_block(line.replace(*change, 1))
