"""The exhaustive world: every schedule of a small model, breadth first, and the shortest way to what must not happen.

`search` is the engine and `model` its face; `actors` makes models of message passing; `cluster_model` is our own node.
"""
