"""`paxsim verify`: an audit of nodes' text files, whoever wrote or copied them.

Written against the files alone: it shares no reader, no hashing and no blog rules with the nodes, so a mistake there is
not repeated here. Reading order: `folder`, `operations`, `chain`, `blog`, `journal`, `audit`.
"""

from simulator.checks.audit.audit import NodeReport, Report, verify_directory

__all__ = ["NodeReport", "Report", "verify_directory"]
