"""The interactive console: nothing blocks, mistakes are reported, words are completed."""

from __future__ import annotations

from typing import Any

from simulator.cluster.events import HeldMessage
from simulator.scenario.language.completion import complete
from simulator.screens.console.live import LineConsole
from tests.simulator.scenario.fake import FakeCluster
from tests.simulator.scenario.session.telling import Notebook


def test_a_mistake_is_reported_and_the_session_goes_on() -> None:
    """A mistake is reported with a caret below it and the right word; a command that cannot run is reported too."""
    notebook = Notebook()
    console = LineConsole(FakeCluster(), notebook)

    assert console.run("psot x")
    assert console.run("")
    assert console.run("@minority status")
    assert not console.run("quit")

    assert notebook.lines == [
        "^",
        "column 1: there is no command 'psot': did you mean 'post'?",
        "there is no minority side that is up now.",
    ]


def test_an_interrupted_wait_ends_early() -> None:
    """The cluster and the session go on."""
    notebook = Notebook()
    console = LineConsole(FakeCluster(), notebook)

    console.interrupt()
    console.run("sleep 60s")
    console.run("post alice Hello x")

    assert notebook.lines == ["(no longer waiting)", "NEW POST Hello from alice"]


def test_commands_are_completed() -> None:
    """Old command words are understood, but not offered."""
    assert complete("pa", nodes=5) == ["pause", "partition"]
    assert complete("@3 cra", nodes=5) == ["crash"]
    assert set(complete("at 2s he", nodes=5)) == {"help", "held", "heal"}
    assert "kill" not in complete("", nodes=5)


def test_what_a_command_takes_is_completed() -> None:
    """Nodes by their number or by a word, keywords, users and titles that were typed before."""
    names: Any = {"titles": ["Hello", "A title"], "users": ["alice"]}

    assert complete("crash le", nodes=5, **names) == ["leader"]
    assert {"1", "5", "all"} <= set(complete("crash ", nodes=5, **names))
    assert "6" not in complete("crash ", nodes=5, **names)
    assert complete("comment ", nodes=5, **names) == ["alice"]
    assert complete("comment alice ", nodes=5, **names) == ["Hello", '"A title"']
    assert complete("view title H", nodes=5, **names) == ["Hello"]
    assert complete("expect chains e", nodes=5, **names) == ["elections", "equal"]
    assert complete("net all del", nodes=5, **names) == ["delay"]
    assert complete("frobnicate ", nodes=5, **names) == []


def test_deliver_completes_with_what_is_held() -> None:
    """Links and numbers first; after a link, the kinds that wait there."""
    held = [
        HeldMessage(number=7, source=1, target=3, text="PREPARE ballot 1.1"),
        HeldMessage(number=8, source=1, target=4, text="PRE-VOTE decided 0"),
    ]

    assert complete("deliver ", nodes=5, held=held) == ["all", "1>3", "1>4", "7", "8"]
    assert complete("deliver 1>", nodes=5, held=held) == ["1>3", "1>4"]
    assert complete("deliver 1>3,1>4", nodes=5, held=held) == ["1>3,1>4"]
    assert complete("deliver 1>3 ", nodes=5, held=held) == ["prepare"]
    assert complete("deliver 1>3,1>4 pr", nodes=5, held=held) == ["prepare", "pre-vote"]
