"""Understood lines are carried out: on whom, when, and what is said about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.cluster.events import HeldMessage
from simulator.errors import InputError
from simulator.faults import faults
from simulator.scenario.language.parser import parse_scenario
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.outcome import result_of
from simulator.settings import Settings
from tests.simulator.scenario.session.telling import Story


def test_a_write_is_waited_for_and_answered_in_the_brief_s_words() -> None:
    """In a file or a pipe, one line after the other."""
    story = Story()

    output = story.tell("post alice Hello x", "comment bob Hello y", "post bob Hello z", "comment bob Nope z")

    assert output == [
        "NEW POST Hello from alice",
        "NEW COMMENT on Hello from bob",
        "DUPLICATE TITLE",
        "CANNOT COMMENT on Nope: no such post exists",
    ]


def test_a_write_in_the_background_prints_its_number_and_later_its_answer() -> None:
    """The next line does not wait for it."""
    story = Story()

    at_once = story.tell("@2 post alice Hello x &", "expect not last ok")
    later = story.tell("wait idle", "expect last ok")

    assert at_once == ["[1] sent to node 2", "ok: expect not last ok"]
    assert later == ["[1] NEW POST Hello from alice", "ok: expect last ok"]


def test_views_show_the_blog_or_say_that_there_is_nothing() -> None:
    """BLOG EMPTY, NO POST and POST NOT FOUND are answers too."""
    story = Story()

    nothing = story.tell("view", "view user alice", "view title Hello", "blog")
    story.tell("post alice Hello 'first post'")
    output = "\n".join(story.tell("view title Hello", "view user alice", "VIEW(alice)", "blog"))

    assert nothing == ["BLOG EMPTY", "NO POST", "POST NOT FOUND", "BLOG EMPTY"]
    assert output.count("first post") == 3


def test_a_line_goes_to_the_default_node_unless_it_names_one() -> None:
    """`use` changes the default, `@` holds for one line."""
    story = Story()

    story.tell("post a A x", "use 3", "post a B x", "@2 post a C x", "post a D x", "failLink(5)")

    assert [ticket.node for ticket in story.cluster.tickets] == [1, 3, 2, 3]
    assert story.cluster.applied == [faults.CutLink(source=3, target=5)]


def test_node_words_are_found_when_the_line_runs() -> None:
    """A line that speaks of the leader waits for the first one; `rest` is who was not named."""
    story = Story()

    story.tell("crash leader", "wait leader", "partition leader,crashed / rest", "crash minority", "pause follower")

    assert story.cluster.applied == [
        faults.Crash(node=1),
        faults.Partition(groups=((2, 1), (3, 4, 5))),
        faults.Crash(node=2),
        faults.Pause(node=3),
    ]


def test_random_nodes_are_drawn_by_the_seed_and_never_named_twice() -> None:
    """The same seed draws the same nodes, alive ones only."""

    def drawn(seed: int) -> list[faults.Fault]:
        story = Story(Settings(seed=seed))
        story.tell("crash random,random,random", "restart all")
        return list(story.cluster.applied)

    assert drawn(7) == drawn(7)
    assert len({fault.node for fault in drawn(7) if isinstance(fault, faults.Crash)}) == 3
    assert len({str(drawn(seed)) for seed in range(20)}) > 5


def test_a_word_for_several_nodes_leaves_out_those_that_are_not_fit() -> None:
    """`restart crashed` and `restart all` restart who is down; a node named by its number must be fit."""
    story = Story()

    output = story.tell("restart crashed", "crash 1,2", "crash all", "restart all", "resume all")

    assert output[0] == "nothing to do"
    assert [fault.line() for fault in story.cluster.applied] == [
        *(f"crash {node}" for node in (1, 2, 3, 4, 5)),
        *(f"restart {node}" for node in (1, 2, 3, 4, 5)),
    ]
    with pytest.raises(InputError, match="node 3 is down already"):
        story.tell("crash 3", "crash 3")


def test_there_may_be_no_such_node() -> None:
    """A word that means nobody now is a sentence, not a crash."""
    story = Story()

    with pytest.raises(InputError, match="no minority side"):
        story.tell("@minority post a A x")
    with pytest.raises(InputError, match="both node 3"):
        story.tell("crash 1,2", "faillink follower 3")


def test_at_waits_for_the_session_s_clock() -> None:
    """The clock begins with the first command, and `at` a time gone by waits for nothing."""
    story = Story()

    story.tell("sleep 100ms", "at 2s crash 1", "at 1s crash 2")

    assert story.session.clock_ms() == 2000


def test_an_expectation_that_fails_is_noted_with_its_line() -> None:
    """What was found is said; the session goes on."""
    story = Story()

    output = story.tell("post alice Hello x", "expect last refused", "expect titles Hello", "expect not titles Hello")

    assert output[1] == "FAILED line 2: expect last refused: it was ok: NEW POST Hello from alice"
    assert story.failures() == ["expect last refused", "expect not titles Hello"]


@pytest.mark.parametrize(
    ("fact", "holds"),
    [
        ("leader", True),
        ("leader 1", True),
        ("leader 2", False),
        ("leader 1 on all", True),
        ("last refused", True),
        ("last ok", False),
        ("height 3", True),
        ("height 2", False),
        ("chains equal", True),
        ("titles Hello", True),
        ("titles Hello Other", False),
        ("title Hello by alice", True),
        ("title Hello by alice comments 1", True),
        ("title Hello by alice comments 2", False),
        ("title Hello by bob", False),
        ("title Other by alice", False),
        ("elections <= 1", True),
        ("elections <= 0", False),
        ("check ok", True),
        ("height 3 on all within 1s", True),
        ("titles Hello on 2,3 within 1s", True),
    ],
)
def test_every_fact_can_hold_and_can_fail(fact: str, holds: bool) -> None:
    """And `not` turns each around."""
    story = Story()
    story.tell("wait leader", "post alice Hello x", "comment bob Hello y", "post bob Hello z", "wait converged")

    story.tell(f"expect {fact}")
    story.tell(f"expect not {fact}")

    assert story.failures() == [f"expect not {fact}" if holds else f"expect {fact}"]


def test_within_asks_again_until_it_holds() -> None:
    """A write of the minority fails after six seconds: sooner there is no answer."""
    story = Story()
    story.tell("partition 1,2 / 3,4,5", "post alice Hello x &")

    story.tell("expect last no-majority within 5s")
    story.tell("expect last no-majority within 5s")

    assert story.failures() == ["expect last no-majority within 5s"]
    assert story.session.failures[0].line == 3


def test_wait_gives_up_after_its_time() -> None:
    """That is a failure too: what was waited for did not come."""
    story = Story()

    story.tell("crash 1,2,3", "wait leader within 10s")

    assert story.session.clock_ms() == 10_000
    assert story.session.failures[0].why == "a leader did not come within 10s"


def test_wait_knows_what_it_waits_for() -> None:
    """Each thing to wait for comes true in its time."""
    story = Story()

    story.tell("wait leader in majority", "post a A x", "post a B x", "wait height 2", "crash 3", "wait down 3")
    story.tell("wait converged", "@2 post a C x &", "wait idle", "wait height 3 on 4,5")

    assert not story.failures()


def test_a_steady_leader_is_one_whom_all_follow() -> None:
    """Who leads while another still campaigns may be outbid in the next moment."""
    story = Story()

    story.tell("wait leader steady", "partition 1,2 / 3,4,5", "wait leader steady within 5s")

    assert not story.failures()
    assert story.cluster.status(3).role == "leader"


def test_time_passes_until_one_more_message_is_held() -> None:
    """Those that wait already do not count; without `hold` it would wait in vain, and says so."""
    story = Story()
    with pytest.raises(InputError, match="no message is held"):
        story.tell("wait held")
    story.cluster.held_messages = [HeldMessage(number=4, source=1, target=2, text="PREPARE")]

    story.tell("hold", "wait held within 1s")
    new = HeldMessage(number=5, source=1, target=3, text="PREPARE")
    story.cluster._later(300, lambda: story.cluster.held_messages.append(new))
    story.tell("wait held within 2s")

    assert story.failures() == ["wait held within 1s"]
    assert story.session.failures[0].why == "a message to deliver did not come within 1s"


def test_elections_are_counted_since_the_newest_fault() -> None:
    """What happened at the start says nothing about the fault."""
    story = Story()

    story.tell(
        "wait leader", "crash leader", "wait leader", "expect elections <= 1", "expect elections <= 1 since fault"
    )
    story.tell("restart crashed", "sleep 2s", "expect elections <= 0 since fault")

    assert story.failures() == ["expect elections <= 1"]


def test_a_part_of_the_running_log_is_printed() -> None:
    """At a console it is written; at a screen it is shown in its place, unless a number of lines is given."""
    story = Story()

    assert story.tell("log faults")[-1].endswith("the cluster starts")
    assert story.tell("log elections") == ["the log has nothing of elections"]


def test_load_drives_many_clients_and_judges_their_history() -> None:
    """Open for as long as it says, at its rate, each client one request at a time."""
    story = Story()

    output = story.tell("wait leader", "load 100/s for 2s clients 20")

    assert output[-1].startswith("load: 200 requests by 20 clients")
    assert output[-1].endswith("its history is linearizable")
    assert result_of(story.session, "x").operations.ok == 200


def test_a_load_is_over_after_its_time_and_the_limit_of_its_answers() -> None:
    """Without a majority no client comes free in time: what it would have sent is dropped, and told."""
    story = Story()
    story.tell("wait leader", "crash 3,4,5")
    began_ms = story.cluster.now_ms()

    output = story.tell("load 50/s for 2s clients 4 mix post 100")

    assert output[-1].startswith("load: 4 requests by 4 clients")
    assert "; 96 dropped: no client was free to send them in time; " in output[-1]
    assert story.cluster.now_ms() - began_ms < 60_000


def test_load_in_the_background_goes_on_through_what_follows() -> None:
    """A leader dies meanwhile; clients of dead nodes go to others."""
    story = Story()

    story.tell("wait leader", "load 50/s for 4s &", "sleep 1s", "crash leader", "wait leader", "restart crashed")
    under_way = story.session.pending()
    story.session.finish()

    counts = result_of(story.session, "x").operations
    assert under_way == 1
    assert counts.ok + counts.refused + counts.timeout + counts.no_majority == 200
    assert counts.ok > 150


def test_a_violation_fails_check_and_the_run() -> None:
    """Unless the scenario expected it, to show what goes wrong."""
    story, demonstration = Story(), Story()
    for either in (story, demonstration):
        either.cluster.violations["agreement"] = "slot 3 was decided twice"

    story.tell("check")
    demonstration.tell("expect not check ok")

    assert story.session.failures[0].why == "agreement: slot 3 was decided twice"
    assert not result_of(story.session, "x").passed
    assert result_of(demonstration.session, "x").passed


def test_a_session_is_saved_as_a_scenario_that_can_be_run(tmp_path: Path) -> None:
    """Its settings first, then its lines; looking at help and saving leave no trace."""
    file = tmp_path / "story.paxsim"
    story = Story(Settings(seed=3, nodes=3))

    story.tell("post alice Hello 'x y'", "help", "crash 3", f"save '{file}'")

    text = file.read_text(encoding="utf-8")
    assert text.split("\n")[:3] == ["set world virtual", "set nodes 3", "set seed 3"]
    assert text.endswith("post alice Hello 'x y'\ncrash 3\n")
    assert len(parse_scenario(text)) == 5


def test_what_a_person_typed_is_saved_with_its_time(tmp_path: Path) -> None:
    """Between two lines typed by hand a leader may have been elected: without the time the story is another."""
    file = tmp_path / "story.paxsim"
    story = Story(waits_for_answers=False)

    story.tell("post alice Hello x", "sleep 1s", "crash leader", f"save '{file}'")

    assert file.read_text(encoding="utf-8").endswith("at 0ms post alice Hello x\nat 0ms sleep 1s\nat 1s crash leader\n")


def test_run_carries_out_another_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may not change the running cluster, nor run itself for ever."""
    monkeypatch.chdir(tmp_path)
    inner, circle, other = tmp_path / "inner.paxsim", tmp_path / "circle.paxsim", tmp_path / "other.paxsim"
    inner.write_text("set world virtual\npost alice Hello x\nquit\npost alice Never x\n", encoding="utf-8")
    circle.write_text("run circle.paxsim\n", encoding="utf-8")
    other.write_text("set nodes 3\nstatus\n", encoding="utf-8")
    story = Story()

    output = story.tell(f"run '{inner}'", "expect titles Hello")

    assert output == ["NEW POST Hello from alice", "ok: expect titles Hello"]
    with pytest.raises(InputError, match="in a circle"):
        story.tell(f"run '{circle}'")
    with pytest.raises(InputError, match="line 1 sets nodes to 3, and the running cluster has 5"):
        story.tell(f"run '{other}'")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """So are directories, unreadable names and files that are no text."""
    junk = tmp_path / "junk"
    junk.write_bytes(bytes(range(256)))

    for name, states in [
        (str(tmp_path / "none"), "there is no file"),
        (str(tmp_path), "is a directory"),
        ("x" * 5000, "there is no file"),
        ("a\0b", "there is no file"),
        (str(junk), "is not UTF-8 text"),
    ]:
        with pytest.raises(InputError, match=states):
            load_scenario(name)


