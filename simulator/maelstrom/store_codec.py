"""Operations of the store as text: in requests, in the T of a block, in the journal.

`{"op":"WRITE","key":…,"value":…,"id":"<client>:<seq>"}` and `{"op":"CAS","key":…,"from":…,"to":…,"id":…}`, compact,
with canonical keys and values. The log carries them as it carries operations of the blog: it reads neither.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from paxos.messages import Request, Value
from simulator.maelstrom.messages import canonical
from simulator.maelstrom.store import StoreOperation, Swap, Write
from simulator.node.codec import MalformedText, split_id

NamedOperation = tuple[StoreOperation, str, int]
"""An operation, its client and its seq."""


class _FiledWrite(msgspec.Struct, frozen=True, tag_field="op", tag="WRITE", forbid_unknown_fields=True):
    key: msgspec.Raw
    value: msgspec.Raw
    id: str


class _FiledSwap(
    msgspec.Struct,
    frozen=True,
    tag_field="op",
    tag="CAS",
    forbid_unknown_fields=True,
    rename={"old": "from", "new": "to"},
):
    key: msgspec.Raw
    old: msgspec.Raw
    new: msgspec.Raw
    id: str


_Filed = _FiledWrite | _FiledSwap
_decode = msgspec.json.Decoder(list[_Filed]).decode
_encode = msgspec.json.Encoder().encode


def store_text(operation: StoreOperation, client: str, seq: int) -> str:
    """The text of one operation."""
    return _encode(_filed(operation, f"{client}:{seq}")).decode()


def parse_store_operations(text: str | bytes) -> list[NamedOperation]:
    """The operations of a T, in order.

    Raises:
        MalformedText: it is no list of operations of the store, or not written as `store_text` writes them.
    """
    try:
        filed = _decode(text)
        named = [(_operation(one), *split_id(one.id)) for one in filed]
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"its T is no list of operations of a store ({error})") from None
    if _encode(filed) != (text.encode() if isinstance(text, str) else bytes(text)):
        raise MalformedText("its T is not written compactly")
    return named


def store_value(raw: msgspec.Raw) -> Value:
    """The value of a vote in the journal. See `journal.ValueReader`."""
    try:
        named = parse_store_operations(bytes(raw))
    except MalformedText as error:
        raise MalformedText(f"cannot be read: {error}") from None
    return tuple([Request(client, seq, store_text(operation, client, seq)) for operation, client, seq in named])


def store_line(height: int, operation: StoreOperation) -> bytes:
    """The line of the file of applied writes, newline included, for a write that took effect in block `height`."""
    if isinstance(operation, Write):
        return b'{"height":%d,"key":%b,"value":%b}\n' % (height, operation.key.encode(), operation.value.encode())
    return b'{"height":%d,"key":%b,"from":%b,"value":%b}\n' % (
        height,
        operation.key.encode(),
        operation.old.encode(),
        operation.new.encode(),
    )


def parse_many(texts: Sequence[bytes]) -> list[list[NamedOperation]]:
    """`parse_store_operations` of several Ts.

    Raises:
        MalformedText: one of them is none; its `index` says which.
    """
    found = []
    for index, text in enumerate(texts):
        try:
            found.append(parse_store_operations(text))
        except MalformedText as error:
            error.index = index
            raise
    return found


def _filed(operation: StoreOperation, identifier: str) -> _Filed:
    key = msgspec.Raw(operation.key.encode())
    if isinstance(operation, Write):
        return _FiledWrite(key, msgspec.Raw(operation.value.encode()), identifier)
    return _FiledSwap(key, msgspec.Raw(operation.old.encode()), msgspec.Raw(operation.new.encode()), identifier)


def _operation(filed: _Filed) -> StoreOperation:
    if isinstance(filed, _FiledWrite):
        return Write(_text(filed.key), _text(filed.value))
    return Swap(_text(filed.key), _text(filed.old), _text(filed.new))


def _text(raw: msgspec.Raw) -> str:
    text = bytes(raw)
    if canonical(msgspec.json.decode(text)) != text:
        raise MalformedText("a key or a value is not written in its canonical form")
    return text.decode()
