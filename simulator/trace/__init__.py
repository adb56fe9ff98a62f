"""A run written down: every event, in the order in which it happened, as JSON lines. The format is in `docs/trace.md`.

Reading order: `lines` (what a line holds), `writer`, `recorder`, `reader`, `judge`.
"""
