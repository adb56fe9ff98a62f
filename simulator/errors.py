"""Errors that a person caused and can mend: one clear sentence, never a traceback."""

from __future__ import annotations


class InputError(Exception):
    """Bad usage, a bad file or bad input (exit status 2). The text says what, where, and what would be right."""


class StorageDamage(InputError):
    """A file of a node is damaged where a crash cannot have damaged it. Names the file, the line and what is wrong."""


class DirectoryHeld(InputError):
    """Another running lab holds the data directory."""
