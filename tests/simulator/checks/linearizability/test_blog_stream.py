"""The check in a stream says what the check of the whole history says, whatever the history and its damage."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple, cast

import msgspec
import pytest

from paxos.messages import RequestId
from simulator.checks.decided_order import Write
from simulator.checks.linearizability.blog_stream import BlogStream
from simulator.checks.linearizability.blog_witness import explains
from simulator.checks.linearizability.operations import pair
from simulator.cluster.history import Event, EventType


class Step(NamedTuple):
    """One thing that happened: a call or return, with its number and name, or a write that was decided."""

    number: int
    name: RequestId | None
    event: Event | None
    decided: tuple[Write, bool] | None = None


def drawn(seed: int) -> list[Step]:
    """A history with an order that explains it: three clients and two nodes, some calls without a return."""
    dice = Random(seed)
    state: tuple[Write, ...] = ()
    states = [state]
    steps: list[Step] = []
    busy: dict[int, tuple[int, RequestId | None, Event, int]] = {}  # With the first state that a local read may show.
    done: dict[int, str] = {}
    floors = {1: 0, 2: 0}
    for turn in range(60):
        for client in range(3):
            if client not in busy:
                number = 10 * turn + client
                event, name = call(dice, number)
                busy[client] = number, name, event, floors.get(event.node, 0)
                steps.append(Step(number, name, event))
        client = dice.choice(sorted(busy))
        number, name, event, floor = busy[client]
        if name is not None and client not in done:
            if dice.random() < 0.1:
                steps.append(Step(number, name, msgspec.structs.replace(event, type="fail")))
                del busy[client]
                continue
            write = cast("Write", (event.f, *cast("list[str]", event.value)))
            done[client], state = apply(state, write)
            states.append(state)
            steps.append(Step(number, name, None, (write, done[client] == "ok")))
            if dice.random() < 0.7:
                continue
        if name is None:
            shown = dice.randrange(floor, len(states)) if event.read else len(states) - 1
            floors[event.node] = max(floors.get(event.node, 0), shown)
            answer: object = view(states[shown], event)
        else:
            answer = done.pop(client)
        kind: EventType = "info" if name is not None and dice.random() < 0.1 else "ok"
        steps.append(Step(number, name, msgspec.structs.replace(event, type=kind, value=answer)))
        del busy[client]
    return steps


def call(dice: Random, number: int) -> tuple[Event, RequestId | None]:
    """One call, by a process of its own: few titles and users, and a content that no other write has."""
    user, title = dice.choice(["ann", "bob"]), dice.choice(["A", "B", "C"])
    choice = dice.random()
    if choice < 0.5:
        f = "post" if choice < 0.25 else "comment"
        event = Event(process=number, type="invoke", f=f, value=[user, title, str(number)])
        return event, ("run-0", number)
    f = dice.choice(["view_all", "view_user", "view_title"])
    value = {"view_all": None, "view_user": user, "view_title": title}[f]
    if dice.random() < 0.5:
        return Event(process=number, type="invoke", f=f, value=value), None
    return Event(process=number, type="invoke", f=f, value=value, read="local", node=dice.choice([1, 2])), None


def apply(state: tuple[Write, ...], write: Write) -> tuple[str, tuple[Write, ...]]:
    """The answer to a write, and the writes that have taken effect after it."""
    f, _, title, _ = write
    exists = any(kind == "post" and title == taken for kind, _, taken, _ in state)
    if exists is (f == "post"):
        return "duplicate title" if exists else "cannot comment", state
    return "ok", (*state, write)


def view(state: tuple[Write, ...], event: Event) -> object:
    """What a view shows."""
    if event.f == "view_all":
        return [[title, user] for kind, user, title, _ in state if kind == "post"]
    if event.f == "view_user":
        return [[kind, title, content] for kind, user, title, content in state if user == event.value]
    about = [(user, content) for _, user, title, content in state if title == event.value]
    return [*about[0], [list(one) for one in about[1:]]] if about else "not found"


def offline(steps: list[Step]) -> bool:
    """The verdict of the check that knows everything."""
    history = pair([step.event for step in steps if step.event is not None])
    return explains(history, [step.decided[0] for step in steps if step.decided is not None])


def in_stream(steps: list[Step]) -> bool:
    """The verdict of the stream: the chain comes as it grows, and what it does not explain yet waits."""
    stream, waiting = BlogStream("run-"), list[Step]()

    def explained() -> Iterator[None]:
        while waiting:
            number, name, event, _ = waiting[0]
            assert event is not None
            if event.type == "invoke":
                stream.called(number, event, name)
            elif not stream.returned(number, event):
                return
            del waiting[0]
            yield

    for step in steps:
        if step.decided is not None:
            assert step.name is not None
            stream.decided(step.name, step.decided[0], took_effect=step.decided[1])
        else:
            waiting.append(step)
        list(explained())
    return not waiting


def shorter_view(dice: Random, steps: list[Step]) -> list[Step]:
    """A view loses its last row."""
    return edited(dice, steps, lambda event: event.f.startswith("view") and isinstance(event.value, list), rows=-1)


def other_result(dice: Random, steps: list[Step]) -> list[Step]:
    """A write gets the other answer."""
    return edited(dice, steps, lambda event: event.f in {"post", "comment"}, rows=0)


def edited(dice: Random, steps: list[Step], fits: Callable[[Event], bool], *, rows: int) -> list[Step]:
    """One return that fits has another value."""
    places = [at for at, (_, _, event, _) in enumerate(steps) if event and event.type == "ok" and fits(event)]
    if not places:
        return steps
    at = dice.choice(places)
    event = steps[at].event
    assert event is not None
    if rows:
        value: Any = event.value[:rows] if event.f != "view_title" else [*event.value[:2], event.value[2][:rows]]  # type: ignore[index]
    else:
        value = "ok" if event.value != "ok" else "duplicate title"
    changed = steps[at]._replace(event=msgspec.structs.replace(event, value=value))
    return [*steps[:at], changed, *steps[at + 1 :]]


def later_call(dice: Random, steps: list[Step]) -> list[Step]:
    """A call moves to just before its return: what happened in between now precedes it."""
    returns = [at for at, step in enumerate(steps) if step.event is not None and step.event.type == "ok"]
    at = dice.choice(returns)
    begun = next(place for place, step in enumerate(steps) if step.number == steps[at].number)
    return [*steps[:begun], *steps[begun + 1 : at], steps[begun], *steps[at:]]


def swapped_decisions(dice: Random, steps: list[Step]) -> list[Step]:
    """Two neighbours on the chain change places. Their effects are those of before."""
    places = [at for at, step in enumerate(steps) if step.decided is not None]
    if len(places) < 2:
        return steps
    which = dice.randrange(len(places) - 1)
    first, second = places[which], places[which + 1]
    one, other = steps[first], steps[second]
    assert one.decided is not None
    assert other.decided is not None
    if one.decided[0][2] == other.decided[0][2]:
        return steps  # Of one title: the effects may change.
    changed = [*steps]
    changed[first], changed[second] = other, one
    return changed


@pytest.mark.parametrize("damage", [None, shorter_view, other_result, later_call, swapped_decisions])
def test_the_stream_agrees_with_the_whole_history(
    damage: Callable[[Random, list[Step]], list[Step]] | None,
) -> None:
    """On a hundred histories, sound and damaged ones; damage is found, and sound ones are explained."""
    verdicts = []
    for seed in range(120):
        steps = drawn(seed)
        if damage is not None:
            steps = damage(Random(seed), steps)
        verdicts.append(offline(steps))
        assert in_stream(steps) == verdicts[-1], seed

    assert all(verdicts) if damage is None else verdicts.count(False) > 10


def test_what_the_chain_does_not_hold_yet_waits() -> None:
    """A file may be read a moment after the answer."""
    stream = BlogStream("run-")
    stream.called(1, Event(process=0, type="invoke", f="post", value=["ann", "A", "x"]), ("run-0", 1))
    answer = Event(process=0, type="ok", f="post", value="ok")

    assert not stream.returned(1, answer)
    stream.decided(("run-0", 1), ("post", "ann", "A", "x"), took_effect=True)
    assert stream.returned(1, answer)


def test_a_request_of_an_earlier_run_needs_no_call() -> None:
    """It was decided before everything that this run's clients called."""
    stream = BlogStream("run-")
    stream.decided(("earlier-0", 1), ("post", "ann", "A", "x"), took_effect=True)
    stream.called(1, Event(process=0, type="invoke", f="view_all"), None)

    assert stream.returned(1, Event(process=0, type="ok", f="view_all", value=[["A", "ann"]]))


def test_a_read_may_go_back_once_when_its_node_has_lost_its_memory() -> None:
    """It begins anew with what is left of its blog, and never goes back from there."""
    stream = BlogStream("run-")
    stream.decided(("earlier-0", 1), ("post", "ann", "A", "x"), took_effect=True)
    views = [[["A", "ann"]], [], [["A", "ann"]], []]
    explained = []
    for number, (view, anew) in enumerate(zip(views, (0, 1, 1, 1), strict=True)):
        asked = Event(process=0, type="invoke", f="view_all", read="local", node=1)
        stream.called(number, asked, None)
        explained.append(
            stream.returned(number, msgspec.structs.replace(asked, type="ok", value=view, anew=anew)),
        )

    assert explained == [True, True, True, False]


def test_a_result_that_is_no_view_is_not_explained() -> None:
    """A broken node may answer anything."""
    stream = BlogStream("run-")
    stream.decided(("earlier-0", 1), ("post", "ann", "A", "x"), took_effect=True)
    for number, value in enumerate([7, [7], [[["A"]]], None, {"A": 1}]):
        stream.called(number, Event(process=number, type="invoke", f="view_all"), None)
        assert not stream.returned(number, Event(process=number, type="ok", f="view_all", value=value))
