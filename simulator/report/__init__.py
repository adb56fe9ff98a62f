"""One self-contained page about a run: the space-time diagram, the clients' operations, charts and the checks.

Reading order: `trace_data` (what the page is told), `html` (how it becomes one file), `page/` (its style and scripts).
"""
