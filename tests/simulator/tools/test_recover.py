"""What an operator decides by hand: `paxsim recover`, on the folders of a virtual cluster that were written out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from blog.operations import Post
from simulator.checks.audit import verify_directory
from simulator.cli.program import paxsim
from simulator.errors import InputError
from simulator.settings import Settings
from simulator.tools.recover import DECISIONS, carry_out, plan
from simulator.worlds.virtual.cluster import VirtualCluster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Five nodes that have decided three posts."""
    cluster = VirtualCluster(Settings(nodes=5, data="", difficulty=0))
    for number in range(3):
        ticket = cluster.submit(1 + number, Post("ann", f"t{number}", "x"))
        assert cluster.wait(lambda ticket=ticket: ticket.done, 5_000)  # type: ignore[misc]
    cluster.run(cluster.now_ms() + 500)
    for node, machine in cluster.machines.items():
        machine.disk.write_out(tmp_path / f"node-{node}")
    cluster.close()
    return tmp_path


def wipe(data: Path, *nodes: int) -> None:
    """Their folders are gone."""
    for node in nodes:
        shutil.rmtree(data / f"node-{node}")


def test_two_of_five_need_no_person(data: Path) -> None:
    """They recover from the three others: nothing is changed."""
    wipe(data, 2, 3)

    found = plan(data)

    assert (found.lost, found.source) == ((2, 3), 0)
    assert not (data / "node-2").exists() or not any((data / "node-2").iterdir())
    assert "recover from the others" in found.lines()[-1]


@pytest.mark.parametrize("harm", [wipe, lambda data, *nodes: [(data / f"node-{n}/paxos.txt").unlink() for n in nodes]])
def test_three_of_five_get_what_the_others_know(data: Path, harm: Callable[..., None]) -> None:
    """All five have the same three blocks and whole memories again, and what was decided is written down."""
    harm(data, 1, 2, 3)

    decided = plan(data)
    where = carry_out(data, decided)

    assert (decided.lost, decided.source) in {((1, 2, 3), 4), ((1, 2, 3), 1)}
    assert plan(data).lost == ()
    assert {one.height for one in plan(data).nodes.values()} == {3}
    assert len(Path(where).read_text().splitlines()) == 1
    assert not any("paxos" in problem for node in verify_directory(data, 0).nodes for problem in node.problems)


def test_nobody_who_says_no_loses_anything(data: Path) -> None:
    """Without an answer, or with another than yes, nothing is changed, and the status says so."""
    wipe(data, 1, 2, 3)

    for answer in ("no\n", ""):
        result = CliRunner().invoke(paxsim, ["recover", str(data)], input=answer, standalone_mode=False)
        assert "Nothing was changed." in result.output
        assert not (data / DECISIONS).exists()


@pytest.mark.parametrize("kind", ["link", "pipe", "foreign", "folder"])
def test_what_stands_in_place_of_the_decisions_is_left_alone(data: Path, kind: str) -> None:
    """A link is not followed and no foreign file is written to; nothing else is changed either."""
    wipe(data, 1, 2, 3)
    target = data.parent / "target.txt"
    target.write_text("mine\n")
    path = data / DECISIONS
    if kind == "link":
        path.symlink_to(target)
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "foreign":
        path.write_text("mine too\n")
    else:
        path.mkdir()

    result = CliRunner().invoke(paxsim, ["recover", str(data), "--yes"], standalone_mode=False)

    assert isinstance(result.exception, InputError)
    assert "Move it away." in str(result.exception)
    assert target.read_text() == "mine\n"
    assert not list(data.glob("node-[123]/paxos.txt"))


def test_a_node_folder_that_leads_elsewhere_is_refused(data: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Its files may be anybody's."""
    wipe(data, 1, 2, 3)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (data / "node-4" / "paxos.txt").rename(elsewhere / "paxos.txt")
    (data / "node-4" / "paxos.txt").symlink_to(elsewhere / "paxos.txt")

    with pytest.raises(InputError, match="symbolic link"):
        plan(data)
