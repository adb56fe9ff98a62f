"""The blog: the state machine that every node carries. Operations go in, outcomes come out, views show the rest.

It knows nothing of chains, votes, files or time: the same operations in the same order give the same blog anywhere.
Reading order: `operations`, `blog`, `answers`.
"""
