"""Some three hundred ways to damage one file of a stopped node, each with a name, as functions from bytes to bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from random import Random
from zlib import crc32

CHAIN, BLOG, JOURNAL = "blockchain.txt", "blog.txt", "paxos.txt"
Files = dict[str, bytes]
Damage = Callable[[Files], Files | None]
"""Returns the files with the damage, or None when it does not fit these files."""


def all_damages() -> Iterator[tuple[str, Damage]]:
    """Every kind, in a fixed order."""
    for file in (JOURNAL, CHAIN, BLOG):
        for share in (0, 3, 10, 25, 40, 50, 60, 75, 90, 97):
            yield f"{file} bit flipped at {share}%", _one(file, _flip(share))
            yield f"{file} cut at {share}%", _one(file, _cut(share))
            yield f"{file} zeros from {share}% on", _one(file, _zero(share, 100))
            yield f"{file} a hole of zeros at {share}%", _one(file, _zero(share, share + 5))
            yield (
                f"{file} line at {share}% missing",
                _one(file, _lines(share, lambda lines, i: [*lines[:i], *lines[i + 1 :]])),
            )
            yield (
                f"{file} line at {share}% doubled",
                _one(file, _lines(share, lambda lines, i: [*lines[: i + 1], *lines[i:]])),
            )
            yield f"{file} lines at {share}% swapped", _one(file, _lines(share, _swap))
            yield (
                f"{file} junk line at {share}%",
                _one(file, _lines(share, lambda lines, i: [*lines[:i], b"junk\n", *lines[i:]])),
            )
        for count in (1, 2, 5):
            yield f"{file} shorter by {count} lines", _one(file, _shorter(count))
        yield f"{file} empty", _one(file, lambda _: b"")
        yield f"{file} missing", _without(file)
        yield f"{file} all zeros", _one(file, lambda data: bytes(len(data)))
        yield f"{file} zeros behind it", _one(file, lambda data: data + bytes(300))
        yield f"{file} junk behind it", _one(file, lambda data: data + b"\xff\x00junk")
        yield f"{file} its last newline changed", _one(file, lambda data: data[:-1] + b"\x0b")
        yield f"{file} random bytes", _one(file, lambda data: Random(1).randbytes(len(data)))
        yield f"{file} carriage returns", _one(file, lambda data: data.replace(b"\n", b"\r\n"))
        yield f"{file} a torn line", _one(file, lambda data: data + data.splitlines(keepends=True)[-1][:7])
        yield f"{file} a blank in a line", _one(file, lambda data: data.replace(b",", b", ", 1))
    for back in (1, 2, 4, 9):
        yield f"a chain forged from {back} blocks before its end", _forged(back, whole=True)
        yield f"one block forged {back} before the end", _forged(back, whole=False)
    for back in (1, 2):
        yield f"another nonce {back} blocks before the end", _other_nonce(back)
    for number in (1, 2):
        yield f"{number} forged blocks behind the end", _added(number)
    for record in (
        '{"accepted":{"slot":1000000000,"ballot":[1,1],"value":[]}}',
        '{"promise":[18446744073709551614,1]}',
        '{"promise":[9007199254740993,1]}',
        '{"promise":[0,1]}',
        '{"promise":[-1,1]}',
        '{"promise":[1,100]}',
        '{"promise":[1e3,1]}',
        '{"opened":[1,0]}',
        '{"accepted":{"slot":0,"ballot":[1,1],"value":[]}}',
        '{"accepted":{"slot":9,"ballot":[1,1],"value":[{"op":"DANCE"}]}}',
        '{"accepted":{"slot":9,"ballot":[1,1],"value":[ ]}}',
        '{"accepted":{"slot":9,"ballot":[1,1],"value":[{"op":"POST","username":"a","title":"t","content":"","id":"c:'
        + "9" * 40
        + '"}]}}',
        '{"accepted":{"slot":9,"ballot":[1,1],"value":[{"op":"COMMENT", "title":"t","content":"","id":"c:1"}]}}',
        '{"chain":[100000001,"' + "0" * 64 + '"]}',
        '{"chain":[3,"' + "a" * 64 + '"]}',
        '{"lost":""}',
        "{}",
        "[]",
        '{"promise":[1,1],"opened":[1,1]}',
        '{"journal":2,"chain":[0,"' + "0" * 64 + '"]}',
    ):
        yield f"paxos.txt with {record[:60]}", _one(JOURNAL, _with_record(record))


def _without(file: str) -> Damage:
    return lambda files: {name: data for name, data in files.items() if name != file}


def _one(file: str, edit: Callable[[bytes], bytes]) -> Damage:
    def damage(files: Files) -> Files | None:
        data = edit(files[file])
        return None if data == files[file] else files | {file: data}

    return damage


def _flip(share: int) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        place = len(data) * share // 100
        return data[:place] + bytes([data[place] ^ 4]) + data[place + 1 :]

    return edit


def _cut(share: int) -> Callable[[bytes], bytes]:
    return lambda data: data[: len(data) * share // 100]


def _zero(begin: int, end: int) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        first, last = len(data) * begin // 100, min(len(data) * end // 100, len(data))
        return data[:first] + bytes(last - first) + data[last:]

    return edit


def _lines(share: int, edit: Callable[[list[bytes], int], list[bytes]]) -> Callable[[bytes], bytes]:
    def on_data(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        return b"".join(edit(lines, len(lines) * share // 100))

    return on_data


def _swap(lines: list[bytes], index: int) -> list[bytes]:
    other = index - 1 if index else 1
    swapped = list(lines)
    swapped[index], swapped[other] = lines[other], lines[index]
    return swapped


def _shorter(count: int) -> Callable[[bytes], bytes]:
    return lambda data: b"".join(data.splitlines(keepends=True)[:-count])


def _with_record(record: str) -> Callable[[bytes], bytes]:
    def edit(data: bytes) -> bytes:
        total = crc32(record.encode(), int(data.splitlines()[-1][:8], 16))
        return data + b"%08x %b\n" % (total, record.encode())

    return edit


def _block(height: int, before: str, text: str, *, skip: int = 0) -> tuple[bytes, str]:
    """A block with the smallest nonce that passes, or a later one."""
    nonce = 0
    while True:
        digest = sha256(f"{before}{text}{nonce}".encode()).hexdigest()
        if digest.startswith("00"):
            if not skip:
                line = f'{{"height":{height},"H":"{before}","T":{text},"N":{nonce},"hash":"{digest}"}}\n'
                return line.encode(), digest
            skip -= 1
        nonce += 1


def _parts(line: bytes) -> tuple[str, str]:
    """H and T of a block."""
    text = line.decode()
    return json.loads(text)["H"], text[text.index('"T":') + 4 : text.rindex(',"N":')]


def _forged(back: int, *, whole: bool) -> Damage:
    def damage(files: Files) -> Files | None:
        lines = files[CHAIN].splitlines(keepends=True)
        if len(lines) < back:
            return None
        first = len(lines) - back
        before, _ = _parts(lines[first])
        for index in range(first, len(lines) if whole else first + 1):
            text = re.sub(r'"content":"', '"content":"forged ', _parts(lines[index])[1])
            lines[index], before = _block(index + 1, before, text)
        return files | {CHAIN: b"".join(lines)}

    return damage


def _other_nonce(back: int) -> Damage:
    def damage(files: Files) -> Files | None:
        lines = files[CHAIN].splitlines(keepends=True)
        before, text = _parts(lines[-back])
        for index in range(len(lines) - back, len(lines)):
            _, text = _parts(lines[index])
            lines[index], before = _block(index + 1, before, text, skip=int(index == len(lines) - back))
        return files | {CHAIN: b"".join(lines)}

    return damage


def _added(count: int) -> Damage:
    def damage(files: Files) -> Files:
        data = files[CHAIN]
        lines = data.splitlines()
        before = json.loads(lines[-1])["hash"]
        for number in range(count):
            text = f'[{{"op":"POST","username":"eve","title":"forged {number}","content":"","id":"eve:{number + 1}"}}]'
            line, before = _block(len(lines) + 1 + number, before, text)
            data += line
        return files | {CHAIN: data}

    return damage
