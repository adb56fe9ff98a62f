"""Linearizability: does one order of the operations explain every result and respect real-time order?

`judge.judge` is the entry point. `operations` pairs calls with returns. `models` says what an operation does, and
`search` checks any model, part by part (`parts`). The `blog_*` modules check the blog without a search. `prefix` finds
the shortest prefix of a history that fails, and `shapes` describes the events of each model. No module knows files or
nodes; only `budget` reads a clock.
"""
