"""The chain: blocks that point at their predecessors by SHA-256, with a proof of work. It knows T as text only.

It knows nothing of votes, blogs, files or time. Reading order: `block`, `mining`, `blockchain`.
"""
