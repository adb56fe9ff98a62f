"""The same small history in the format of each tool, and what is different about them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.cluster.history import Event, read_recording
from simulator.errors import InputError

EVENTS = [
    Event(process=0, type="invoke", f="write", value=3),
    Event(process=1, type="invoke", f="read"),
    Event(process=0, type="ok", f="write", value=3),
    Event(process=1, type="ok", f="read", value=3),
]
JEPSEN = """
{:process 0, :type :invoke, :f :write, :value 3}
{:process 1, :type :invoke, :f :read, :value nil}
{:process :nemesis, :type :info, :f :start, :value nil}
{:process 0, :type :ok, :f :write, :value 3}
{:process 1, :type :ok, :f :read, :value 3}
"""
RECORDS = JEPSEN.replace("{:process", "#jepsen.history.Op{:process")
VECTOR = "[" + JEPSEN + "]"
JSON = """
{"process": 0, "type": "invoke", "f": "write", "value": 3, "index": 0}
{"process": "1", "type": "invoke", "f": "read", "value": null, "index": 1}
{"process": "nemesis", "type": "info", "f": "start", "value": null}
{"process": 0, "type": "ok", "f": "write", "value": 3, "error": ["x"]}
{"process": 1, "type": "ok", "f": "read", "value": 3}
"""
ARRAY = "[" + ",".join(JSON.strip().split("\n")) + "]"
LOG = """
2015-08-20 10:00:00 INFO  jepsen.core - setting up
INFO  jepsen.util - 0\t:invoke\t:write\t3
INFO  jepsen.util - 1\t:invoke\t:read\tnil
INFO  jepsen.util - :nemesis\t:info\t:start\tnil
INFO  jepsen.util - 0\t:ok\t:write\t3
INFO  jepsen.util - 1\t:ok\t:read\t3
"""
FORMS = {"edn": JEPSEN, "records": RECORDS, "vector": VECTOR, "json": JSON, "array": ARRAY, "log": LOG}


def written(path: Path, text: str) -> str:
    """The name of a file with this text."""
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize("form", FORMS)
def test_a_format_is_recognised_by_its_content(tmp_path: Path, form: str) -> None:
    """The name says nothing; what the nemesis wrote is kept apart."""
    name = written(tmp_path / "history", FORMS[form])

    recording = read_recording(name)

    assert recording.events == EVENTS
    assert not recording.faults
    assert [fields["f"] for _, fields in recording.nemesis] == ["start"]
    assert check_files([name], model="register")[0]["verdict"] == "ok"


def test_a_packed_file_is_read_too(tmp_path: Path) -> None:
    """Whatever its name."""
    path = tmp_path / "history.edn"
    path.write_bytes(gzip.compress(JEPSEN.encode()))

    assert read_recording(path).events == EVENTS


def test_porcupines_texts_by_key(tmp_path: Path) -> None:
    """The key stands in a field of its own."""
    name = written(
        tmp_path / "c01.txt",
        '{:process 0, :type :invoke, :f :append, :key "5", :value "x 0 0 y"}\n'
        '{:process 0, :type :ok, :f :append, :key "5", :value "x 0 0 y"}\n'
        '{:process 1, :type :invoke, :f :get, :key "5", :value nil}\n'
        '{:process 1, :type :ok, :f :get, :key "5", :value "x 0 1 y"}\n',
    )

    assert check_files([name], model="kv")[0]["verdict"] == "violation"


def test_a_cas_that_did_not_fit_is_an_observation_in_a_log(tmp_path: Path) -> None:
    """It shows that the register did not hold the value; in EDN a failure only says that nothing happened."""
    log = "INFO  jepsen.util - 0 :invoke :cas [1 2]\nINFO  jepsen.util - 0 :fail :cas [1 2]\n"
    edn = "{:process 0, :type :invoke, :f :cas, :value [1 2]} {:process 0, :type :fail, :f :cas, :value [1 2]}"

    [of_log] = check_files([written(tmp_path / "log", log)], model="cas-register", init=1)
    [of_edn] = check_files([written(tmp_path / "edn", edn)], model="cas-register", init=1)

    assert (of_log["verdict"], of_edn["verdict"]) == ("violation", "ok")


def test_a_timeout_in_a_log_is_pending(tmp_path: Path) -> None:
    """A write that timed out may still take effect."""
    log = (
        "INFO  jepsen.util - 0 :invoke :write 4\nINFO  jepsen.util - 0 :info :write :timed-out\n"
        "INFO  jepsen.util - 1 :invoke :read nil\nINFO  jepsen.util - 1 :ok :read 4\n"
    )

    assert check_files([written(tmp_path / "log", log)], model="register")[0]["verdict"] == "ok"


def test_registers_by_key_are_judged_one_by_one(tmp_path: Path) -> None:
    """As Jepsen's independent and Maelstrom's lin-kv record them; the violation names the key."""
    lines = [
        "{:process 0 :type :invoke :f :write :value [1 5]} {:process 0 :type :ok :f :write :value [1 5]}",
        "{:process 0 :type :invoke :f :write :value [2 6]} {:process 0 :type :ok :f :write :value [2 6]}",
        "{:process 0 :type :invoke :f :cas :value [2 [6 7]]} {:process 0 :type :ok :f :cas :value [2 [6 7]]}",
        "{:process 1 :type :invoke :f :read :value [1 nil]} {:process 1 :type :ok :f :read :value [1 5]}",
        "{:process 1 :type :invoke :f :read :value [2 nil]} {:process 1 :type :ok :f :read :value [2 7]}",
    ]
    right = written(tmp_path / "right.edn", "\n".join(lines))
    stale = written(tmp_path / "stale.edn", "\n".join(lines).removesuffix("[2 7]}") + "[2 6]}")

    assert check_files([right], model="cas-register")[0]["verdict"] == "ok"
    [verdict] = check_files([stale], model="cas-register")
    assert verdict["verdict"] == "violation"
    assert "key 2: read()" in verdict["why"]


def test_an_empty_history_is_linearizable(tmp_path: Path) -> None:
    """It has 0 operations; one of the nemesis alone has none either."""
    for text in ("", "\n\n", "[]", "{:process :nemesis :type :info :f :start}"):
        [verdict] = check_files([written(tmp_path / "history", text)], model="register")
        assert (verdict["verdict"], verdict["operations"]) == ("ok", 0)


@pytest.mark.parametrize(
    "text",
    [
        JEPSEN.replace("ok, ", 'ok, :node "n5", :read "a word", '),
        JSON.replace('"ok"', '"ok", "node": "n5"'),
        "[ {" + JSON.strip().replace("}\n", "},\n")[1:].replace(": ", " :\n") + " ]",
        "\n".join(f"[{one.process}\t:{one.type}\t:{one.f}\t{one.value or 'nil'}]" for one in EVENTS),
    ],
    ids=["edn with names of nodes", "json with names of nodes", "json on many lines", "vectors"],
)
def test_what_other_tools_add_or_lay_out_otherwise_is_read(tmp_path: Path, text: str) -> None:
    """Jepsen's clients note the node that they asked; that is no field of ours."""
    recording = read_recording(written(tmp_path / "history", text))

    assert not recording.faults
    assert [(one.process, one.type, one.f, one.value, one.node) for one in recording.events] == [
        (one.process, one.type, one.f, one.value, 0) for one in EVENTS
    ]


