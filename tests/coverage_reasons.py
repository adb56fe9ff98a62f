"""Why no seed takes a branch: see `coverage_of_seeds`. A reason stands for a line, whichever way from it is left."""

from __future__ import annotations

FILES: dict[str, str] = {
    "simulator/node/storage/real_disk.py": "real files; the virtual world has a disk of its own",
    "simulator/node/storage/lock.py": "the lock of a real folder",
    "simulator/node/storage/watched_file.py": "a real file that somebody else may change",
}
"""Files that the virtual world does not use, each with the reason."""

WRONG = "a peer would have to break the protocol: mutants do"
DAMAGED = "a damaged file is needed; the profile `amnesia` damages them, the swarm does not"
TORN = "what a crash leaves is cut off before; anything else is damage, see the profile `amnesia`"
UNRECORDED = "without a probe: real processes that are not recorded"
EXHAUSTED = "the cases before are all there are"
NO_VALUE = "nobody sends or writes nothing: it guards the format"
LARGE = "a file of megabytes is needed; tests set the size smaller"
RESEND = "whom every peer has answered has won or lost; it guards a question without an addressee"
REGISTER = "an answer that was given up is taken out of the register first; it guards the register"
STATUS = "a person's question; the explorer asks for no detail"
FOREIGN = "files of another cluster, node or version: the explorer moves none"
FORGED = "a forged file is needed: the explorer flips, zeroes, wipes and puts back files, and forges none; tests do"
NOTICED = "the world notices an older journal before a peer can: on real machines it may have forgotten"
AMNESIA = "a node with amnesia is needed: the profile `amnesia` makes some, the swarm does not"
RARE = "rare, not impossible: "
READ = RARE + "a linearizable read must wait for 6 s without a majority: about three seeds in 200"

