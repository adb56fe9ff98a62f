"""Traces: every event of a run, in order, as JSON lines. `docs/trace.md` describes the format.

Reading order: `events`, `observer`, `format`, `writer`, `recorder`, `reader`.
"""
