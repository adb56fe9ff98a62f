"""Sets whose elements go again: read as a whole, or asked for one by one; compared with plain search."""

from __future__ import annotations

from collections import Counter
from random import Random

import msgspec
import pytest

from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.search import search
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.crossed import crossed
from tests.simulator.checks.linearizability.scripted import script
from tests.simulator.checks.linearizability.test_unambiguous import compared


def edited(events: list[Event], dice: Random) -> list[Event]:
    """The events with one read replaced: by an earlier or later one, or with one element more or less."""
    reads = [at for at, one in enumerate(events) if one.type == "ok" and isinstance(one.value, list)]
    if not reads:
        return events
    at = dice.choice(reads)
    value = set(events[dice.choice(reads)].value or []) if dice.random() < 0.5 else set(events[at].value or [])  # type: ignore[call-overload]
    if dice.random() < 0.5:
        value ^= {dice.choice([one.value for one in events if one.f == "add" and one.type == "invoke"] or [0])}
    return [*events[:at], msgspec.structs.replace(events[at], value=sorted(value)), *events[at + 1 :]]


def asked(seed: int) -> list[Event]:
    """A history of adds, removes and `contains`, of which some return whether they changed the set; a few lie."""
    dice = Random(seed)
    state: set[int] = set()
    moments: list[tuple[float, Event]] = []
    width = dice.choice([0.5, 2, 4, 8])
    for process in range(dice.randint(2, 9)):
        f, element = dice.choice(["add", "remove", "contains"]), dice.randint(1, 4)
        there = element in state
        if f == "add":
            element = element if dice.random() < 0.1 else 10 + process
            there = element not in state
            state.add(element)
        elif f == "remove":
            element = dice.choice(sorted(state)) if state and dice.random() < 0.8 else element
            there = element in state
            state.discard(element)
        result: object = there if dice.random() < 0.95 else not there
        if f != "contains" and dice.random() < 0.5:
            result = element
        moments.append((2 * process - dice.random() * width, Event(process=process, type="invoke", f=f, value=element)))
        if dice.random() < 0.9:
            moments.append((2 * process + dice.random() * width, Event(process=process, type="ok", f=f, value=result)))
    return [event for _, event in sorted(moments, key=lambda entry: entry[0])]


def test_reads_of_busy_clients_agree_with_search() -> None:
    """Few elements and many clients: a read may often come before an element, or after it has gone."""
    verdicts: Counter[str] = Counter()
    for seed in range(300):
        dice = Random(seed)
        events = busy_object("set", dice.randint(4, 16), dice.randint(2, 6), seed, crashes=dice.choice([0, 0.1]))
        verdicts[compared("set", edited(events, dice) if seed % 3 else events)] += 1

    assert verdicts["ok"] > 100
    assert verdicts["violation"] > 50
    assert verdicts["ambiguous"] < 3


def test_elements_asked_for_one_by_one_agree_with_search() -> None:
    """Each is decided alone; the judge finds the same as a search over the whole set."""
    verdicts: Counter[str] = Counter()
    for seed in range(400):
        events = asked(seed)
        verdicts[compared("set", events)] += 1
        explained = search(pair(events).main, MODELS["set"](), None, Budget()).at is None
        assert judge(events, "set").verdict == ("ok" if explained else "violation"), f"seed {seed}"

    assert verdicts["ok"] > 100
    assert verdicts["violation"] > 50


@pytest.mark.slow
def test_sets_agree_with_search_on_very_many() -> None:
    """As above, on a hundred thousand."""
    for seed in range(1_000, 51_000):
        dice = Random(seed)
        events = busy_object("set", dice.randint(4, 16), dice.randint(2, 6), seed, crashes=dice.choice([0, 0.1]))
        compared("set", edited(events, dice) if seed % 3 else events)
        compared("set", asked(seed))


def test_a_stale_read_among_many_busy_clients_is_found() -> None:
    """It shows what the set held a hundred reads before."""
    events = busy_object("set", operations=1_000, clients=50, seed=4)
    reads = [at for at, one in enumerate(events) if one.type == "ok" and one.f == "read"]
    at, before = reads[200], reads[100]
    events[at] = msgspec.structs.replace(events[at], value=events[before].value)

    verdict = judge(events, "set", limit_s=60)

    assert verdict.verdict == "violation"
    assert verdict.prefix == at


def test_a_read_without_an_element_that_all_others_show_is_found() -> None:
    """Other reads began and ended with the element while it was open."""
    first = ["0 invoke add 1", "0 ok add null", "1 invoke read null", "2 invoke read null", "2 ok read [1]"]
    last = ["1 ok read []", "0 invoke remove 1", "0 ok remove null"]

    assert judge(script(*first, *last), "set").verdict == "violation"
    assert judge(script(*first[2:3], *first[:2], *first[3:], *last), "set").verdict == "ok"


def test_a_remove_that_found_nothing_is_believed() -> None:
    """Its answer tells; without one either is possible."""
    events = ["0 invoke add 1", "0 ok add true", "1 invoke remove 1", "1 ok remove {}"]
    later = ["1 invoke contains 1", "1 ok contains false"]

    assert judge(script(*(one.format("false") for one in events)), "set").verdict == "violation"
    assert judge(script(*(one.format("true") for one in events), *later), "set").verdict == "ok"
    assert judge(script(*(one.format("null") for one in events), *later), "set").verdict == "ok"


def test_a_read_that_was_put_early_proves_nothing_of_later() -> None:
    """The sweep lets the read of [2, 3, 4] take effect before the remove of 1 is called; it could do so later."""
    events = crossed("set", 2_001_909, most=7)

    assert compared("set", events) == judge(events, "set").verdict == "ok"


def growing(seed: int) -> list[Event]:
    """Adds, reads of the whole set and `contains`, mixed; the intervals are moved until some have no order."""
    dice = Random(seed)
    many, state = dice.randint(2, 11), set[int]()
    done: list[tuple[str, int | None, object]] = []
    for _ in range(many):
        draw, element = dice.random(), dice.randrange(4)
        if draw < 0.4:
            done.append(("add", element, dice.choice([None, element not in state])))
            state.add(element)
        else:
            done.append(("contains", element, element in state) if draw < 0.7 else ("read", None, sorted(state)))
    moments = [2.0 * at for at in range(many)]
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        one, other = dice.randrange(many), dice.randrange(many)
        moments[one], moments[other] = moments[other], moments[one]
    width, crashes = dice.choice([0.5, 2, 3, 6, 10]), dice.choice([0, 0, 0.1, 0.3])
    events: list[tuple[float, Event]] = []
    for process, (moment, (f, arg, result)) in enumerate(zip(moments, done, strict=True)):
        events.append((moment - dice.random() * width, Event(process=process, type="invoke", f=f, value=arg)))
        if dice.random() >= crashes:
            events.append((moment + dice.random() * width, Event(process=process, type="ok", f=f, value=result)))
    return [event for _, event in sorted(events, key=lambda entry: entry[0])]


def test_reads_of_the_whole_set_and_of_its_elements_need_no_search_while_it_grows() -> None:
    """Elements may be added again, and it may begin with some."""
    verdicts = Counter(compared("set", growing(seed), first) for seed in range(400) for first in ([], [1]))

    assert verdicts["ok"] > 100
    assert verdicts["violation"] > 100
    assert not verdicts["ambiguous"]
