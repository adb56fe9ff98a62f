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
AMNESIA = "a node with amnesia is needed: the profile `amnesia` makes some, the swarm does not"
RARE = "rare, not impossible: "
READ = RARE + "a linearizable read must wait for 6 s without a majority: about three seeds in 200"

_LINES: dict[str, dict[str, str]] = {
    "paxos/acceptor.py": {"if known.value != value:": WRONG, "if last_slot >= message.first_slot:": NO_VALUE},
    "paxos/campaign.py": {"if nodes:": RESEND},
    "paxos/pre_vote.py": {"if nodes:": RESEND},
    "paxos/learner.py": {
        "elif ballot == self._prefix_ballot:": RARE + "two leaders follow each other, and this node promised neither",
        "for known in [s for s in self.chosen if s <= slot]:": RARE
        + "fetched blocks reach beyond a gap behind which this node, a leader, has decided",
        "if not sources:": RARE + "who told of missing slots must have lost them again",
    },
    "paxos/proposer.py": {
        "if self._cannot_recover():": RARE
        + "all holders of decided slots must stay away for four election timeouts of a new leader that has a majority"
    },
    "paxos/quorum.py": {"if self.prepare + self.accept <= size:": "a mistake of whoever configures quorums"},
    "paxos/replica.py": {
        "case Timer.LINKS:": "the node keeps its own timer, SYNC, to itself",
        "if message.eras == core.eras or self.recovery.admits(message):": AMNESIA,
        "if self.recovery.answer(message) and self.election.leading:": AMNESIA,
        "case Memory():": "the node keeps `Hints` to itself",
        "if self._follows(message.ballot, message.sender):": RARE
        + "a DECIDE of a stale ballot must be late by a whole change of leader",
        "if leader == self.core.me:": RARE + "a node must be told of its own leadership after it has ended",
    },
    "paxos/recovery.py": {
        "if slot > self.learner.decided and (vote is None or vote.ballot < message.heard_vote):": AMNESIA
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
        "if len(found) == 2 * len(texts) - 1 and len(lists) == len(texts):": WRONG,
        'if client and colon and digits.isascii() and digits.isdigit() and digits[0] != "0" and len(digits) < _LONG:': (
            WRONG
        ),
        "if block_line(block) != text:": WRONG,
    },
    "simulator/node/group_commit.py": {"if self.probe is not None:": UNRECORDED},
    "simulator/node/inspection.py": {"if isinstance(error, OSError):": DAMAGED + ", and stops for it no more"},
    "simulator/node/node.py": {
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
        "if waiting is not None and isinstance(waiting.question, ClientRead):": REGISTER,
        "if self.waiting.answer_write(name):": REGISTER,
        "if no_majority:": "a client waits 30 s at a node that hears a majority; the virtual runs are over sooner",
    },
    "simulator/node/state_machine.py": {
        "if block.height > self.chain.height:": "whoever installs blocks leaves out those that are applied",
    },
    "simulator/node/storage/blog_file.py": {"if self._pending >= _PIECE:": LARGE},
    "simulator/node/storage/chain_file.py": {
        "if not torn:": TORN,
        "if run.damage is not None:": DAMAGED,
        "if lines:": NO_VALUE,
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
        "if not number:": DAMAGED,
        "elif line.recovered is not None:": DAMAGED,
        'if number == 1 or not _BEGINNING.fullmatch(tail.rstrip(b"\\0")):': TORN,
        "if known is None or vote.ballot >= known.ballot:": "an acceptor votes at rising ballots, as its journal shows",
    },
    "simulator/node/storage/line_reader.py": {"if pieces:": LARGE},
    "simulator/node/storage/storage.py": {
        "if damage is None:": DAMAGED,
    },
}

REASONS: dict[tuple[str, str], str] = {
    (name, line): why for name, lines in _LINES.items() for line, why in lines.items()
}
"""By file and text of the line from which the branch goes."""
