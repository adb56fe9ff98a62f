"""Audits blockchain.txt: the shape of every line, and every height, hash link, hash and nonce.

After a wrong block the audit continues from the hash in its line, so that one fault is reported once.
"""

from __future__ import annotations

import re
from array import array
from hashlib import blake2b, sha256

import msgspec

from simulator.checks.audit.blog import BlogCheck
from simulator.checks.audit.folder import CHAIN, JOURNAL, Findings, Line
from simulator.checks.audit.journal import Word
from simulator.checks.audit.operations import ChainReplay, operations_of
from simulator.checks.audit.proof import Proof

NO_HASH = "0" * 64

_OPENING = re.compile(rb'\{"height":')
_SHAPE = re.compile(
    rb'\{"height":(?P<height>[1-9][0-9]*),"H":"(?P<H>[0-9a-f]{64})","T":(?P<T>\[.*\]),'
    rb'"N":(?P<N>0|[1-9][0-9]{0,17}),"hash":"(?P<hash>[0-9a-f]{64})"(?P<more>,.*)?\}',
    re.DOTALL,
)
_FORM = '{"height":…,"H":"<64 hex>","T":[…],"N":…,"hash":"<64 hex>"}'


class ChainCheck:
    """The audit of one chain.

    `marks` holds 64 bits of every block's hash; 0 stands for an unreadable block. `values` holds the digest of each T.
    `sound` is how many blocks its node will keep: those before the first problem, and before a block that the journal
    does not prove.
    """

    def __init__(self, findings: Findings, difficulty: int, word: Word) -> None:
        self._findings = findings
        self._zeros = "0" * difficulty
        self._previous = NO_HASH  # Empty after an unreadable line.
        self._proof = Proof(findings, word, difficulty)
        self.marks = array("Q")
        self.values = array("Q")
        self.height = 0
        self.tip = NO_HASH
        self.sound = 0
        self._fine = True  # Nothing is wrong with the line at hand; its T and its nonce follow.
        self._t = self._nonce = b""

    def run(self) -> None:
        """Audit the chain and the blog."""
        replay, blog = ChainReplay(), BlogCheck(self._findings)
        ended = False
        for line in self._findings.lines(CHAIN, _OPENING):
            if line.torn and self._begins(line):
                self._findings.torn(CHAIN, line.number)
                break
            before, self._fine = self._previous, True
            operations = self._block(line)
            self.marks.append(int(self._previous[-16:], 16) or 1 if self._previous else 0)
            self.values.append(digest(self._t))
            if self._fine and not ended and not self._check_proof(line.number, before):
                ended = True
            ended = ended or not self._fine
            if ended or operations is None:
                blog.give_up()
            else:
                self.sound = line.number
                blog.expect(replay.effects(line.number, operations))
        blog.finish()

    def _check_proof(self, number: int, before: str) -> bool:
        """True when the journal proves the block; False when the node will cut it off."""
        fault = self._proof.fault(number, before, self._t, self._nonce)
        if not fault:
            return True
        if self._proof.is_crash(fault):
            self._findings.warning(
                CHAIN,
                number,
                f"{fault}, and {JOURNAL} names a later block; the node fetches from here on when it starts",
            )
        else:
            self._problem(number, fault)
        return False

    def _problem(self, number: int, what: str) -> None:
        self._fine = False
        self._findings.problem(CHAIN, number, what)

    def parts_from(self, other: ChainCheck) -> int:
        """The height of the first block that differs; 0 when one chain is a prefix of the other."""
        common = min(len(self.marks), len(other.marks))
        if self.marks[:common] != other.marks[:common]:
            for height, (mine, theirs) in enumerate(zip(self.marks, other.marks, strict=False), 1):
                if mine != theirs and mine and theirs:
                    return height
        return 0

    def _begins(self, line: Line) -> bool:
        """True when a torn line is the beginning of the next block, and not other text."""
        head = b'{"height":%d,"H":"%b","T":[' % (line.number, (self._previous or NO_HASH).encode())
        text = line.text.rstrip(b"\0")  # A power loss may leave zeros at the end of a file.
        return text.startswith(head) or head.startswith(text)

    def _block(self, line: Line) -> list[dict[str, str]] | None:
        """Check one line and return its operations; None when they cannot be read."""
        match = None if line.torn else _SHAPE.fullmatch(line.text)
        if match is None:
            what = "it is torn, and not the beginning of a block" if line.torn else f"it is not of the form {_FORM}"
            self._problem(line.number, what)
            self._previous = ""
            return None
        self._links(line.number, match)
        self._previous = self.tip = match["hash"].decode()
        self.height = line.number
        self._t, self._nonce = match["T"], match["N"]
        operations, fault = operations_of(match["T"])
        if not fault and match["more"]:
            if _is_json(line.text):
                self._fine = False
                what = "it has keys behind its hash; the node fetches from here on when it starts"
                self._findings.warning(CHAIN, line.number, what)
            else:
                fault = "what follows its hash is no JSON"
        if fault:
            self._problem(line.number, fault)
            return None
        return operations

    def _links(self, number: int, match: re.Match[bytes]) -> None:
        height, before, written = match["height"].decode(), match["H"].decode(), match["hash"].decode()
        if height != str(number):
            self._problem(number, f"its height is {height[:20]}, and its place in the file {number}")
        if self._previous and before != self._previous:
            what = f"its H is {before[:12]}…, but the block before it has hash {self._previous[:12]}…"
            self._problem(number, what)
        digest = sha256(match["H"] + match["T"] + match["N"]).hexdigest()
        if digest != written:
            what = f"its hash is written as {written[:12]}…, but SHA256(H + T + N) is {digest[:12]}…"
            self._problem(number, what)
        elif not digest.startswith(self._zeros):
            what = f"its nonce does not pass: {digest[:12]}… does not begin with {self._zeros}"
            self._problem(number, what)


def _is_json(text: bytes) -> bool:
    try:
        msgspec.json.decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def digest(text: bytes) -> int:
    """64 bits that stand for a T."""
    return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")
