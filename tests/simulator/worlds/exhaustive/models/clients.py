"""Clients of a register: each sends one PUT, and one GET once that is answered (`models.md`, Stateright's harness)."""

from __future__ import annotations

from typing import Any

from simulator.worlds.exhaustive.actors import Actors


class WithClients(Actors[tuple[Any, ...], tuple[Any, ...]]):
    """Servers have places 0 to `servers` - 1; clients follow. A client's state is (what it waits for,)."""

    def __init__(self, servers: int, clients: int) -> None:
        super().__init__(servers + clients)
        self.servers = servers

    def begin(self, place: int) -> tuple[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]]:
        """A client has its PUT on its way."""
        if place < self.servers:
            return self.begin_server(place), []
        value = chr(ord("A") + place - self.servers)
        return ("put", place), [(place % self.servers, ("PUT", place, value))]

    def receive(
        self, place: int, state: tuple[Any, ...], source: int, message: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] | None:
        """A client goes on to its GET; a server does what its kind does."""
        if place < self.servers:
            return self.serve(place, state, source, message)
        match state, message:
            case ("put", number), ("PUT-OK", asked) if asked == number:
                return ("get", 2 * place), [((place + 1) % self.servers, ("GET", 2 * place))]
            case ("get", number), ("GET-OK", asked, _) if asked == number:
                return ("done",), []
        return None

    def begin_server(self, place: int) -> tuple[Any, ...]:
        """A server's first state."""
        raise NotImplementedError

    def serve(
        self, place: int, state: tuple[Any, ...], source: int, message: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] | None:
        """What a server does with a message."""
        raise NotImplementedError


class SingleCopy(WithClients):
    """One server with one value, which starts empty."""

    def __init__(self, clients: int) -> None:
        super().__init__(1, clients)

    def begin_server(self, place: int) -> tuple[Any, ...]:
        """No value."""
        return ("",)

    def serve(
        self, place: int, state: tuple[Any, ...], source: int, message: tuple[Any, ...]
    ) -> tuple[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]] | None:
        """PUT replaces the value; GET returns it."""
        if message[0] == "PUT":
            return (message[2],), [(source, ("PUT-OK", message[1]))]
        return state, [(source, ("GET-OK", message[1], state[0]))]
