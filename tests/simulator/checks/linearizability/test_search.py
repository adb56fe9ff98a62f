"""The search, compared with trying every order; and its limits."""

from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.model import UNKNOWN
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.search import search
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.brute import STEPS, linearizable
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script

OTHERS = sorted(set(MODELS) - {"blog"})
FIRST = {"register": 0, "cas-register": 0}


@pytest.mark.parametrize("model", OTHERS)
def test_search_agrees_with_trying_every_order(model: str) -> None:
    """A thousand small histories of each model: correct and wrong ones, with pending and failed operations."""
    verdicts: Counter[str] = Counter()
    for seed in range(1_000):
        events = draw(model, seed, most=9).events

        verdict = judge(events, model, FIRST.get(model)).verdict

        explained = linearizable(events, STEPS[model], False if model == "mutex" else FIRST.get(model))
        assert verdict == ("ok" if explained else "violation"), f"seed {seed}"
        verdicts[verdict] += 1
    assert verdicts["ok"] > 100
    assert verdicts["violation"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("model", OTHERS)
def test_search_agrees_with_trying_every_order_of_longer_histories(model: str) -> None:
    """The same, ten times as many and with more operations."""
    for seed in range(1_000, 11_000):
        events = draw(model, seed, most=11).events
        explained = linearizable(events, STEPS[model], False if model == "mutex" else FIRST.get(model))
        assert judge(events, model, FIRST.get(model)).verdict == ("ok" if explained else "violation"), f"seed {seed}"


def test_a_blind_write_that_changes_nothing_can_still_hide_another() -> None:
    """Write 1, write 0, cas 0 to 2: the write of 0 is needed although the register starts with 0."""
    events = script(
        "0 invoke write 0", "1 invoke cas [0,2]", "2 invoke write 1", "1 ok cas [0,2]", "2 ok write 1", "0 ok write 0",
        "3 invoke read null", "3 ok read 2",
    )  # fmt: skip

    assert judge(events, "cas-register", 0).verdict == "ok"


def test_a_failed_cas_sees_what_a_read_does_not_show() -> None:
    """Write 2, read 2, write 0, then a cas from 2 fails: no read shows the 0, and it must be there."""
    events = script(
        "0 invoke write 2", "2 invoke read null", "1 invoke write 0", "0 ok write 2", "0 invoke cas [2,1]",
        "2 ok read 2", "1 ok write 0", "0 ok cas false",
    )  # fmt: skip

    assert judge(events, "cas-register", 0).verdict == "ok"


def test_an_unfinished_write_may_take_effect_late_or_never() -> None:
    """The same pending write explains a new value read much later, and an old one read before."""
    begin = ["0 invoke write 1", "0 info write null", "1 invoke read null", "1 ok read 0", "1 invoke read null"]

    assert judge(script(*begin, "1 ok read 1"), "register", 0).verdict == "ok"
    assert judge(script(*begin, "1 ok read 0"), "register", 0).verdict == "ok"
    assert (
        judge(script(*begin, "1 ok read 1", "1 invoke read null", "1 ok read 0"), "register", 0).verdict == "violation"
    )


def test_a_set_is_judged_as_a_whole() -> None:
    """Each element alone is correct for both readers; together they are a violation."""
    events = script(
        '0 invoke add "a"', '1 invoke add "b"', "2 invoke read null", "3 invoke read null",
        '2 ok read ["a"]', '3 ok read ["b"]', '0 ok add "a"', '1 ok add "b"',
    )  # fmt: skip

    assert judge(events, "set").verdict == "violation"


def test_keys_are_judged_one_by_one() -> None:
    """Forty busy clients on ten keys: hopeless as one object, fast key by key."""
    events: list[Event] = []
    for round_number in range(50):
        calls = [(client, str(client % 10), f"{round_number}-{client} ") for client in range(40)]
        events += [Event(process=p, type="invoke", f="append", value=[key, text]) for p, key, text in calls]
        events += [Event(process=p, type="ok", f="append", value=[key, text]) for p, key, text in reversed(calls)]
    texts = {str(key): "" for key in range(10)}
    for event in events:
        if event.type == "ok" and isinstance(event.value, list):
            texts[event.value[0]] += event.value[1]
    for key, text in texts.items():
        events += [Event(process=0, type=kind, f="get", value=[key, text]) for kind in ("invoke", "ok")]

    assert judge(events, "kv").verdict == "ok"


def test_true_is_not_one() -> None:
    """JSON distinguishes them, so a register does."""
    events = script("0 invoke write true", "0 ok write true", "0 invoke read null", "0 ok read 1")

    assert judge(events, "register").verdict == "violation"


@pytest.mark.parametrize("model", OTHERS)
def test_hints_of_a_model_are_true(model: str) -> None:
    """A pure operation changes nothing; a blind one is legal anywhere and forgets the state before it."""
    judged = MODELS[model]()
    seen = 0
    for seed in range(200):
        operations = pair(draw(model, seed, most=9).events).main
        states = {judged.initial(None), judged.initial(FIRST.get(model))}
        prepared = []
        for f, arg, result, ret in zip(operations.f, operations.arg, operations.result, operations.ret, strict=True):
            known = UNKNOWN if ret > 1_000 or ret < 0 else result
            prepared.append((f, *judged.prepare(f, arg, known)))
        for f, arg, _ in prepared:
            states |= {judged.step(state, f, arg, UNKNOWN)[1] for state in states}
        for f, arg, result in prepared:
            for state in states:
                legal, after = judged.step(state, f, arg, result)
                seen += 1
                if judged.pure(f, arg, result):
                    assert after == state or not legal
                if judged.blind(f):
                    assert (legal, after) == (True, judged.step(judged.initial(None), f, arg, UNKNOWN)[1])
                shown = judged.shown(f, arg, result)
                if shown is not UNKNOWN:
                    assert legal is (state == shown)
                if legal and not judged.blind(f):
                    assert judged.reaches(state, after)
    assert seen > 1_000


def test_a_bound_in_memory_or_time_gives_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    """The verdict names the limit that was reached."""
    events = [Event(process=p, type="invoke", f="append", value=["k", f"{p}"]) for p in range(16)]
    events += [Event(process=p, type="ok", f="append", value=["k", f"{p}"]) for p in range(16)]
    events += [Event(process=0, type="invoke", f="get", value=["k", None])]
    events += [Event(process=0, type="ok", f="get", value=["k", "nothing like it"])]
    history = pair(events).main

    with pytest.raises(OutOfBudget, match="within 0"):
        search(history, MODELS["kv"](), None, Budget(0.0), lookahead=False)
    monkeypatch.setattr(Budget, "MOST_BYTES", 1 << 20)
    with pytest.raises(OutOfBudget, match="1 MB of memory"):
        search(history, MODELS["kv"](), None, Budget(), lookahead=False)


def test_a_verdict_is_unknown_when_the_time_is_over() -> None:
    """`judge` never raises for a limit."""
    verdict = judge(draw("blog", 1, most=9).events, "blog", limit_s=0.0)

    assert verdict.verdict == "unknown"
    assert "not settled within 0 s" in verdict.why


def test_registers_that_no_transaction_uses_together_are_searched_apart() -> None:
    """Ten busy pairs of registers: a search over all twenty at once would not end."""
    events = []
    for pair_of in range(10):
        ours = busy_object("register", operations=60, clients=4, seed=pair_of)
        for event in ours:
            steps = [["write" if event.f == "write" else "read", f"{pair_of}{key}", event.value] for key in "ab"]
            events.append(msgspec.structs.replace(event, process=10 * event.process + pair_of, f="txn", value=steps))
    mixed = sorted(range(len(events)), key=lambda at: (at % 120, at))

    assert judge([events[at] for at in mixed], "multi-register", limit_s=20).verdict == "ok"
