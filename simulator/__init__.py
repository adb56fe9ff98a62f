"""Everything that runs: the node, its two worlds, faults, storage, checks, screens and the command line.

The rules it runs stand in three packages that know nothing of it: `paxos`, `chain` and `blog`.
"""

__version__ = "0.1.0"
