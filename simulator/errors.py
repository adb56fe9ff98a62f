"""Errors that a person can correct. Each is shown as one sentence and never as a traceback."""

from __future__ import annotations


class InputError(Exception):
    """Bad usage, a bad file or bad input (exit status 2). The text says what is wrong, where, and what is right."""


class StorageDamage(InputError):
    """A file of a node is damaged in a way that no crash explains. The text names file, line and fault."""


class DirectoryHeld(InputError):
    """Another running lab has locked the data directory."""
