"""Single-decree Paxos behind a register, as `models.md` describes Stateright's example."""

from __future__ import annotations

from typing import Any, NamedTuple

from tests.simulator.worlds.exhaustive.models.clients import WithClients

Reply = tuple[tuple[Any, ...], list[tuple[int, tuple[Any, ...]]]]


class Server(NamedTuple):
    """A ballot is (round, server); `promises` and `votes` collect the answers to this server's own ballot."""

    ballot: tuple[int, int] = (0, 0)
    proposal: tuple[Any, ...] | None = None
    promises: frozenset[tuple[int, Any]] = frozenset()
    accepted: tuple[Any, ...] | None = None
    votes: frozenset[int] = frozenset()
    decided: bool = False


class PaxosRegister(WithClients):
    """Three servers."""

    def __init__(self, clients: int) -> None:
        super().__init__(3, clients)

    def begin_server(self, place: int) -> Server:
        """Nothing is known."""
        return Server()

    def serve(self, place: int, state: tuple[Any, ...], source: int, message: tuple[Any, ...]) -> Reply | None:
        """One message."""
        assert isinstance(state, Server)
        peers = [server for server in range(3) if server != place]
        kind, *rest = message
        if state.decided:
            if kind == "GET":
                assert state.accepted is not None
                return state, [(source, ("GET-OK", rest[0], state.accepted[1][2]))]
            return None
        if kind == "PUT" and state.proposal is None:
            ballot = (state.ballot[0] + 1, place)
            promises = frozenset({(place, state.accepted)})
            new = state._replace(
                ballot=ballot, proposal=(rest[0], source, rest[1]), promises=promises, votes=frozenset()
            )
            return new, [(peer, ("PREPARE", ballot)) for peer in peers]
        if kind == "PREPARE" and state.ballot < rest[0]:
            return state._replace(ballot=rest[0]), [(source, ("PREPARED", rest[0], state.accepted))]
        if kind == "PREPARED" and rest[0] == state.ballot:
            return self._prepared(state, place, source, rest[1])
        if kind == "ACCEPT" and state.ballot <= rest[0]:
            new = state._replace(ballot=rest[0], accepted=(rest[0], rest[1]))
            return new, [(source, ("ACCEPTED", rest[0]))]
        if kind == "ACCEPTED" and rest[0] == state.ballot:
            votes = state.votes | {source}
            new = state._replace(votes=votes)
            if len(votes) != 2:
                return new, []
            assert state.proposal is not None
            sends: list[tuple[int, tuple[Any, ...]]] = [
                (peer, ("DECIDED", state.ballot, state.proposal)) for peer in peers
            ]
            return new._replace(decided=True), [*sends, (state.proposal[1], ("PUT-OK", state.proposal[0]))]
        if kind == "DECIDED":
            return state._replace(ballot=rest[0], accepted=(rest[0], rest[1]), decided=True), []
        return None

    def _prepared(self, state: Server, place: int, source: int, last: tuple[Any, ...] | None) -> Reply:
        promises = frozenset({*((server, vote) for server, vote in state.promises if server != source), (source, last)})
        new = state._replace(promises=promises)
        if len(promises) != 2:
            return new, []
        votes = [vote for _, vote in promises if vote is not None]
        proposal = max(votes)[1] if votes else state.proposal
        new = new._replace(proposal=proposal, accepted=(state.ballot, proposal), votes=frozenset({place}))
        return new, [(peer, ("ACCEPT", state.ballot, proposal)) for peer in range(3) if peer != place]
