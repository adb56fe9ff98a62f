"""Judges a run of real processes in a stream: its recording, the history in it, and the nodes' files.

It follows the recording while the run goes on, so that a check has only the rest to read. Of what it has read it keeps
the state of the protocol and of the blog, as a node does, and the calls that have no return.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import cast

from simulator.checks.decided_order import Write
from simulator.checks.invariants import InvariantChecker
from simulator.checks.linearizability.blog_stream import BlogStream
from simulator.checks.node_files import NodeFilesChecker
from simulator.cluster.verdicts import OK, unknown, unknown_beyond
from simulator.faults.faults import DiskFault
from simulator.mutants.registry import quorums
from simulator.settings import Settings
from simulator.trace.events import Event, FaultInjected, IncarnationEnded, NodeRecovered
from simulator.trace.observer import ObserverList
from simulator.worlds.processes.recording import Extent
from simulator.worlds.processes.recording_entries import AnyEntry, HistoryCalledEntry, HistoryReturnedEntry
from simulator.worlds.processes.recording_reader import end_of_chunk, events_within, read_entries, read_history

LINEARIZABILITY = "linearizability"
MANY_UNEXPLAINED = 20_000
"""From so many events of the history on that wait for the chain, it is read even if there is more of the recording."""
MOST_UNEXPLAINED = 100_000
"""How many events of the history may wait for the chain between two checks."""


class RunChecker:
    """Not thread-safe. `fd` is the recording (-1: there is none); `run` begins the names of this run's clients.

    With `whole` off the recording holds the history alone: what only messages and journals tell is not judged.
    """

    def __init__(self, settings: Settings, run: str, fd: int, *, whole: bool) -> None:
        self._fd = fd
        self._read_to = 0
        self._stream: BlogStream | None = BlogStream(f"{run}-")
        self._unexplained: deque[HistoryCalledEntry | HistoryReturnedEntry] = deque()
        self._history_violation = ""
        self._has_history = False
        self._files = NodeFilesChecker(settings, run, self._decided)
        self._invariants: InvariantChecker | None = None
        self._observers = ObserverList(())
        if whole:
            prepare, accept = quorums(settings.break_rule)
            self._invariants = InvariantChecker(settings, prepare_quorum=prepare, accept_quorum=accept)
            self._observers = ObserverList([self._invariants])
        self._unsettled = set(settings.node_ids)  # Nodes whose files a start has not looked through since the last end.

    def follow(self, end: int) -> bool:
        """Judge the next chunk of what is new up to `end`, and return whether more is left.

        Files of nodes that are down are left alone: a start may have to mend them.
        """
        self._read(end_of_chunk(self._fd, self._read_to, end))
        is_more = end_of_chunk(self._fd, self._read_to, end) > self._read_to
        if not is_more or len(self._unexplained) > MANY_UNEXPLAINED:  # Files are read in large pieces: it costs less.
            self._files.read(without=self._unsettled)
            self._explain()
            if len(self._unexplained) > MOST_UNEXPLAINED:
                self._give_up_stream()
        return is_more

    def verdicts(self, extent: Extent, newest: Callable[[], Extent]) -> dict[str, str]:
        """The verdict on each invariant, up to `extent`.

        `newest` tells what is recorded at a later moment, because files may hold writes that were called meanwhile.
        """
        self._read(extent.end)
        self._files.read()
        self._explain()
        if self._unexplained:
            self._give_up_stream()
        linearizability = self._judge_history(extent.end)
        extent = newest()
        self._read(extent.end)
        verdicts = self._files.verdicts(knows_calls=not extent.cut)
        if self._has_history:
            verdicts[LINEARIZABILITY] = linearizability
        if self._invariants is not None:
            for invariant, verdict in self._invariants.verdicts().items():
                if verdicts.get(invariant, OK) == OK:
                    verdicts[invariant] = verdict
        if extent.cut:
            beyond = unknown_beyond(extent.held_ms, f"the recording of this run ended: {extent.cut}")
            verdicts = {name: beyond if verdict == OK else verdict for name, verdict in verdicts.items()}
        return verdicts

    def _read(self, end: int) -> None:
        begin, self._read_to = self._read_to, max(self._read_to, end)
        for entry in read_entries(self._fd, begin, end):
            if isinstance(entry, HistoryCalledEntry | HistoryReturnedEntry):
                self._take_history(entry)
            elif self._invariants is not None:
                self._take_events(entry)

    def _take_events(self, entry: AnyEntry) -> None:
        of = self._observers.of
        for event in events_within(entry):
            for handle in of(type(event)):
                handle(event)
            self._note_files(event)

    def _note_files(self, event: Event) -> None:
        if isinstance(event, NodeRecovered):
            self._unsettled.discard(event.node)
        elif isinstance(event, IncarnationEnded) or (
            isinstance(event, FaultInjected) and isinstance(event.fault, DiskFault)
        ):
            self._unsettled.add(event.node)

    def _take_history(self, entry: HistoryCalledEntry | HistoryReturnedEntry) -> None:
        self._has_history = True
        event = entry.event
        if entry.client:
            name = entry.client, entry.seq
            if isinstance(entry, HistoryCalledEntry):
                self._files.called(name, cast("Write", (event.f, *cast("list[str]", event.value))))
            elif event.type == "ok":
                self._files.answered(name, took_effect=event.value == "ok")
        if self._stream is not None:
            self._unexplained.append(entry)

    # Linearizability

    def _decided(self, name: tuple[str, int], write: Write, took_effect: bool) -> None:
        if self._stream is not None:
            self._stream.decided(name, write, took_effect=took_effect)

    def _explain(self) -> None:
        """Give the stream the history, as far as the chain explains it."""
        waiting = self._unexplained
        while waiting and self._stream is not None:
            entry = waiting[0]
            if isinstance(entry, HistoryCalledEntry):
                name = (entry.client, entry.seq) if entry.client else None
                self._stream.called(entry.number, entry.event, name)
            elif not self._stream.returned(entry.number, entry.event):
                return
            waiting.popleft()

    def _give_up_stream(self) -> None:
        """The order of the chain does not explain the history: each check looks for another one from now on."""
        self._stream = None
        self._unexplained.clear()

    def _judge_history(self, end: int) -> str:
        if self._stream is None and not self._history_violation:
            verdict = self._files.judge_history(list(read_history(self._fd, end)))
            if verdict.verdict == "unknown":
                return unknown(verdict.why)
            if verdict.verdict == "violation":
                self._history_violation = verdict.why
        return self._history_violation or OK