def test_inspection_is_a_view_or_a_document() -> None:
    """Each has both forms."""
    story = Story()
    story.tell("wait leader", "post alice Hello x")

    for what in ("status", "leader", "node 2", "chain", "log 2", "queue", "queue 1", "net", "events 5", "held"):
        assert story.tell(what), what
        story.tell(f"{what} --json")

    assert len(story.notebook.documents) == 10


def test_quit_ends_the_session() -> None:
    """Whatever the case."""
    story = Story()

    story.tell("QUIT")

    assert story.runner.over


def test_messages_are_delivered_by_link_and_kind() -> None:
    """Those that are named and no others; each is told by what it says."""
    story = Story()
    story.cluster.held_messages = [
        HeldMessage(number=1, source=3, target=1, text="PRE-VOTE decided 0"),
        HeldMessage(number=2, source=3, target=1, text="PROMISE ballot 1.1 votes 0 decided 0"),
        HeldMessage(number=3, source=4, target=1, text="PROMISE ballot 1.1 votes 0 decided 0"),
        HeldMessage(number=4, source=4, target=2, text="PROMISE ballot 1.2 votes 0 decided 0"),
    ]
    story.tell("hold")

    output = story.tell("deliver 3>1,4>1 promise")

    assert story.cluster.applied[-2:] == [faults.DeliverHeld(number=2), faults.DeliverHeld(number=3)]
    assert output[0] == "deliver 2  # 3>1 PROMISE ballot 1.1 votes 0 decided 0"


