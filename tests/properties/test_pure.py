"""Properties of the parts that meet no world: blog, chain, the texts between them, and the rules of a link."""

from __future__ import annotations

from random import Random
from types import UnionType
from typing import Annotated, Any, get_args, get_origin

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blog.answers import whole_result
from blog.blog import Blog, Outcome
from blog.operations import Operation, Post, validated
from chain.block import GENESIS_HASH, hash_of
from chain.blockchain import Blockchain, ChainError, verify_blocks
from chain.mining import mine, passes
from paxos.ballot import Ballot
from paxos.messages import AnyMessage, Request
from paxos.records import AcceptedRecord, BallotRecord, OpenedRecord, PromiseRecord
from simulator.faults import faults as faults_module
from simulator.faults import links as links_module
from simulator.faults.faults import Fault
from simulator.faults.link_faults import change_links
from simulator.faults.links import LinkRule, Links
from simulator.node.codec import (
    block_line,
    operation_text,
    operations_text,
    parse_block,
    parse_operation,
    parse_operations,
)
from simulator.node.storage.journal import JOURNAL, Journal
from simulator.scenario.language.parser import parse_line
from simulator.tools.explore.schedule import Schedule
from simulator.worlds.processes.wire import decode_message, encode_message
from simulator.worlds.virtual.disk import SimulatedDisk
from tests.properties.effort import effort
from tests.properties.strategies import (
    TEXTS,
    faults,
    link_faults,
    links,
    meeting_operations,
    operations,
    plans,
    rules,
)

HARD = effort(5)
CLIENT_NAMES = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=8)
BALLOTS = st.builds(Ballot, st.integers(1, 2**40), st.integers(1, 9))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    """A client's numbered operation, with the text that it has everywhere."""
    client, seq = draw(CLIENT_NAMES), draw(st.integers(1, 10**9))
    return Request(client, seq, operation_text(draw(operations()), client, seq))


VALUES = st.lists(requests(), max_size=3).map(tuple)
RECORDS: st.SearchStrategy[BallotRecord] = st.one_of(
    st.builds(PromiseRecord, BALLOTS),
    st.builds(OpenedRecord, BALLOTS),
    st.builds(AcceptedRecord, BALLOTS, st.integers(1, 50), VALUES),
)

NUMBERS = st.integers(-1, 2**50)


def anything(kind: Any) -> st.SearchStrategy[Any]:
    """Values of a message's field, by its type."""
    if get_origin(kind) is tuple:
        inside = get_args(kind)
        if inside[-1] is Ellipsis:
            return st.lists(anything(inside[0]), max_size=3).map(tuple)
        return st.tuples(*map(anything, inside))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return messages(kind)
    if isinstance(kind, UnionType):
        return st.one_of(*map(anything, get_args(kind)))
    if get_origin(kind) is Annotated:
        bounds = get_args(kind)[1]
        return st.integers(bounds.ge, bounds.le)
    plain: dict[Any, st.SearchStrategy[Any]] = {int: NUMBERS, bool: st.booleans(), str: TEXTS}
    return plain[kind]


