"""The entry point of `paxsim` and `python -m simulator`.

It imports nothing at the top. A spawned node process runs the parent's main script again, which imports this module; a
node should not load the command line's libraries.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command (`sys.argv` when None) and return its exit status: 0, 1, 2, 3 or 130; see `failures`."""
    try:
        from simulator.cli.program import run_program
    except KeyboardInterrupt:  # Ctrl-C before anything has begun.
        import sys

        sys.stderr.write("paxsim: interrupted.\n")
        return 130
    return run_program(arguments)