def test_deliver_says_which_messages_went() -> None:
    """All of a link or all there are: by link and kind, with counts."""
    story = Story()
    story.cluster.held_messages = [
        HeldMessage(number=1, source=3, target=1, text="PRE-VOTE decided 0"),
        HeldMessage(number=2, source=3, target=1, text="PRE-VOTE decided 0"),
        HeldMessage(number=3, source=3, target=1, text="PROMISE ballot 1.1 votes 0 decided 0"),
        HeldMessage(number=4, source=4, target=2, text="PROMISE ballot 1.2 votes 0 decided 0"),
    ]
    story.tell("hold")

    assert story.tell("deliver 3>1")[0] == "deliver 3>1  # 3 messages: 3>1 PRE-VOTE x2, PROMISE"
    assert story.tell("deliver all")[0] == "deliver all  # 4 messages: 3>1 PRE-VOTE x2, PROMISE; 4>2 PROMISE"


def test_a_kind_of_message_is_waited_for() -> None:
    """It may not have been sent yet; when it never comes, that is said."""
    story = Story()
    story.tell("hold")

    with pytest.raises(InputError, match="no PREPARE waits on 1>2"):
        story.tell("deliver 1>2 prepare")

    assert story.cluster.now_ms() >= 10_000


def test_a_waiting_line_looks_at_each_held_message_once() -> None:
    """With thousands held, a `deliver` that waits for a PREPARE must not look through all of them at each turn."""
    story = Story()
    story.cluster.held_messages = [
        HeldMessage(number=number, source=3, target=1, text="PRE-VOTE decided 0") for number in range(1, 101)
    ]
    looked_at: list[int] = []
    held = story.cluster.held

    def watched(*, after: int = 0) -> list[HeldMessage]:
        found = held(after=after)
        looked_at.extend(message.number for message in found)
        return found

    story.cluster.held = watched  # type: ignore[method-assign]
    story.tell("hold")

    with pytest.raises(InputError, match="no PREPARE waits on 1>2"):
        story.tell("deliver 1>2 prepare")

    assert len(looked_at) <= 300


@pytest.mark.parametrize("line", ["expect check ok", "expect not check ok"])
def test_what_the_checks_could_not_tell_is_no_evidence(line: str) -> None:
    """The recording ended before the run: neither expectation holds, and the run has not passed."""
    story = Story()
    story.cluster.violations["agreement"] = "unknown beyond 1.5 s: the recording of this run ended"

    output = story.tell(line, "check")

    assert output[0].startswith(f"FAILED line 1: {line}: agreement: unknown beyond 1.5 s")
    assert "agreement: unknown beyond 1.5 s: the recording of this run ended" in output
    result = result_of(story.session, "story")
    assert not result.passed
    assert result.checks["agreement"].startswith("unknown beyond 1.5 s")
