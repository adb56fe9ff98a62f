"""Mutants: rules of the protocol broken on purpose, one at a time and by name, to prove that the checks notice.

A mutant is a subclass of one role (`paxos/`) or of a part of the node (`simulator/node/`) with a method or two
overridden, never a copy of the code. `registry` holds them by name and makes the node that has one. `core`, `log`,
`reads`, `elections` and `statements` hold the entries of `docs/mutants.md`; `controls` only look wrong. Five mutants of
damaged disks and compaction are missing: the rules that they break are not built yet.
"""
