"""Explores seeds: each is a hostile schedule, run and judged in the virtual world; failures are shrunk.

Reading order: `swarm`, `schedule`, `trial`, `batch`, `seeds`, `engine`, `shrink`, `findings`, `narrate`, `command`.
"""
