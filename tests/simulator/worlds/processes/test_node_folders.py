"""What `--fresh` deletes in a data directory, and what must not stand in place of a node's files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.settings import Settings
from simulator.worlds.processes.preflight import prepare_directories

FILES = ("blockchain.txt", "blog.txt", "paxos.txt", "node.log", "paxos.txt.new", "blockchain.txt.damaged-1")


def node_files(folder: Path) -> None:
    """A folder with what a node leaves there."""
    folder.mkdir()
    for name in FILES:
        (folder / name).write_text("x")


def tree(data: Path) -> set[str]:
    """Everything below a directory."""
    return {str(path.relative_to(data)) for path in data.rglob("*")}


def prepare(data: Path, *, fresh: bool = False, nodes: int = 3) -> str:
    """What a start in this directory tells."""
    return prepare_directories(Settings(data=str(data), fresh=fresh, nodes=nodes))


def test_fresh_deletes_what_nodes_wrote_and_says_so(tmp_path: Path) -> None:
    """In one line. Nodes beyond the new cluster's size go as well."""
    for number in (1, 2, 3, 12):
        node_files(tmp_path / f"node-{number}")

    sentence = prepare(tmp_path, fresh=True)

    assert sentence == f"--fresh: deleted the files of nodes 1, 2, 3, 12 in '{tmp_path}'"
    assert tree(tmp_path) == set()
    assert prepare(tmp_path, fresh=True) == ""


def test_fresh_deletes_nothing_else(tmp_path: Path) -> None:
    """Not another program's folder with such a name, not a copy, and not a person's file among a node's."""
    others = ["node-1.bak", "node-exporter", "node-01", "node-", "node-1a", "Node-1", "node-²"]
    for name in others:
        node_files(tmp_path / name)
    (tmp_path / "node-7").mkdir()
    (tmp_path / "node-7" / "package.json").write_text("theirs")
    (tmp_path / "node-8").write_text("a file")
    node_files(tmp_path / "node-1")
    (tmp_path / "node-1" / "notes.txt").write_text("mine")
    (tmp_path / "node-1" / "blog.txt.orig").write_text("mine")
    before = tree(tmp_path)

    sentence = prepare(tmp_path, fresh=True)

    assert sentence == f"--fresh: deleted the files of node 1 in '{tmp_path}'; what else is in node-1 stays"
    assert before - tree(tmp_path) == {f"node-1/{name}" for name in FILES}


def test_fresh_follows_no_link(tmp_path: Path) -> None:
    """What a link leads to is somebody else's, whatever its name."""
    away, data = tmp_path / "away", tmp_path / "data"
    node_files(away)
    data.mkdir()
    (data / "node-1").symlink_to(away)

    with pytest.raises(InputError, match="is a symbolic link, which --fresh does not follow"):
        prepare(data, fresh=True)

    assert tree(away) == set(FILES)


def test_what_is_no_file_of_a_node_is_refused_before_the_start(tmp_path: Path) -> None:
    """A link could lead a node's writes anywhere; a pipe would be waited for."""
    folder = tmp_path / "node-2"
    folder.mkdir()

    for name, make in (
        ("paxos.txt", lambda path: path.symlink_to(tmp_path / "elsewhere")),
        ("node.log", lambda path: path.symlink_to("/dev/null")),
        ("blog.txt", os.mkfifo),
        ("blockchain.txt", os.mkdir),
    ):
        make(folder / name)
        with pytest.raises(InputError, match=f"{name}' is a "):
            prepare(tmp_path)
        (folder / name).rmdir() if name == "blockchain.txt" else (folder / name).unlink()
    folder.rmdir()
    folder.write_text("x")
    with pytest.raises(InputError, match="is no directory"):
        prepare(tmp_path)
    folder.unlink()
    folder.symlink_to("nowhere")
    with pytest.raises(InputError, match="cannot be made"):
        prepare(tmp_path)


@pytest.mark.parametrize("name", ["cluster.txt", "cluster.txt.new"])
def test_what_is_no_record_of_the_cluster_is_refused(tmp_path: Path, name: str) -> None:
    """The lab writes it at each start: a link could lead that anywhere, and a pipe would be waited for."""
    (tmp_path / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="is a symbolic link, where the lab keeps a file"):
        prepare(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)

    with pytest.raises(InputError, match="is a pipe, where the lab keeps a file"):
        prepare(tmp_path)


def test_a_folder_of_another_program_is_no_larger_cluster(tmp_path: Path) -> None:
    """Only a node's files in it make `node-7` the folder of a seventh node."""
    (tmp_path / "node-7").mkdir()
    assert prepare(tmp_path) == ""

    (tmp_path / "node-7" / "paxos.txt").write_text("")
    with pytest.raises(InputError, match="holds a node 7, and 3 nodes were asked for"):
        prepare(tmp_path)