_LINES: dict[str, dict[str, str]] = {
    "paxos/acceptor.py": {"if known.value != value:": WRONG, "if last_slot >= message.first_slot:": NO_VALUE},
    "paxos/campaign.py": {"if nodes:": RESEND},
    "paxos/pre_vote.py": {"if nodes:": RESEND},
    "paxos/learner.py": {
        "if self._asked == self.core.me:  # A late reply was good: no pause is needed.": RARE
        + "all peers must send blocks that are refused, and one good reply come late",
        "elif ballot == self._prefix_ballot:": RARE + "two leaders follow each other, and this node promised neither",
        "for known in [s for s in self.chosen if s <= slot]:": RARE
        + "fetched blocks reach beyond a gap behind which this node, a leader, has decided",
        "if not sources:": RARE + "who told of missing slots must have lost them again",
    },
    "paxos/proposer.py": {
        "if gaps > MOST_IN_FLIGHT:": FORGED,
        "if self._cannot_recover():": RARE
        + "all holders of decided slots must stay away for four election timeouts of a new leader that has a majority",
    },
    "paxos/quorum.py": {"if self.prepare + self.accept <= size:": "a mistake of whoever configures quorums"},
    "paxos/replica.py": {
        "if message.eras == self.core.eras or self.recovery.admits(message):": AMNESIA,
        "if self.recovery.answer(message) and self.election.leading:": AMNESIA,
        "if self._follows(message.ballot, message.sender):": RARE
        + "a DECIDE of a stale ballot must be late by a whole change of leader",
        "if leader == self.core.me:": RARE + "a node must be told of its own leadership after it has ended",
    },
    "paxos/recovery.py": {
        "if nodes:": RESEND,
        "if self._is_disproved(message):": FORGED,
        "if why:": NOTICED,
        "if false:": FORGED,
        "if promised.jumps(highest):": FORGED,
        "if message.heard_promise > acceptor.promised:": NOTICED,
        "if opened.owner == self.core.me and opened > acceptor.promised and not opened.jumps(acceptor.promised):": (
            NOTICED
        ),
        "if slot > self.learner.decided and (vote is None or vote.ballot < message.heard_vote):": AMNESIA,
    },
    "paxos/request_forwarder.py": {
        "if reads:": READ,
        "if self.proposer.leading:": "a node that follows itself leads; it guards the moment between",
        "elif self.proposer.leading:": "a node that follows itself leads; it guards the moment between",
    },
    "paxos/waiting_requests.py": {
        "for number in reads:": READ,
        "if name not in self.writes:": "the node asks `awaits` before",
        "for name in [name for name in self.writes if applied(*name)]:": RARE
        + "a write must come back in fetched blocks while its client still waits here",
    },
    "simulator/node/catchup.py": {"if not lines:": "only slots that are applied here are served"},
    "simulator/node/codec.py": {
        "if _encode(filed) != text:": FORGED,
        "if not (colon and client and plain):": FORGED,
        "if len(found) == 2 * len(texts) - 1 and len(lists) == len(texts):": WRONG,
        'if client and colon and digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) < _LONG:': (
            WRONG
        ),
        "if block_line(block) != text:": WRONG,
    },
    "simulator/node/group_commit.py": {"if self.probe is not None:": UNRECORDED},
    "simulator/node/inspection.py": {"if isinstance(error, OSError):": DAMAGED + ", and stops for it no more"},
    "simulator/node/node.py": {
        "case Disbelieve(first, why):": FORGED,
        "case ReadGiveUp(numbers, no_majority, forgetful):": READ,
        "if self.probe is not None:": UNRECORDED,
        "case ClientRead(number, _, _, linearizable):": STATUS,
        "if detail and not self.stopped:": STATUS,
        "if reply is not None:": "only slots that are applied here are served",
        "if refusal is not None:": WRONG,
        "if slot != height + 1:": WRONG,
        "if self.stopped:": "the virtual world ends a node that stops itself before its next event",
    },
    "simulator/node/pending_requests.py": {
        "if self.waiting.answer_read(number) is not None:": REGISTER,
        "if forgetful:": "a majority must lose its memory: the explorer takes that of a minority",
        "if waiting is not None and isinstance(waiting.question, ClientRead):": REGISTER,
        "if self.waiting.answer_write(name):": REGISTER,
        "if no_majority:": "a client waits 30 s at a node that hears a majority; the virtual runs are over sooner",
    },
    "simulator/node/state_machine.py": {
        "if block.height > self.chain.height:": "whoever installs blocks leaves out those that are applied",
    },
    "simulator/node/storage/blog_file.py": {"if self._pending >= _PIECE:": LARGE},
    "simulator/node/storage/chain_file.py": {
        "if end < 0:": FORGED,
        "if not torn:": TORN,
        "if run.damage is not None:": DAMAGED,
        "if blocks:": NO_VALUE,
        "if len(wanted) != last - first + 1:": DAMAGED,
    },
    "simulator/node/storage/identity.py": {
        "if not self.cluster or not cluster:": FOREIGN,
        "if cluster != self.cluster:": FOREIGN,
        "if node != self.node:": FOREIGN,
        "if not 1 <= version <= VERSION:": FOREIGN,
    },
    "simulator/node/storage/set_aside.py": {'while disk.exists(f"{name}.damaged-{number}"):': DAMAGED},
    "simulator/node/storage/journal.py": {
        "if number == 1 and b'\"journal\":1,' in line:": FOREIGN,
        "if texts:": NO_VALUE,
        "if line.journal is not None:": DAMAGED,
        "if line.journal is None or line.chain is None:": DAMAGED,
        "if _sound(tail[:-1], total):": DAMAGED,
        "if records.count(None) != len(records) - 1:": FORGED,
        "if found.journal is not None and number > 1:": FORGED,
        "if ballot is not None and not (ballot.owner and 0 < ballot.round <= ROUNDS_ON_DISK):": FORGED,
        "if found.recovered is not None and found.recovered[0].round > ROUNDS_ON_DISK:": FORGED,
        "if not number:": DAMAGED,
        "elif line.recovered is not None:": DAMAGED,
        'if number == 1 or not _BEGINNING.fullmatch(tail.rstrip(b"\\0")):': TORN,
        "if known is None or vote.ballot >= known.ballot:": "an acceptor votes at rising ballots, as its journal shows",
    },
    "simulator/node/storage/line_reader.py": {"if pieces:": LARGE},
    "simulator/node/storage/storage.py": {
        "if mended:": FOREIGN,
        "if damage is None:": DAMAGED,
    },
    "paxos/chain_proof.py": {
        "if false:": FORGED,
        "if slot > self.height:": FORGED,
        "if slot and self.chain.block(slot) != name:": FORGED,
    },
    "paxos/election.py": {
        "if ballot.jumps(self.acceptor.promised):": FORGED,
    },
    "simulator/node/storage/chain_run.py": {
        "if height % MILESTONE == 0:": LARGE,
    },
    "simulator/node/storage/proof.py": {
        "if height in self._marks and height not in self.matched:": FORGED,
        "if operations_text(vote.value).encode() != text:": FORGED,
        "if nonce > self._tries:": "more smaller nonces than one start tries: difficulty 4 and above",
        "if smallest != nonce:": FORGED,
    },
}

REASONS: dict[tuple[str, str], str] = {
    (name, line): why for name, lines in _LINES.items() for line, why in lines.items()
}
"""By file and text of the line from which the branch goes."""
