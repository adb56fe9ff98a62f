"""How a command ends: an exit status, and one sentence on stderr when it failed.

Status 0: all is well; 1: a check or an expectation failed; 2: bad usage, a bad file or bad input; 3: a bug of ours,
with its traceback in a file; 4: cut off before it was complete (`prove`); 130: interrupted. A person never sees a
traceback.
"""

from __future__ import annotations

import errno
import os
import platform
import shlex
import sys
import tempfile
import threading
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from simulator import __version__
from simulator.errors import InputError

OK = 0
CHECK_FAILED = 1
BAD_INPUT = 2
OUR_BUG = 3
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed command: the exit `status`, and the `sentence` for the person (may be empty)."""

    status: int
    sentence: str


def explain(error: BaseException, arguments: Sequence[str]) -> Failure:
    """How the command `arguments` ends on `error`. A bug of ours leaves its traceback in a file."""
    match error:
        case InputError():
            return Failure(BAD_INPUT, str(error))
        case click.UsageError():
            return Failure(BAD_INPUT, _usage_sentence(error))
        case click.ClickException():
            return Failure(BAD_INPUT, error.format_message())
        case KeyboardInterrupt() | click.Abort():
            return Failure(INTERRUPTED, f"{str(error) or 'interrupted'}.")
        case RuntimeError() if (interrupt := _interrupt_behind(error)) is not None:
            return explain(interrupt, arguments)
        case _ if (sentence := _system_trouble(error)) is not None:
            return Failure(BAD_INPUT, sentence)
        case OSError(filename=str() as name, strerror=str() as reason):
            return Failure(BAD_INPUT, f"{name!r} cannot be used: {_lower_first(reason)}.")
        case _:
            return Failure(OUR_BUG, _bug_sentence(error, arguments))


def did_you_mean(possibilities: Sequence[str] | None) -> str:
    """`: did you mean 'run'?` for the likeliest word, or a full stop when none is close."""
    return f": did you mean {possibilities[0]!r}?" if possibilities else "."


SYSTEM_TROUBLE = {
    errno.EMFILE: "this process may not open as many files as are needed: raise the limit, as with 'ulimit -n 1024'",
    errno.ENFILE: "this machine has too many files open: close some programs",
    errno.ENOMEM: "there is not enough memory: close some programs, or raise the limit, as with 'ulimit -v unlimited'",
    errno.EAGAIN: "this user may not run as many processes or threads as are needed: raise the limit ('ulimit -u')",
    errno.ENOSPC: "there is no space left where this writes: make room, or write elsewhere",
    errno.EDQUOT: "the quota of this user is used up where this writes: make room, or write elsewhere",
    errno.EIO: "the device or terminal that this reads or writes fails",
}
"""What the system may refuse to any program, and what a person can do about it. It is no bug of ours."""


def _interrupt_behind(error: RuntimeError) -> KeyboardInterrupt | None:
    """The interrupt that made Python's own `threading` fail: between two of its steps a lock is free or taken."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames or frames[-1].filename != threading.__file__:
        return None
    behind = error.__context__
    while behind is not None and not isinstance(behind, KeyboardInterrupt):
        behind = behind.__context__
    return behind


def _system_trouble(error: BaseException) -> str | None:
    """The sentence for an error, or for the cause of one, that is no bug of ours but the system's refusal."""
    seen: BaseException | None = error
    while seen is not None:
        match seen:
            case MemoryError():
                return f"{SYSTEM_TROUBLE[errno.ENOMEM]}."
            case OSError(errno=int() as number) if number in SYSTEM_TROUBLE:
                where = f" ({seen.filename!r})" if number in {errno.ENOSPC, errno.EIO} and seen.filename else ""
                return f"{SYSTEM_TROUBLE[number]}{where}."
            case FileNotFoundError(filename=None, strerror=str() as reason):  # No temporary directory.
                return f"{_lower_first(reason)}: set TMPDIR to a directory that can be written."
            case RuntimeError() if "can't start new thread" in str(seen):
                return f"{SYSTEM_TROUBLE[errno.EAGAIN]}."
            case _:
                seen = seen.__cause__
    return None


def _usage_sentence(error: click.UsageError) -> str:
    match error:
        case click.NoSuchOption():
            sentence = f"there is no option {error.option_name!r}{did_you_mean(error.possibilities)}"
        case click.NoSuchCommand():
            sentence = f"there is no command {error.command_name!r}{did_you_mean(error.possibilities)}"
        case _:
            sentence = _lower_first(error.format_message())
    path = error.ctx.command_path if error.ctx is not None else "paxsim"
    return f"{sentence} See '{path} --help'."


def _bug_sentence(error: BaseException, arguments: Sequence[str]) -> str:
    what = "".join(traceback.format_exception_only(error)).strip().splitlines()[-1]
    report = "\n".join(
        [
            f"paxsim {__version__}, Python {platform.python_version()}, {platform.platform()}",
            f"command: paxsim {shlex.join(arguments)}",
            "",
            "".join(traceback.format_exception(error)),
        ]
    )
    try:
        handle, name = tempfile.mkstemp(prefix="paxsim-bug-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(report)
    except OSError:
        # Without a place for the file the traceback is written to stderr, or the bug is lost.
        sys.stderr.write(report)
        return f"this is a bug of paxsim ({what}); its trace stands above, since no file could be written for it."
    return f"this is a bug of paxsim, not of yours ({what}); its trace is in {Path(name)}."


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
