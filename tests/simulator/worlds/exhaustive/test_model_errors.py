"""A model that is not a model: one sentence that says what, where, and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

import pytest

from simulator.worlds.exhaustive.model import Model, Property, always
from simulator.worlds.exhaustive.model_errors import ModelError
from simulator.worlds.exhaustive.search import Search


class Odd(Model[Any, Any]):
    """A model of parts that may be wrong."""

    def __init__(
        self,
        steps: Callable[[Any], Any] = lambda state: [("on", state + 1)] if state < 5 else [],
        first: Any = (0,),
        properties: Any = (),
    ) -> None:
        self._steps, self._first, self._properties = steps, first, properties

    def first(self) -> Iterable[Any]:
        """What was given."""
        if callable(self._first):
            raise self._first("no first state")
        return self._first  # type: ignore[no-any-return]

    def steps(self, state: Any) -> Iterable[tuple[Any, Any]]:
        """What was given."""
        return self._steps(state)  # type: ignore[no-any-return]

    def properties(self) -> Any:
        """What was given."""
        return self._properties


class Squaring(Odd):
    """Fingerprints that leave 64 bits."""

    def fingerprint(self, state: int) -> int:
        """Far too large after a while."""
        return int(10 ** (state * 5))


class Worded(Odd):
    """Fingerprints that change their kind."""

    def fingerprint(self, state: int) -> Any:
        """Three is a word."""
        return "three" if state == 3 else state


class Turning(Odd):
    """What stands for a state does not stand for itself."""

    def canonical(self, state: int) -> int:
        """Another one, each time."""
        return (state + 1) % 7


def fail(_state: object) -> bool:
    """Property or steps of a careless author."""
    raise KeyError("leader")


def at_three(value: object) -> Callable[[int], object]:
    """Steps that go on to 3, and from there give `value`."""
    return lambda state: value if state == 3 else [("on", state + 1)]


asked = count()
WRONG: dict[str, tuple[Callable[[], Any], str]] = {
    "a number": (lambda: 7, "7 is no model: derive its class from Model"),
    "a class": (lambda: Odd, "Odd is a class, and a search takes a model"),
    "no first state": (lambda: Odd(first=()), "Odd.first() gives no state"),
    "first is no list": (lambda: Odd(first=None), "Odd.first() fails (TypeError"),
    "first fails": (lambda: Odd(first=ValueError), "Odd.first() fails (ValueError: no first state)"),
    "first cannot be hashed": (lambda: Odd(first=([1],)), "Odd gives the state [1] in first(), which cannot be hashed"),
    "properties are none": (lambda: Odd(properties=None), "Odd.properties() fails (TypeError"),
    "a property is a function": (lambda: Odd(properties=[fail]), "which is no property"),
    "a property of another kind": (lambda: Odd(properties=[Property("never", "x", fail)]), "which is no property"),  # type: ignore[arg-type]
    "two of a name": (lambda: Odd(properties=[always("x", bool), always("x", fail)]), "two of the name 'x'"),
    "a property fails": (lambda: Odd(properties=[always("led", fail)]), "the property 'led' of Odd fails (Key"),
    "steps are none": (lambda: Odd(at_three(None)), "Odd.steps() fails (TypeError: 'NoneType' object is not"),
    "steps are numbers": (lambda: Odd(at_three([4])), "Odd.steps() gives 4 from 3: each step is a pair"),
    "a step has no name": (lambda: Odd(at_three([(4,)])), "Odd.steps() gives (4,) from 3: each step is a pair"),
    "a step is a triple": (lambda: Odd(at_three([("on", 4, 5)])), "Odd.steps() gives ('on', 4, 5) from 3: each"),
    "steps fail": (lambda: Odd(lambda s: at_three(0)(s) if s < 3 else fail(s)), "Odd.steps() fails (KeyError: 'lead"),
    "a state is a list": (lambda: Odd(at_three([("on", [4])])), "Odd gives the state [4] from 3, which cannot"),
    "more steps each time": (lambda: Odd(lambda _: [("on", next(asked))]), "that it does not give again"),
    "a fingerprint is long": (Squaring, "Squaring.fingerprint() gives 10000000000000000000"),
    "a fingerprint is a word": (Worded, "Worded.fingerprint() gives 'three' for 3"),
    "canonical turns": (Turning, "which it gave for another state"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_model_that_is_none_is_told_in_one_sentence(name: str) -> None:
    """What is wrong, where, and what would be right; never a loop without end or a wrong count."""
    make, sentence = WRONG[name]

    with pytest.raises(ModelError) as raised:
        Search(make()).run()

    assert sentence in str(raised.value)
    assert "\n" not in str(raised.value)
    assert str(raised.value).endswith(".")


def test_the_error_of_the_models_own_code_stands_behind_the_sentence() -> None:
    """For the author's debugger."""
    with pytest.raises(ModelError) as raised:
        Search(Odd(fail)).run()

    assert isinstance(raised.value.__cause__, KeyError)


class Shuffled(Model[int, str]):
    """The same steps in another order each time."""

    def __init__(self) -> None:
        self.turn = 0

    def first(self) -> Iterable[int]:
        """One."""
        return [1]

    def steps(self, state: int) -> list[tuple[str, int]]:
        """Twice, or one more, now this first and now that."""
        self.turn += 1
        steps = [("double", 2 * state), ("add", state + 1)] if state < 300 else []
        return steps[:: 1 if self.turn % 3 else -1]

    def properties(self) -> list[Property[int]]:
        """It never comes to 97."""
        return [always("not 97", lambda state: state != 97)]


def test_a_path_is_found_whatever_the_order_of_steps() -> None:
    """The states are known by what they are, and not by the place of a step."""
    (found,) = Search(Shuffled()).run().found

    state = 1
    for step in found.steps:
        state = 2 * state if step == "double" else state + 1
    assert (state, len(found.steps)) == (97, 8)
