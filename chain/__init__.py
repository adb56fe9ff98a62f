"""The chain: blocks linked by SHA-256, with a proof of work. T, the text of the operations, is opaque here.

It knows nothing of votes, blogs, files or time. Reading order: `block`, `mining`, `blockchain`.
"""
