"""The blog, which is the replicated state machine. It applies operations, returns outcomes and answers views.

It knows nothing of chains, votes, files or time. The same operations in the same order give the same blog.
Reading order: `operations`, `blog`, `answers`.
"""
