"""`paxsim verify`: an audit of the text files of nodes.

It depends on the file formats alone. It shares no reader, hashing or blog rules with the nodes, so that it does not
repeat their mistakes. Reading order: `folder`, `operations`, `chain`, `blog`, `journal`, `audit`.
"""

from simulator.checks.audit.audit import NodeReport, Report, verify_directory

__all__ = ["NodeReport", "Report", "verify_directory"]
