"""Linearizability: does one order of the operations explain every reply and respect real time?

`judge.judge` is the way in. `operations` pairs calls with returns; `models` says what an
operation does, and `search` judges any model, part by part (`parts`); the `blog_*` files judge the blog without search;
`prefix` finds the shortest beginning of a history that fails; `shapes` says what the events of a model look like. None
of them knows a file, a node or a clock but the budget's.
"""
