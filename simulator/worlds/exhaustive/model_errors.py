"""A model that is not a model: what is wrong with it, where, and what would be right."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, get_args

from simulator.errors import InputError
from simulator.worlds.exhaustive.model import Kind, Model, Property

MOST_SHOWN = 200
"""How many letters of a value are shown."""

VALUES = "states must be values that can be hashed, as tuples are"
PAIR = "each step is a pair of its name and a state"


class ModelError(InputError):
    """The text says what is wrong with the model, where, and what would be right."""


class Reconsidered(Exception):
    """A model stops a search on purpose; the engine hands on what derives from this as it is."""


def checked_model(model: Model[Any, Any]) -> tuple[list[Property[Any]], list[Any], bool]:
    """The properties and the first states of a model, and whether its fingerprints are whole numbers.

    Raises:
        ModelError: they are none, or it is no model.
    """
    given: object = model
    if isinstance(given, type):
        raise ModelError(f"{given.__name__} is a class, and a search takes a model: write {given.__name__}(…).")
    if not isinstance(given, Model):
        raise ModelError(f"{shown(given)} is no model: derive its class from Model, with first and steps.")
    properties = _listed(model, "properties", model.properties)
    names: set[str] = set()
    for one in properties:
        if not _is_property(one):
            raise ModelError(
                f"{named(model)}.properties() gives {shown(one)}, which is no property: make each with always, "
                "sometimes or eventually, of a name and a function of a state."
            )
        if one.name in names:
            raise ModelError(f"{named(model)}.properties() has two of the name {one.name!r}: give each its own.")
        names.add(one.name)
    first = _listed(model, "first", model.first)
    if not first:
        raise ModelError(f"{named(model)}.first() gives no state: a search needs one to begin with.")
    numbers = type(model).fingerprint is not Model.fingerprint and isinstance(_given(model, first[0]), int)
    for state in first:
        wrong = _wrong_state(model, state, "in first()", numbers=numbers)
        if wrong is not None:
            raise ModelError(wrong)
    return properties, first, numbers


def explained(model: Model[Any, Any], states: Iterable[Any], error: Exception, *, numbers: bool) -> Exception:
    """The error to raise in place of one that came while steps were taken from these states.

    `numbers`: fingerprints are whole numbers.
    """
    if isinstance(error, (InputError, Reconsidered, MemoryError, OSError)):
        return error
    for state in states:
        wrong = _wrong_at(model, state, numbers=numbers)
        if wrong is not None:
            return ModelError(wrong)
    return ModelError(f"{named(model)} fails ({_described(error)}), and does not when it is asked again.")


def asked_again(model: Model[Any, Any], state: Any, afters: Sequence[Any], keys: Sequence[Hashable]) -> None:
    """Compare the steps from a state with those that it gives when it is asked again.

    Raises:
        ModelError: they lead to other states, or are no pairs, or what stands for a state does not stand for itself.
    """
    again = list(model.steps(state))
    for step in again:
        if not _is_pair(step):
            raise ModelError(f"{named(model)}.steps() gives {shown(step)} from {shown(state)}: {PAIR}.")
    if {model.fingerprint(model.canonical(after)) for _, after in again} != set(keys):
        raise lost(model, state)
    for after in afters[:1]:
        if model.canonical(after) != after:
            raise ModelError(
                f"{named(model)}.canonical() gives {shown(model.canonical(after))} for {shown(after)}, which it gave "
                "for another state: what stands for equal states must stand for itself too."
            )


def judged(model: Model[Any, Any], one: Property[Any], state: Any, error: Exception) -> Exception:
    """The error to raise in place of one that came from a property."""
    if isinstance(error, (InputError, Reconsidered, MemoryError, OSError)):
        return error
    return ModelError(f"the property {one.name!r} of {named(model)} fails ({_described(error)}) in {shown(state)}.")


def lost(model: Model[Any, Any], state: Any) -> ModelError:
    """No step from `state` leads where one led before."""
    return ModelError(
        f"{named(model)}.steps() gave a step from {shown(state)} that it does not give again: it must give the same "
        "steps each time, whatever was asked before."
    )


def not_kept(model: Model[Any, Any], why: str) -> ModelError:
    """A search of this model cannot be kept in a folder."""
    return ModelError(
        f"a search of {named(model)} cannot be kept in a folder, since {why}: states must be plain tuples of whole "
        "numbers, and fingerprint must give whole numbers, as hash does."
    )


def named(model: Model[Any, Any]) -> str:
    """The name of its class."""
    return type(model).__name__


def shown(value: object) -> str:
    """A value for people, shortened."""
    try:
        text = repr(value)
    except Exception as error:  # noqa: BLE001  It is somebody else's code, and only for show.
        text = f"a {type(value).__name__} whose repr fails ({_described(error)})"
    text = " ".join(text.split())
    return text if len(text) <= MOST_SHOWN else f"{text[: MOST_SHOWN - 1]}…"


def _listed(model: Model[Any, Any], what: str, give: Callable[[], Iterable[Any]]) -> list[Any]:
    try:
        given = give()
        found = list(given)
    except (InputError, Reconsidered, MemoryError, OSError):
        raise
    except Exception as error:
        raise ModelError(f"{named(model)}.{what}() fails ({_described(error)}): it must give a list.") from error
    return found


def _wrong_at(model: Model[Any, Any], state: Any, *, numbers: bool) -> str | None:
    """What is wrong with the steps from one state, the first thing that is; None: nothing."""
    where = f"from {shown(state)}"
    try:
        steps = list(model.steps(state))
    except Exception as error:  # noqa: BLE001  Whatever a model's code raises is told.
        return f"{named(model)}.steps() fails ({_described(error)}) {where}: it must give pairs of a name and a state."
    for step in steps:
        if not _is_pair(step):
            return f"{named(model)}.steps() gives {shown(step)} {where}: {PAIR}."
        wrong = _wrong_state(model, step[1], where, numbers=numbers)
        if wrong is not None:
            return wrong
    return None


def _wrong_state(model: Model[Any, Any], state: Any, where: str, *, numbers: bool) -> str | None:
    try:
        hash(state)
    except TypeError:
        return f"{named(model)} gives the state {shown(state)} {where}, which cannot be hashed: {VALUES}."
    for what, ask in (("canonical", model.canonical), ("fingerprint", model.fingerprint)):
        try:
            given = ask(state)
            hash(given)
        except Exception as error:  # noqa: BLE001
            return f"{named(model)}.{what}() fails ({_described(error)}) for {shown(state)}, {where}: {VALUES}."
        if what == "fingerprint" and numbers and _too_long(given):
            return (
                f"{named(model)}.fingerprint() gives {shown(given)} for {shown(state)}: it must be of one kind "
                "for all states; a whole number is from -2**63 to 2**63 - 1, as hash gives it."
            )
    return None


def _given(model: Model[Any, Any], state: Any) -> object:
    try:
        return model.fingerprint(model.canonical(state))
    except Exception:  # noqa: BLE001  What is wrong is told when the state is looked at.
        return None


def _is_pair(step: object) -> bool:
    return isinstance(step, tuple) and len(step) == 2


def _is_property(one: object) -> bool:
    return isinstance(one, Property) and one.kind in get_args(Kind) and callable(one.holds)


def _too_long(given: object) -> bool:
    return not isinstance(given, int) or not -(1 << 63) <= given < 1 << 63


def _described(error: BaseException) -> str:
    text = " ".join(str(error).split())[:MOST_SHOWN]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
