"""Records what clients call and what they are answered, from threads or from coroutines."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from simulator.checks.linearizability.history import History
from simulator.cluster.history import Event, EventType


class Call:
    """One operation that is under way. Say how it ends with `ok` or `fail`."""

    def __init__(self) -> None:
        self.ended: EventType | None = None
        self.result: object = None

    def ok(self, result: object = None) -> None:
        """It returned `result`, in the form that the model expects."""
        self.ended, self.result = "ok", result

    def fail(self) -> None:
        """It certainly had no effect."""
        self.ended = "fail"


class Recorder:
    """Collects events; any number of threads and coroutines may share it.

    A call that ends with an exception has an unknown fate (`info`), unless the exception is one of `refusals`, which
    say that nothing happened.
    """

    def __init__(self, refusals: tuple[type[BaseException], ...] = ()) -> None:
        self._refusals = refusals
        self._lock = threading.Lock()
        self._events: list[Event] = []
        self._idle: list[int] = []
        self._processes = 0
        self._began = time.monotonic()

    @contextmanager
    def call(self, f: str, value: object = None) -> Iterator[Call]:
        """Around one operation `f` with the argument `value`; inside, call the system and then `ok` or `fail`.

        Left without either, the operation returned None.
        """
        process = self._begin(f, value)
        one = Call()
        try:
            yield one
        except BaseException as error:
            if one.ended is None:
                one.ended = "fail" if isinstance(error, self._refusals) else "info"
            raise
        finally:
            self._end(process, f, one.ended or "ok", one.result)

    @property
    def history(self) -> History:
        """What has been recorded so far."""
        with self._lock:
            recorded = History(self._events)
        return recorded

    def _begin(self, f: str, value: object) -> int:
        with self._lock:
            if self._idle:
                process = self._idle.pop()
            else:
                process, self._processes = self._processes, self._processes + 1
            self._append(process, "invoke", f, value)
        return process

    def _end(self, process: int, f: str, ended: EventType, result: object) -> None:
        with self._lock:
            self._append(process, ended, f, result)
            if ended != "info":  # The operation may still take effect, so its process does not come back.
                self._idle.append(process)

    def _append(self, process: int, kind: EventType, f: str, value: object) -> None:
        moment = round(1000 * (time.monotonic() - self._began), 3)
        self._events.append(Event(process=process, type=kind, f=f, value=value, time=moment))
