"""The console in a pipe: plain results on stdout, mistakes on stderr, an exit status that scripts rely on."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

from simulator.screens.console import piped
from simulator.screens.console.lines import LineSource
from simulator.screens.console.main import run_console
from simulator.settings import Settings
from tests.simulator.scenario.fake import FakeCluster


@pytest.fixture(autouse=True)
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[FakeCluster]:
    """Every cluster that was opened; none of them has a node."""
    opened: list[FakeCluster] = []

    def open_fake(_world: str, settings: Settings, **_: bool) -> FakeCluster:
        opened.append(FakeCluster(settings))
        return opened[-1]

    monkeypatch.setattr(piped, "open_cluster", open_fake)
    return opened


def session(text: str) -> tuple[int, str, str]:
    """Pipe `text` into the console; returns status, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    status = run_console(Settings(), stdin=io.StringIO(text), stdout=out, stderr=err)
    return status, out.getvalue(), err.getvalue()


def test_results_and_nothing_else_stand_on_stdout() -> None:
    """No prompt, no echo, no colour; a missing last line end does no harm."""
    status, out, err = session("post alice Hello x\n# a comment\n\nview user bob")

    assert (status, err) == (0, "")
    assert out == "NEW POST Hello from alice\nNO POST\n"


def test_a_line_that_is_not_understood_is_reported_and_the_rest_goes_on() -> None:
    """Exit status 2, whatever else happened."""
    status, out, err = session("psot alice Hello x\npost alice Hello x\nexpect last refused\n")

    assert status == 2
    assert err == "paxsim: line 1, column 1: there is no command 'psot': did you mean 'post'?\n"
    assert out.startswith("NEW POST Hello from alice\nFAILED line 3")


def test_a_failed_expectation_is_exit_status_1() -> None:
    """So is a command that cannot be carried out."""
    assert session("expect last ok\n")[0] == 1
    assert session("crash 2\ncrash 2\n")[0] == 1


def test_settings_can_be_made_before_the_first_other_command(clusters: list[FakeCluster]) -> None:
    """Afterwards it is too late."""
    status, _, err = session("set nodes 3\nset seed 5\ncrash 3\nset nodes 5\n")

    assert (clusters[0].settings.nodes, clusters[0].settings.seed) == (3, 5)
    assert status == 1
    assert "'set' must come before the first other command" in err


def test_what_is_under_way_at_the_end_is_waited_for() -> None:
    """A script may end in `&`."""
    _, out, _ = session("post alice Hello x &\n")

    assert out == "[1] sent to node 1\n[1] NEW POST Hello from alice\n"


def test_quit_ends_it_there(clusters: list[FakeCluster]) -> None:
    """Lines behind it are not read, and the nodes end."""
    _, out, _ = session("quit\npost alice Hello x\n")

    assert out == ""
    assert all(cluster.closed for cluster in clusters)


def test_user_text_moves_no_cursor() -> None:
    """Escapes in a title are shown; markup is just text."""
    _, out, _ = session('post alice "[red]\u202e{x}" y\nblog\n')

    assert out.startswith("NEW POST [red]\\u202e{x} from alice\n")
    assert "\x1b" not in out


def test_binary_junk_in_a_line_harms_no_other_line() -> None:
    """Each line is decoded on its own."""
    reader, writer = os.pipe()
    os.write(writer, b"\xff\xfe\x00\nstatus\r\n" + b"no end")
    os.close(writer)
    with open(reader, encoding="utf-8") as stream:  # noqa: PTH123  # A descriptor has no path.
        lines = LineSource(stream)

        assert lines.ready()
        assert lines.next() == "\ufffd\ufffd\x00"
        assert lines.next() == "status"
        assert lines.next() == "no end"
        assert lines.next() is None


def test_a_pipe_without_a_line_is_not_ready() -> None:
    """`ready` returns without blocking."""
    reader, writer = os.pipe()
    with open(reader, encoding="utf-8") as stream:  # noqa: PTH123  # A descriptor has no path.
        lines = LineSource(stream)

        assert not lines.ready()
        os.write(writer, b"half")
        assert not lines.ready()
        os.write(writer, b" a line\n")
        assert lines.ready()
        assert lines.next() == "half a line"
        os.close(writer)


def test_a_pipe_starts_without_the_screen() -> None:
    """No screen library is loaded before a line needs one: they take longer than five nodes to start."""
    program = "import sys, simulator.screens.console.main; print(*sys.modules)"

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    loaded = {name.split(".")[0] for name in done.stdout.split()}
    assert not loaded & {"rich", "textual", "prompt_toolkit"}
