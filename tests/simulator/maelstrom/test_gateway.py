"""Our node under the Maelstrom protocol: the workload lin-kv on the replicated log, and each error code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import Block
from simulator.errors import InputError
from simulator.maelstrom.messages import Lines, canonical, decode_line
from simulator.maelstrom.store import Store, StoreOperation, StoreOutcome, Swap, Write
from simulator.maelstrom.store_codec import parse_store_operations, store_text, store_value
from simulator.maelstrom.store_node import store_node_type
from simulator.node.codec import MalformedText, block_line, parse_block
from simulator.node.node import NodeStopped
from tests.simulator.maelstrom.harness import Harness

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)


def test_what_one_node_writes_every_node_reads(tmp_path: Path) -> None:
    """A write through n1 is read through n2 and n3; a cas compares with it."""
    harness = Harness(tmp_path)

    written = harness.answer("n1", {"type": "write", "key": "a", "value": {"deep": [1, None]}})
    read = [harness.answer(name, {"type": "read", "key": "a"}) for name in harness.names]
    swapped = harness.answer("n3", {"type": "cas", "key": "a", "from": {"deep": [1, None]}, "to": 2})

    assert written["type"] == "write_ok"
    assert [one["value"] for one in read] == [{"deep": [1, None]}] * 3
    assert swapped["type"] == "cas_ok"
    assert harness.answer("n2", {"type": "read", "key": "a"})["value"] == 2


def test_what_is_not_there_and_what_does_not_fit_have_codes_of_their_own(tmp_path: Path) -> None:
    """20: the key does not exist. 22: it holds another value. Both leave the store as it was."""
    harness = Harness(tmp_path)

    absent = harness.answer("n1", {"type": "read", "key": 1})
    swap_absent = harness.answer("n1", {"type": "cas", "key": 1, "from": 0, "to": 5})
    harness.answer("n1", {"type": "write", "key": 1, "value": 7})
    unequal = harness.answer("n2", {"type": "cas", "key": 1, "from": 0, "to": 5})

    assert [absent["code"], swap_absent["code"], unequal["code"]] == [20, 20, 22]
    assert harness.answer("n3", {"type": "read", "key": 1})["value"] == 7


def test_without_a_majority_a_write_is_unknown_and_a_read_did_not_happen(tmp_path: Path) -> None:
    """A write that was sent may still be decided: code 0 leaves it open. A read may say that it is unavailable: 11."""
    harness = Harness(tmp_path)
    harness.answer("n1", {"type": "write", "key": 1, "value": 1})
    harness.lost = lambda _envelope: True

    written = harness.answer("n1", {"type": "write", "key": 1, "value": 2})
    read = harness.answer("n1", {"type": "read", "key": 1})

    assert written["code"] == 0
    assert read["code"] in {0, 11}


def test_before_init_a_node_is_unavailable_and_an_echo_needs_none(tmp_path: Path) -> None:
    """11 for what needs the cluster; 10 for what is not served; 12 for what lacks a part."""
    harness = Harness(tmp_path)
    harness.gateways["n1"].node = None

    assert harness.answer("n1", {"type": "read", "key": 1})["code"] == 11
    assert harness.answer("n2", {"type": "txn", "txn": []})["code"] == 10
    assert harness.answer("n2", {"type": "cas", "key": 1, "from": 2})["code"] == 12
    assert harness.answer("n2", {"type": "echo", "echo": "hello"})["echo"] == "hello"


def test_a_node_that_stops_tells_all_who_wait(tmp_path: Path) -> None:
    """13: whether their operations happen is unknown."""
    harness = Harness(tmp_path)
    harness.answer("n1", {"type": "write", "key": 1, "value": 0})
    harness.lost = lambda _envelope: True
    number = harness.ask("n1", {"type": "write", "key": 1, "value": 1})
    (tmp_path / "n1" / "paxos.txt").unlink()

    with pytest.raises(NodeStopped, match=r"paxos\.txt"):
        harness.steps(1_000)
    harness.gateways.pop("n1")
    harness.step()

    assert harness.answers[number]["code"] == 13


def test_a_node_that_was_killed_comes_back_with_its_files(tmp_path: Path) -> None:
    """All three nodes start again from their journals and chains, and the value is still there."""
    harness = Harness(tmp_path)
    for value in range(12):
        harness.answer("n1", {"type": "write", "key": "k", "value": value})

    for name in harness.names:
        harness.start(name)

    assert harness.answer("n2", {"type": "read", "key": "k"})["value"] == 11


@given(key=JSON_VALUES, value=JSON_VALUES, seq=st.integers(1, 1 << 40))
def test_an_operation_has_one_text(key: object, value: object, seq: int) -> None:
    """What is written is read back, from a T and from the journal, and the text is the same again."""
    texts = [canonical(one).decode() for one in (key, value)]
    operations: list[StoreOperation] = [Write(*texts), Swap(texts[0], texts[1], texts[0])]

    for operation in operations:
        text = store_text(operation, "client", seq)
        block = Block(1, "0" * 64, f"[{text}]", 0, "0" * 64)
        assert parse_store_operations(f"[{text}]") == [(operation, "client", seq)]
        assert [request.operation for request in store_value(msgspec.Raw(f"[{text}]".encode()))] == [text]
        assert parse_block(block_line(block)) == block


@pytest.mark.parametrize("text", ["[{}]", "{", '[{"op":"POST"}]', '[{"op":"WRITE", "key":1,"value":2,"id":"c:1"}]'])
def test_other_text_is_refused(text: str) -> None:
    """The journal of a blog, or a T with a space, is no T of a store."""
    with pytest.raises(MalformedText):
        parse_store_operations(text)


def test_a_swap_that_is_refused_changes_nothing() -> None:
    """The store compares texts."""
    store = Store()

    assert store.apply(Swap("1", "1", "2")) is StoreOutcome.NO_KEY
    assert store.apply(Write("1", "1")) is StoreOutcome.OK
    assert store.apply(Swap("1", "1.0", "2")) is StoreOutcome.MISMATCH
    assert store.read("1") == "1"


def test_lines_are_put_together() -> None:
    """A pipe may cut a line anywhere."""
    lines = Lines()

    assert lines.feed(b'{"a"') == []
    assert lines.feed(b":1}\n\n{") == [b'{"a":1}']
    assert lines.end() == [b"{"]


def test_a_line_that_is_no_message_is_named() -> None:
    """The sentence shows the line."""
    with pytest.raises(InputError, match="hello"):
        decode_line(b"hello")


def test_a_rule_of_the_blog_cannot_be_broken_here() -> None:
    """The store has no blog: such a mutant would do nothing, or crash."""
    with pytest.raises(InputError, match="state machine"):
        store_node_type("no-dedupe")


def run_node(text: str) -> subprocess.CompletedProcess[str]:
    """`paxsim maelstrom` with this input."""
    return subprocess.run(
        [sys.executable, "-m", "simulator", "maelstrom"], input=text, capture_output=True, text=True, check=False
    )


def test_one_node_on_a_pipe_answers_all_before_it_ends() -> None:
    """The input ends at once, and the node still answers what was asked."""
    bodies: list[dict[str, object]] = [
        {"type": "init", "node_id": "n1", "node_ids": ["n1"]},
        {"type": "write", "key": 1, "value": 2},
        {"type": "cas", "key": 1, "from": 2, "to": 3},
    ]
    lines = [
        json.dumps({"src": "c1", "dest": "n1", "body": body | {"msg_id": number}})
        for number, body in enumerate(bodies, 1)
    ]

    ended = run_node("\n".join(lines))

    answers = [json.loads(line)["body"]["type"] for line in ended.stdout.splitlines()]
    assert ended.returncode == 0
    assert answers == ["init_ok", "write_ok", "cas_ok"]


def test_a_pipe_with_something_else_ends_with_status_2() -> None:
    """One sentence says what the line was."""
    ended = run_node("hello\n")

    assert ended.returncode == 2
    assert "'hello' is no message of the Maelstrom protocol" in ended.stderr
