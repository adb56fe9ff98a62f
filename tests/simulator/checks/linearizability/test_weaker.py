"""Weaker promises: compared with trying every order, and what follows from what."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from simulator.checks.command import check_files
from simulator.checks.history_generator import busy_blog
from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous
from simulator.checks.linearizability.weaker import decided_weaker, judge_weaker
from simulator.checks.linearizability.weaker_search import searched_weaker
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from simulator.errors import InputError
from tests.simulator.checks.linearizability.brute import ANY, STEPS
from tests.simulator.checks.linearizability.crossed import crossed
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script

MODELS = ["register", "cas-register", "kv", "blog"]
FIRST = {"register": 0, "cas-register": 0}


def sequential(events: list[Event], model: str) -> bool:
    """Try every order that keeps the order of each process."""
    lines: dict[int, list[list[Any]]] = {}
    for event in events:
        line = lines.setdefault(event.process, [])
        if event.type == "invoke":
            line.append([event.f, event.value, ANY])
        elif event.type == "ok":
            line[-1][2] = event.value
        elif event.type == "fail":
            line.pop()
    seen = set()

    def explained(came: tuple[int, ...], state: Any) -> bool:
        processes = list(zip(came, lines.values(), strict=True))
        if all(line[at:] == [] or line[at][2] is ANY for at, line in processes):
            return True
        if (came, repr(state)) in seen:
            return False
        seen.add((came, repr(state)))
        for process, (at, line) in enumerate(processes):
            if at < len(line):
                legal, after = STEPS[model](state, *line[at])
                if legal and explained((*came[:process], at + 1, *came[process + 1 :]), after):
                    return True
        return False

    return explained((0,) * len(lines), FIRST.get(model))


@pytest.mark.parametrize("model", MODELS)
def test_sequential_agrees_with_trying_every_order(model: str) -> None:
    """On small histories of which many are wrong."""
    verdicts: Counter[str] = Counter()
    for seed in range(400):
        events = draw(model, seed, most=9).events
        verdict = judge_weaker(events, model, "sequential", FIRST.get(model)).verdict
        assert verdict == ("ok" if sequential(events, model) else "violation"), f"seed {seed}"
        verdicts[verdict] += 1
    assert verdicts["violation"] > 10


@pytest.mark.parametrize("model", MODELS)
def test_what_is_linearizable_keeps_every_weaker_promise(model: str) -> None:
    """`stale 0` is the same promise, and `stale 2` is weaker than `stale 1`; a regular history may be neither."""
    weaker: Counter[str] = Counter()
    for seed in range(200):
        events = draw(model, seed, most=8, distinct=seed % 2 == 0).events
        strict = judge(events, model, FIRST.get(model)).verdict
        kept = {
            promise: judge_weaker(events, model, promise, FIRST.get(model)).verdict == "ok"
            for promise in ("sequential", "regular", "stale 0", "stale 1", "stale 2")
        }
        assert kept["stale 0"] is (strict == "ok"), f"seed {seed}"
        assert kept["stale 1"] <= kept["stale 2"], f"seed {seed}"
        assert strict != "ok" or all(kept.values()), f"seed {seed}"
        weaker.update(promise for promise, holds in kept.items() if holds and strict != "ok")
    assert weaker["sequential"]
    assert weaker["stale 2"]


def few_processes(events: list[Event], dice: Random) -> list[Event]:
    """The same operations by as few processes as their intervals allow, or a few more."""
    named: dict[int, int] = {}
    idle: list[int] = []
    for event in events:
        if event.type == "invoke":
            named[event.process] = idle.pop(dice.randrange(len(idle))) if idle and dice.random() < 0.8 else len(named)
        else:
            idle.append(named[event.process])
    return [msgspec.structs.replace(event, process=named[event.process]) for event in events]


def weaker_agrees(seed: int, verdicts: Counter[str]) -> None:
    """The direct decisions of a register with distinct values, against the searches."""
    dice = Random(seed)
    events = draw("register", seed, most=10, distinct=True).events
    if seed % 3:
        events = few_processes(crossed("register", seed, most=5), dice)
    for promise, behind in (("sequential", 0), ("regular", 0), ("stale", 1), ("stale", 2)):
        verdicts[f"{promise} {compared(events, 'register', promise, behind, 0)}"] += 1


def compared(events: list[Event], model: str, promise: str, behind: int = 0, init: Any = None) -> str:
    """The direct decision (or "undecided"), after comparing it with the search."""
    try:
        verdict = "violation" if decided_weaker(events, model, promise, behind, init) else "ok"
    except Ambiguous:
        return "undecided"
    searched = searched_weaker(events, model, promise, behind, init, budget=Budget())
    assert verdict == ("violation" if searched else "ok"), (promise, behind, events)
    return verdict


def test_distinct_values_are_decided_as_a_search_would() -> None:
    """Nearly all of them; only staleness leaves some to the search."""
    verdicts: Counter[str] = Counter()
    for seed in range(600):
        weaker_agrees(seed, verdicts)

    assert min(verdicts[f"{promise} violation"] for promise in ("sequential", "regular", "stale")) > 20
    assert verdicts["sequential undecided"] == verdicts["regular undecided"] == 0
    assert verdicts["stale undecided"] < 12


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_distinct_values_are_decided_as_a_search_would_very_often() -> None:
    """Thirty thousand histories."""
    for seed in range(1_000, 31_000):
        weaker_agrees(seed, Counter())


def of_two_keys(model: str, seed: int) -> list[Event]:
    """Few processes on two registers or lists: each key alone is nearly right, some operations have changed places."""
    dice = Random(f"{model} {seed}")
    many, processes, lists = dice.randint(2, 12), dice.randint(1, 4), model == "append-list"
    held: dict[str, list[int]] = {"a": [], "b": []}
    done: list[tuple[int, str, Any, Any]] = []
    for value in range(many):
        key, process = dice.choice("ab"), dice.randrange(processes)
        if dice.random() < 0.5:
            held[key].append(value)
            done.append((process, "append" if lists else "write", [key, value], [key, value]))
        else:
            shown: Any = list(held[key]) if lists else (held[key][-1] if held[key] else None)
            done.append((process, "read", [key, None], [key, shown]))
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        one, other = dice.randrange(many), dice.randrange(many)
        done[one], done[other] = done[other], done[one]
    events: list[Event] = []
    gone: set[int] = set()
    for process, f, arg, result in done:
        if process not in gone:
            events.append(Event(process=process, type="invoke", f=f, value=arg))
            if dice.random() < 0.1:
                gone.add(process)
            else:
                events.append(Event(process=process, type="ok", f=f, value=result))
    return events


def sequential_agrees(model: str, seed: int) -> str:
    """What is decided about a sequential history, compared with the search: of several keys, or of a blog."""
    if model in {"register", "append-list"}:
        return compared(of_two_keys(model, seed), model, "sequential")
    return compared(draw(model, seed, most=12, distinct=seed % 3 != 0).events, model, "sequential")


@pytest.mark.parametrize("model", ["register", "append-list", "kv", "blog"])
def test_sequential_is_decided_as_a_search_would(model: str) -> None:
    """Where views or distinct values name the writes, nearly always without a search."""
    verdicts = Counter(sequential_agrees(model, seed) for seed in range(400))

    assert verdicts["violation"] > 30
    assert verdicts["undecided"] < (60 if model == "kv" else 4)


def stale_agrees(seed: int) -> list[str]:
    """What is decided about a blog with stale views, compared with the search."""
    events = draw("blog", seed, most=12, distinct=seed % 3 != 0).events
    return [compared(events, "blog", "stale", behind) for behind in (0, 1, 2)]


def test_staleness_of_a_blog_is_decided_as_a_search_would() -> None:
    """Nearly always."""
    verdicts = Counter(verdict for seed in range(250) for verdict in stale_agrees(seed))

    assert verdicts["violation"] > 40
    assert verdicts["undecided"] < 10


@pytest.mark.slow
@pytest.mark.timeout(7_200)
def test_staleness_of_a_blog_is_decided_as_a_search_would_very_often() -> None:
    """Ten thousand histories, three questions each."""
    for seed in range(1_000, 11_000):
        stale_agrees(seed)


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("model", ["register", "append-list", "kv", "blog"])
def test_sequential_is_decided_as_a_search_would_very_often(model: str) -> None:
    """Twenty thousand histories of each."""
    for seed in range(1_000, 21_000):
        sequential_agrees(model, seed)


def test_what_a_busy_blog_with_one_stale_view_keeps_is_decided_without_a_search() -> None:
    """Twenty clients; one view shows what another one showed long before."""
    events = list(busy_blog(2_000, 20, seed=3).events)
    views = [at for at, one in enumerate(events) if one.type == "ok" and one.f == "view_all"]
    late, early = views[len(views) * 2 // 3], views[len(views) // 3]
    events[late] = msgspec.structs.replace(events[late], value=events[early].value)

    verdict = judge_weaker(events, "blog", "sequential", limit_s=60)
    stale = judge_weaker(events, "blog", "stale 10", limit_s=60)

    assert verdict.verdict == stale.verdict == "violation"
    assert "in the same process" in verdict.why
    assert verdict.misfit is not None
    assert verdict.prefix < len(events)
    assert len(verdict.conflict) > 1
    assert "misses post" in stale.why
    assert judge_weaker(events, "blog", "stale 2000", limit_s=60).ok


def test_the_shortest_prefix_that_breaks_a_weaker_promise_is_told() -> None:
    """Of a sequential history it fails whatever follows: a value that is written later may come first."""
    events = script(
        "0 invoke read null", "0 ok read 1", "1 invoke write 1", "1 ok write 1",
        "1 invoke read null", "1 ok read 0", "2 invoke read null", "2 ok read 1",
    )  # fmt: skip

    early = judge_weaker(events[:2], "register", "sequential", 0)
    verdict = judge_weaker(events, "register", "sequential", 0)
    stale = judge_weaker(events, "register", "stale 1", 0)

    assert early.verdict == "violation"
    assert verdict.why.startswith("The first 6 of 8 events fail already: ")
    assert (verdict.prefix, verdict.misfit) == (5, 4)
    assert stale.why.startswith("The first 2 of 8 events fail already: ")


def test_what_a_long_history_with_one_stale_read_keeps() -> None:
    """Twenty busy clients: sequential or not, how stale, and why, without a search."""
    events = busy_object("register", operations=2_000, clients=20, seed=1)
    reads = [at for at, one in enumerate(events) if one.type == "ok" and one.f == "read"]
    late, early = reads[500], reads[470]
    events[late] = msgspec.structs.replace(events[late], value=events[early].value)

    kept = {
        promise: judge_weaker(events, "register", promise, limit_s=20).verdict
        for promise in ("regular", "stale 1", "stale 60")
    }

    assert kept == {"regular": "violation", "stale 1": "violation", "stale 60": "ok"}
    assert judge_weaker(events, "register", "sequential", limit_s=20).verdict != "unknown"


def test_a_circle_of_processes_is_named() -> None:
    """Two readers see two values in two orders."""
    writes = ["0 invoke write 1", "0 ok write 1", "1 invoke write 2", "1 ok write 2"]
    events = script(
        *writes, "2 invoke read null", "2 ok read 1", "3 invoke read null", "3 ok read 2",
        "2 invoke read null", "2 ok read 2", "3 invoke read null", "3 ok read 1",
    )  # fmt: skip

    why = judge_weaker(events, "register", "sequential", 0).why

    assert "the values would have to follow one another in a circle: read() of process" in why


def test_a_stale_read_is_sequential_and_stale_but_not_regular() -> None:
    """The write had ended before the read began."""
    events = script("0 invoke write 1", "0 ok write 1", "1 invoke read null", "1 ok read 0")

    assert judge_weaker(events, "register", "sequential", 0).ok
    assert judge_weaker(events, "register", "stale 1", 0).ok
    refused = judge_weaker(events, "register", "regular", 0)
    assert refused.verdict == "violation"
    assert "read() of process 1 (events 3 to 4, told 0) alone: " in refused.why


def test_new_then_old_is_regular_while_the_write_is_under_way() -> None:
    """Two reads one after the other see the new value and then the old one: atomic registers exclude that."""
    events = script(
        "0 invoke write 1", "1 invoke read null", "1 ok read 1", "1 invoke read null", "1 ok read 0", "0 ok write 1"
    )  # fmt: skip

    assert judge_weaker(events, "register", "regular", 0).ok
    assert judge_weaker(events, "register", "sequential", 0).verdict == "violation"


def test_keys_share_one_order_in_a_sequential_history() -> None:
    """Each key alone is sequential, both together are not (Lamport's example)."""
    events = script(
        '0 invoke put ["x","1"]', '0 ok put ["x","1"]', '1 invoke put ["y","1"]', '1 ok put ["y","1"]',
        '0 invoke get ["y",null]', '0 ok get ["y",""]', '1 invoke get ["x",null]', '1 ok get ["x",""]',
    )  # fmt: skip

    assert judge_weaker(events, "kv", "sequential").verdict == "violation"
    assert judge_weaker(events[:6], "kv", "sequential").ok


@pytest.mark.parametrize("promise", ["eventual", "stale", "stale x", "sequential 2", "stale -1"])
def test_an_unknown_promise_is_refused(promise: str, tmp_path: Path) -> None:
    """Before a file is read."""
    with pytest.raises(InputError, match="write linearizable, sequential, regular or stale N"):
        check_files([str(tmp_path / "nowhere")], model="register", consistency=promise)


def test_the_command_names_the_promise(tmp_path: Path) -> None:
    """Linearizable needs no name."""
    path = tmp_path / "history.jsonl"
    path.write_text('{"process":0,"type":"invoke","f":"read"}\n{"process":0,"type":"ok","f":"read","value":null}\n')

    [verdict] = check_files([str(path)], model="register", consistency="stale 1")

    assert (verdict["verdict"], verdict["consistency"]) == ("ok", "stale 1")
