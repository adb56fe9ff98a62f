"""A process that writes the trace of a run when the program that ran the cluster was killed.

It waits in a session of its own for the end of a pipe. If the program has not told it that the trace is written, it
makes the trace from the recording, whose file it holds open too. Until then it takes no time.
"""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress

import msgspec

from simulator.settings import Settings

DONE = b"done\n"
KILLED = "the program that ran the cluster was killed"


class TraceKeeper:
    """The keeper of one run, as its program sees it: `fd` is the recording, `name` the trace to write."""

    def __init__(self, settings: Settings, fd: int, name: str) -> None:
        reading, self._writing = os.pipe()
        words = [sys.executable, "-m", __name__, str(fd), str(reading), os.path.abspath(name)]  # noqa: PTH100
        try:
            # It has our stderr: whoever waits for the end of that waits until the trace is written.
            self._process = subprocess.Popen(
                words,
                pass_fds=(fd, reading),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                start_new_session=True,
                cwd=os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))),  # noqa: PTH100, PTH120
            )
        finally:
            os.close(reading)
        with suppress(OSError):
            os.write(self._writing, msgspec.json.encode(settings) + b"\n")

    def close(self) -> None:
        """The trace is written, or nobody wants it: end the keeper."""
        with suppress(OSError):
            os.write(self._writing, DONE)
        os.close(self._writing)
        self._process.wait()


def main(words: list[str]) -> int:
    """Wait for the end of the program, and write the trace if it was killed."""
    fd, reading, name = int(words[0]), int(words[1]), words[2]
    heard = b""
    while data := os.read(reading, 1 << 16):
        heard += data
    settings, _, rest = heard.partition(b"\n")
    if rest == DONE or not settings:
        return 0
    write_trace(msgspec.json.decode(settings, type=Settings), fd, name)
    sys.stderr.write(f"paxsim: {KILLED}; the trace up to then is in {name!r}.\n")
    return 0


def write_trace(settings: Settings, fd: int, name: str) -> None:
    """Write what the recording holds as a trace, gzipped if its name ends in .gz."""
    from simulator.files.gzipped import write_text_lines  # noqa: PLC0415  Only after a kill.
    from simulator.worlds.processes.recording_reader import read_events, read_history  # noqa: PLC0415
    from simulator.worlds.processes.run_trace import trace_of  # noqa: PLC0415

    size = os.fstat(fd).st_size
    write_text_lines(name, trace_of(settings, read_events(fd, 0, size), read_history(fd, size), KILLED))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