def messages(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Messages of one class, whatever they hold, and the structs within them."""
    return st.builds(kind, **{field.name: anything(field.type) for field in msgspec.structs.fields(kind)})


# The blog


@HARD
@given(history=st.lists(meeting_operations(), max_size=30))
def test_a_replay_of_a_blog_is_the_blog(history: list[Operation]) -> None:
    """Applying again what took effect, and only that, gives the same blog: a refusal leaves no trace."""
    blog, replay = Blog(), Blog()

    took_effect = [operation for operation in history if blog.apply(operation) is Outcome.OK]
    outcomes = {replay.apply(operation) for operation in took_effect}

    assert outcomes <= {Outcome.OK}
    assert whole_result(replay) == whole_result(blog)
    assert [replay.view_user(name) for name in ("ann", "ben")] == [blog.view_user(name) for name in ("ann", "ben")]
    assert len(blog) == len(took_effect) == blog.posts + blog.comments


@HARD
@given(history=st.lists(meeting_operations(), max_size=30))
def test_the_blog_is_what_a_newcomer_would_write(history: list[Operation]) -> None:
    """A model of ten lines gives the same outcomes: titles are unique, comments need their post."""
    blog = Blog()
    model: dict[str, list[list[str]]] = {}

    for operation in history:
        if isinstance(operation, Post):
            expected = Outcome.DUPLICATE_TITLE if operation.title in model else Outcome.OK
            model.setdefault(operation.title, [])
        else:
            expected = Outcome.OK if operation.title in model else Outcome.CANNOT_COMMENT
            if operation.title in model:
                model[operation.title].append([operation.username, operation.content])
        assert blog.apply(operation) is expected

    assert {row[0]: row[3] for row in whole_result(blog)} == model


@HARD
@given(operation=operations())
def test_the_gate_changes_nothing_that_passed_it(operation: Operation) -> None:
    """Trimming twice is trimming once."""
    assert validated(operation) == operation


# The chain


@HARD
@given(texts=st.lists(TEXTS, max_size=6), difficulty=st.integers(0, 2))
def test_what_is_mined_verifies(texts: list[str], difficulty: int) -> None:
    """Every chain that we build is a chain that we accept, with the same end."""
    chain = Blockchain(difficulty)
    blocks = [chain.extend(text) for text in texts]

    end = verify_blocks(blocks, difficulty)

    assert (end.height, end.tip) == (len(texts), blocks[-1].hash if blocks else GENESIS_HASH)


@HARD
@given(text=TEXTS, difficulty=st.integers(0, 2))
def test_the_nonce_is_the_smallest_that_passes(text: str, difficulty: int) -> None:
    """So every node finds the same one."""
    nonce, digest = mine(GENESIS_HASH, text, difficulty)

    assert digest == hash_of(GENESIS_HASH, text, nonce)
    assert passes(digest, difficulty)
    assert not any(passes(hash_of(GENESIS_HASH, text, smaller), difficulty) for smaller in range(nonce))


@HARD
@given(texts=st.lists(TEXTS, min_size=1, max_size=4), data=st.data())
def test_a_chain_with_one_block_changed_does_not_verify(texts: list[str], data: st.DataObject) -> None:
    """Whatever part of whichever block is changed, the block itself is named."""
    chain = Blockchain(1)
    blocks = [chain.extend(text) for text in texts]
    place = data.draw(st.integers(0, len(blocks) - 1))
    block = blocks[place]
    changed = data.draw(
        st.sampled_from(
            (
                msgspec.structs.replace(block, operations_text=block.operations_text + " "),
                msgspec.structs.replace(block, nonce=block.nonce + 1),
                msgspec.structs.replace(block, hash=block.hash[::-1] if block.hash != block.hash[::-1] else "0" * 64),
                msgspec.structs.replace(block, prev_hash="1" * 64),
                msgspec.structs.replace(block, height=block.height + 1),
            )
        )
    )
    blocks[place] = changed

    with pytest.raises(ChainError) as caught:
        verify_blocks(blocks, 1)

    assert caught.value.height == changed.height


# Texts


@HARD
@given(operation=operations(), client=CLIENT_NAMES, seq=st.integers(1, 10**18))
def test_an_operation_s_text_is_read_back(operation: Operation, client: str, seq: int) -> None:
    """Quotes, newlines, emoji: what was written is what is read, in one line."""
    text = operation_text(operation, client, seq)

    assert parse_operation(text) == (operation, client, seq)
    assert "\n" not in text


@HARD
@given(batch=VALUES)
def test_a_block_s_line_is_read_back(batch: tuple[Request, ...]) -> None:
    """Byte for byte, with T as it stands in the file."""
    block = Blockchain(1).extend(operations_text(batch))
    line = block_line(block)

    assert parse_block(line) == block
    assert parse_block(line.encode()) == block
    assert [(client, seq) for _, client, seq in parse_operations(block.operations_text)] == [r.id for r in batch]


@HARD
@given(records=st.lists(RECORDS, max_size=8))
def test_a_journal_is_read_back_as_the_fold_of_its_records(records: list[BallotRecord]) -> None:
    """The highest promise, the highest own campaign, and each slot's vote of the highest ballot."""
    disk = SimulatedDisk(Random(0), lambda: 0)
    journal = Journal(disk)
    journal.start()
    journal.append(records)
    journal.sync()

    memory = Journal(disk).load()

    ballots = [record.ballot for record in records if isinstance(record, OpenedRecord)]
    assert memory.promised == max((record.ballot for record in records), default=Ballot(0, 0))
    assert memory.opened == max(ballots, default=Ballot(0, 0))
    votes: dict[int, AcceptedRecord] = {}
    for record in records:
        if isinstance(record, AcceptedRecord):
            known = votes.get(record.slot)
            votes[record.slot] = record if known is None or record.ballot >= known.ballot else known
    assert {slot: (vote.ballot, vote.value) for slot, vote in memory.accepted.items()} == {
        slot: (vote.ballot, vote.value) for slot, vote in votes.items()
    }


@HARD
@given(records=st.lists(RECORDS, min_size=1, max_size=5), data=st.data())
def test_a_journal_torn_anywhere_keeps_what_came_before(records: list[BallotRecord], data: st.DataObject) -> None:
    """A last line that stops in the middle costs that line and nothing else, wherever it stops."""
    disk = SimulatedDisk(Random(0), lambda: 0)
    journal = Journal(disk)
    journal.start()
    journal.append(records[:-1])
    whole = journal.size
    journal.append(records[-1:])
    journal.sync()
    disk.truncate(JOURNAL, data.draw(st.integers(whole, journal.size - 1)))

    torn = Journal(disk)
    memory = torn.load()

    assert torn.size == whole
    assert memory.promised == max((record.ballot for record in records[:-1]), default=Ballot(0, 0))


@HARD
@given(message=st.one_of([messages(kind) for kind in get_args(AnyMessage)]))
def test_every_message_survives_the_wire(message: AnyMessage) -> None:
    """Of every class, whatever it holds."""
    assert decode_message(encode_message(message)) == message


# Faults as data


@HARD
@given(fault=faults(5))
def test_a_fault_prints_as_a_line_that_the_console_understands(fault: Fault) -> None:
    """And as Python: `eval` of what is printed is the fault."""
    assert parse_line(fault.line()) is not None
    assert eval(repr(fault), {**vars(links_module), **vars(faults_module)}) == fault  # noqa: S307  It is our own text.


@given(schedule=plans())
def test_a_schedule_survives_being_written_down(schedule: Schedule) -> None:
    """As JSON."""
    assert msgspec.json.decode(msgspec.json.encode(schedule), type=Schedule) == schedule


# The rules of a link


@HARD
@given(rule=rules(), link=links(5), seed=st.integers(0, 99), gaps=st.lists(st.integers(0, 50), max_size=20))
def test_a_link_keeps_its_rule(rule: LinkRule, link: tuple[int, int], seed: int, gaps: list[int]) -> None:
    """None comes earlier than the delay says, at most two, in order unless reordered; none is lost without drop."""
    whole = Links(range(1, 6))
    whole.set_rule([link], rule)
    dice, now, last = Random(seed), 0, 0.0

    for gap in gaps:
        now += gap
        arrivals = whole.arrivals(*link, now, dice)
        assert len(arrivals) <= (2 if rule.duplicate else 1)
        assert arrivals or rule.drop
        assert all(at >= now + rule.delay_ms for at in arrivals)
        if not rule.reorder:
            assert all(at >= last for at in arrivals)
            assert all(at <= max(last, now + rule.delay_ms + rule.jitter_ms) for at in arrivals)
            last = max((last, *arrivals))
        assert whole.arrivals(link[1], link[0], now, dice) == (now,)


@HARD
@given(injected=st.lists(link_faults(5), max_size=8))
def test_what_is_cut_lets_nothing_through_and_healing_forgets_everything(injected: list[Fault]) -> None:
    """For every link after any list of faults; and the fast path of both worlds is taken only when nothing is wrong."""
    now, before = Links(range(1, 6)), Links(range(1, 6))
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    for fault in injected:
        assert change_links(now, fault)

    for link in pairs:
        sides = [next((i for i, group in enumerate(now.groups) if node in group), -1) for node in link]
        apart = bool(now.groups) and sides[0] != sides[1]
        assert now.is_cut(link) == (link in now.cut or apart)
        if now.is_cut(link):
            assert now.arrivals(*link, 0, Random(0)) == ()
    assert now.untouched == (not now.rules and not any(map(now.is_cut, pairs)))
    now.heal()
    assert now.untouched
    assert (now.rules, now.cut, now.groups) == (before.rules, before.cut, before.groups)
