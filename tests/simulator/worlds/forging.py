"""Forges the files of a node so that they agree with each other: each hash, nonce, vote and checksum is made anew."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from zlib import crc32

EVIL = '[{"op":"POST","username":"mallory","title":"Forged","content":"nobody asked for this","id":"mallory-1:1"}]'


def block(height: int, before: str, text: str, zeros: int) -> tuple[str, str]:
    """The line of a block with the smallest nonce that passes, and its hash."""
    nonce = 0
    while not (digest := sha256(f"{before}{text}{nonce}".encode()).hexdigest()).startswith("0" * zeros):
        nonce += 1
    return f'{{"height":{height},"H":"{before}","T":{text},"N":{nonce},"hash":"{digest}"}}', digest


def texts_of(chain: bytes) -> list[str]:
    """The Ts of a chain file."""
    return [line[line.index('"T":') + 4 : line.rindex(',"N":')] for line in chain.decode().splitlines()]


def forged_chain(texts: list[str], zeros: int) -> tuple[bytes, dict[int, str]]:
    """A chain file of blocks with these Ts, and its hashes by height."""
    before, lines, hashes = "0" * 64, [], {0: "0" * 64}
    for height, text in enumerate(texts, 1):
        line, before = block(height, before, text, zeros)
        lines.append(line + "\n")
        hashes[height] = before
    return "".join(lines).encode(), hashes


def forged_journal(
    journal: bytes, texts: list[str], hashes: Mapping[int, str], *, more: list[str], ballot: list[int] | None = None
) -> bytes:
    """The journal with the hashes and values of that chain, and with lines for `more` blocks behind it."""
    records = [json.loads(line.split(" ", 1)[1]) for line in journal.decode().splitlines()]
    for number, text in enumerate(more, len(texts) - len(more) + 1):
        voted = [record["accepted"]["ballot"] for record in records if "accepted" in record]
        at = ballot or (voted[-1] if voted else [1, 1])
        records.append({"accepted": {"slot": number, "ballot": at, "value": json.loads(text)}})
    for record in records:
        if "chain" in record:
            height = record["chain"][0]
            record["chain"][1] = hashes.get(height, record["chain"][1])
        if "accepted" in record and record["accepted"]["slot"] <= len(texts):
            record["accepted"]["value"] = json.loads(texts[record["accepted"]["slot"] - 1])
    return sealed(records)


def sealed(records: Iterable[object]) -> bytes:
    """These records as a journal whose checksums hold."""
    total, lines = 0, []
    for record in records:
        data = json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
        total = crc32(data, total)
        lines.append(b"%08x %b\n" % (total, data))
    return b"".join(lines)


def forged(files: Mapping[str, bytes], zeros: int, *, at: int = 0) -> dict[str, bytes]:
    """The files with another value in block `at`, or with one more block at their end (0)."""
    texts = texts_of(files["blockchain.txt"])
    more = [] if at else [EVIL]
    if at:
        texts[at - 1] = EVIL
    texts += more
    chain, hashes = forged_chain(texts, zeros)
    journal = forged_journal(files["paxos.txt"], texts, hashes, more=more)
    return {**files, "blockchain.txt": chain, "paxos.txt": journal, "blog.txt": b""}