def test_transactions_may_be_called_reads_and_writes(tmp_path: Path) -> None:
    """As some clients of Jepsen do."""
    text = """
    {:process 0, :type :invoke, :f :write, :value [[:w 9 1]]}
    {:process 0, :type :ok, :f :write, :value [[:w 9 1]]}
    {:process 1, :type :invoke, :f :read, :value [[:r 9 nil] [:r 8 nil]]}
    {:process 1, :type :ok, :f :read, :value [[:r 9 1] [:r 8 nil]]}
    """
    for right, written_out in (("ok", text), ("violation", text.replace("[:r 9 1]", "[:r 9 2]"))):
        [verdict] = check_files([written(tmp_path / "history.edn", written_out)], model="multi-register")
        assert verdict["verdict"] == right


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{:process 0 :type :invoke :f :read}\n{:process 0 :type :ok", "line 2: no EDN"),
        ("{:process 0 :type :begin :f :read}", "line 1: no event of a history"),
        ("{:process nil :type :invoke :f :read}", "line 1: no event of a history"),
        ("{:process :a :type :invoke :f :read}", "line 1: no event of a history"),
        ("[[1 2]]", "line 1: no event of a history"),
        ('[{"process": 0', "line 1: no JSON"),
        ("INFO  jepsen.util - 0 :invoke :jump 3", "line 1: 'jump' is no operation of a register"),
    ],
)
def test_what_cannot_be_read_is_told_by_line(tmp_path: Path, text: str, sentence: str) -> None:
    """One sentence each."""
    with pytest.raises(InputError, match=sentence):
        check_files([written(tmp_path / "history", text)], model="register")


def test_counters_and_transactions_by_key_are_judged_one_by_one(tmp_path: Path) -> None:
    """Arguments and results are those of the model, each in a pair with its key."""
    counter = """
    {:process 0, :type :invoke, :f :add, :value ["a" 2]}
    {:process 0, :type :ok, :f :add, :value ["a" 2]}
    {:process 1, :type :invoke, :f :read, :value ["b" nil]}
    {:process 1, :type :ok, :f :read, :value ["b" 0]}
    """
    transactions = """
    {:process 0, :type :invoke, :f :txn, :value [7 [[:w :x 1] [:r :y nil]]]}
    {:process 0, :type :ok, :f :txn, :value [7 [[:w :x 1] [:r :y nil]]]}
    {:process 1, :type :invoke, :f :txn, :value [8 [[:r :x nil]]]}
    {:process 1, :type :ok, :f :txn, :value [8 [[:r :x nil]]]}
    """
    for model, text in (("counter", counter), ("multi-register", transactions)):
        name = written(tmp_path / "history.edn", text)
        assert check_files([name], model=model)[0]["verdict"] == "ok"
        again = text.replace('"b"', '"a"').replace("[8 ", "[7 ")
        assert check_files([written(tmp_path / "other.edn", again)], model=model)[0]["verdict"] == "violation"


def test_a_long_word_is_quoted_in_part(tmp_path: Path) -> None:
    """A mistake is one sentence, whatever stands in the file."""
    text = '{"process": 0, "type": "invoke", "f": "' + "x" * 100_000 + '"}'

    with pytest.raises(InputError) as error:
        check_files([written(tmp_path / "history", text)], model="register")

    assert len(str(error.value)) < 1_000
