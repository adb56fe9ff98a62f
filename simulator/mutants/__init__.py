"""Rules of the protocol broken on purpose, one at a time and by name: proof that the checks would notice.

A mutant is a subclass of one role (`paxos/`) or of the node's own parts (`simulator/node/node.py`) with a method or two
overridden, never a copy of the code. `registry` holds them by name and makes the node that has one; `core`, `log`,
`reads` and `elections` are the entries of the list in `docs/mutants.md`, `controls` those that only look wrong. Five
that concern damaged disks and compaction are not here yet: they wait for the rules that they would break.
"""
