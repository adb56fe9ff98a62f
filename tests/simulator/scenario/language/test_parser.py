"""Lines become commands, or one sentence that says what is wrong with them."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import faults
from simulator.faults.links import LinkRule
from simulator.scenario.language import commands
from simulator.scenario.language.commands import (
    Again,
    ChainsFact,
    CheckFact,
    Command,
    Comment,
    DeliverMessages,
    DiskCommand,
    ElectionsFact,
    Expect,
    HeightFact,
    Inspect,
    LastFact,
    LeaderFact,
    LinkFault,
    Load,
    NetConditions,
    NetReset,
    NodeFault,
    Part,
    Post,
    Quit,
    SetKey,
    ShowLog,
    Sleep,
    TitleFact,
    TitlesFact,
    View,
    WaitFor,
)
from simulator.scenario.language.errors import FileErrors, ParseError
from simulator.scenario.language.parser import decode_scenario, parse_line, parse_scenario
from simulator.scenario.session.fault_commands import faults_of
from simulator.scenario.session.node_selector import NodeSelector
from tests.simulator.scenario.fake import FakeCluster

UNDERSTOOD: list[tuple[str, Command]] = [
    ('post alice Hello "first post"', Post(user="alice", title="Hello", content="first post")),
    ("POST alice Hello x &", Post(user="alice", title="Hello", content="x", background=True)),
    ("post alice Hello x&", Post(user="alice", title="Hello", content="x", background=True)),
    (r"post alice a\ title 'it''s'", Post(user="alice", title="a title", content="its")),
    (r'post alice "say \"hi\"" C#', Post(user="alice", title='say "hi"', content="C#")),
    ("post alice Q&A --help", Post(user="alice", title="Q&A", content="--help")),
    ('POST(alice, Hello, "first, post")', Post(user="alice", title="Hello", content="first, post")),
    (
        "POST(alice, My title, a word) &",
        Post(user="alice", title="My title", content="a word", background=True),
    ),
    ("Comment ( bob , Hello , 'yes, indeed' )", Comment(user="bob", title="Hello", content="yes, indeed")),
    ("view", View()),
    ("VIEW()", View()),
    ("view user alice", View(kind="user", name="alice")),
    ("View Title 'My title' --Linearizable", View(kind="title", name="My title", linearizable=True)),
    ("VIEW(x)", View(kind="any", name="x")),
    ("VIEW(user)", View(kind="any", name="user")),
    ("VIEW(x) --linearizable", View(kind="any", name="x", linearizable=True)),
    ("read(My title)", View(kind="title", name="My title")),
    ("blog", View(brief=True)),
    ("status --json", Inspect(what="status", json=True)),
    ("node leader", Inspect(what="node", node="leader")),
    ("chain", Inspect(what="chain")),
    ("blockchain", Inspect(what="chain")),
    ("log 3 --json", Inspect(what="log", node=3, json=True)),
    ("queue 2", Inspect(what="queue", node=2)),
    ("net", Inspect(what="net")),
    ("net --json", Inspect(what="net", json=True)),
    ("events 5", Inspect(what="events", count=5)),
    ("crash leader", NodeFault(action="crash", nodes=("leader",))),
    ("KILL 1, Leader,3", NodeFault(action="crash", nodes=(1, "leader", 3))),
    ("fail(1, 2)", NodeFault(action="crash", nodes=(1, 2))),
    ("recover crashed", NodeFault(action="restart", nodes=("crashed",))),
    ("start 2", NodeFault(action="restart", nodes=(2,))),
    ("stop random", NodeFault(action="pause", nodes=("random",))),
    ("cont all", NodeFault(action="resume", nodes=("all",))),
    ("partition 1,2 / 3,4,5", Part(groups=((1, 2), (3, 4, 5)))),
    ("partition 1,2|rest", Part(groups=((1, 2), ("rest",)))),
    ("partition leader, 3 | follower", Part(groups=(("leader", 3), ("follower",)))),
    ("partition(1,2/3,4,5)", Part(groups=((1, 2), (3, 4, 5)))),
    ("isolate 3", Part(groups=((3,),))),
    ("faillink 2 leader", LinkFault(cut=True, source=2, target="leader")),
    ("faillink 2 3 --one-way", LinkFault(cut=True, source=2, target=3, one_way=True)),
    ("failLink(2)", LinkFault(cut=True, source=None, target=2)),
    ("fixLink(2)", LinkFault(cut=False, source=None, target=2)),
    ("fixlink 1 2", LinkFault(cut=False, source=1, target=2)),
    ("net all delay 3s", NetConditions(delay_ms=3000)),
    ("net drop 30%", NetConditions(drop=0.3)),
    ("net all loss 30%", NetConditions(drop=0.3)),
    ("loss all 30%", NetConditions(drop=0.3)),
    ("net 1>2,2-3 delay 20ms jitter 10ms", NetConditions(links=((1, 2), (2, 3), (3, 2)), delay_ms=20, jitter_ms=10)),
    ("net leader duplicate 1% reorder 2.5%", NetConditions(around=("leader",), duplicate=0.01, reorder=0.025)),
    ("net reset", NetReset()),
    ("hold", commands.HoldMessages()),
    ("deliver", DeliverMessages()),
    ("deliver 7", DeliverMessages(number=7)),
    ("deliver 1>leader", DeliverMessages(links=((1, "leader"),))),
    ("deliver 3>1,4>1 PROMISE", DeliverMessages(links=((3, 1), (4, 1)), kind="promise")),
    ("deliver 3>1 canvass-reply", DeliverMessages(links=((3, 1),), kind="pre-vote-reply")),
    ("deliver ALL", DeliverMessages(everything=True)),
    ("release", commands.ReleaseMessages()),
    ("disk 2 corrupt blog.txt 3", DiskCommand(node=2, kind="corrupt", file="blog.txt", line=3)),
    ("disk leader tear paxos.txt", DiskCommand(node="leader", kind="tear", file="paxos.txt")),
    ("disk 1 full", DiskCommand(node=1, kind="full")),
    ("disk 1 wipe blockchain.txt", DiskCommand(node=1, kind="wipe", file="blockchain.txt")),
    ("load 50/s for 2s", Load(rate=50, for_ms=2000)),
    (
        "load 9/s for 1m clients 50 mix post 60 view 40 &",
        Load(rate=9, for_ms=60_000, clients=50, mix=(("post", 60), ("view", 40)), background=True),
    ),
    ("sleep 1.5s", Sleep(for_ms=1500)),
    ("wait leader", WaitFor(what="leader")),
    ("wait held", WaitFor(what="held")),
    ("wait leader steady within 5s", WaitFor(what="leader", steady=True, within_ms=5000)),
    ("wait leader in majority within 5s", WaitFor(what="leader", in_majority=True, within_ms=5000)),
    ("wait converged", WaitFor(what="converged")),
    ("wait height 3 within 10s", WaitFor(what="height", height=3, within_ms=10_000)),
    ("wait down 3", WaitFor(what="down", nodes=(3,))),
    ("expect last no-majority", Expect(fact=LastFact(answer="no-majority"))),
    ("expect leader", Expect(fact=LeaderFact())),
    ("expect not leader 1 on 2,3", Expect(fact=LeaderFact(node=1), negated=True, on=(2, 3))),
    ("expect height 3 on all within 2s", Expect(fact=HeightFact(height=3), on=("all",), within_ms=2000)),
    ("expect chains equal", Expect(fact=ChainsFact())),
    ("expect titles A 'B C' on 3", Expect(fact=TitlesFact(titles=("A", "B C")), on=(3,))),
    ('expect titles "on" within 1s', Expect(fact=TitlesFact(titles=("on",)), within_ms=1000)),
    ("expect title T by u comments 2", Expect(fact=TitleFact(title="T", user="u", comments=2))),
    ("expect elections <= 3", Expect(fact=ElectionsFact(most=3))),
    ("expect elections<=3", Expect(fact=ElectionsFact(most=3))),
    ("expect elections <= 0 since fault", Expect(fact=ElectionsFact(most=0, since_fault=True))),
    ("log elections 3", ShowLog(what="elections", count=3)),
    ("log node leader --json", ShowLog(what="node", node="leader", json=True)),
    ("log 3", Inspect(what="log", node=3)),
    ("expect check ok", Expect(fact=CheckFact())),
    ("set ops_per_block 4", SetKey(key="ops-per-block", value=4)),
    ("set world virtual", SetKey(key="world", value="virtual")),
    ("run 'my story.paxsim'", commands.RunFile(name="my story.paxsim")),
    ("exit", Quit()),
]


@pytest.mark.parametrize(("text", "command"), UNDERSTOOD, ids=[text for text, _ in UNDERSTOOD])
def test_a_line_says_what_it_says(text: str, command: Command) -> None:
    """Every group of the language, in its own form, in the call form and in old habits."""
    line = parse_line(text)

    assert line is not None
    assert line.command == command


def test_a_line_can_be_sent_to_a_node_and_wait_for_a_time() -> None:
    """`@3` and `at 2s` stand before any command, in either order, and before the call form."""
    for text in ("at 2s @3 post(a, b, c)", "AT 2s @3 post a b c  # why not", "@3 at 2s post a b c"):
        line = parse_line(text)

        assert line is not None
        assert (line.node, line.at_ms) == (3, 2000)
        assert line.command == Post(user="a", title="b", content="c")


@pytest.mark.parametrize("text", ["", "   ", "# a comment", "   # 'an unclosed quote in a comment"])
def test_an_empty_line_says_nothing(text: str) -> None:
    """Nothing but blanks and a comment is no command."""
    assert parse_line(text) is None


MISTAKES = [
    ("psot alice Hello x", 1, "did you mean 'post'?"),
    ("frobnicate", 1, "help lists all commands"),
    ("delay 3s", 1, "net all delay TIME"),
    ("post alice Hello", 17, "CONTENT is missing"),
    ("post alice Hello first post", 24, 'post alice Hello "first post"'),
    ('post alice "" x', 12, "title is empty"),
    ('post alice Hello "x', 18, "never closed"),
    ("POST(alice, Hello", 5, "never closed"),
    ("POST(alice, Hello, x) y", 23, "only & and options"),
    ("post alice Hello x\\", 19, "backslash"),
    ("crash 9", 7, "nodes are numbered from 1 to 5"),
    ("crash 0", 7, "nodes are numbered from 1 to 5"),
    ("crash laeder", 7, "did you mean 'leader'?"),
    ("crash 1 2", 9, "write 1,2"),
    ("crash 1,,2", 9, "beside this comma"),
    ("crash 1,1", 9, "named twice"),
    ("crash", 6, "NODES is missing"),
    ("restart 1 / 2", 9, "names groups"),
    ("partition 1,2 / 2,3", 11, "two groups"),
    ("partition 1,2 //", 16, "a group is empty"),
    ("faillink 2 2", 12, "no link to itself"),
    ("faillink 2", 11, "NODE B is missing"),
    ("net all delay 3", 15, "write 3ms, 3s or 3m"),
    ("net all drop 0.3", 14, "write 30%"),
    ("net all drop 130%", 14, "0% to 100%"),
    ("net all dealy 3s", 9, "did you mean 'delay'?"),
    ("net 1>2 2>3 delay 3s", 9, "a comma is missing before '2>3'"),
    ("expect chains equal on all wthin 5s", 28, "did you mean 'within'?"),
    ("deliver 1>2 promises", 13, "did you mean 'promise'?"),
    ("net dealy 3s", 5, "did you mean 'delay'?"),
    ("net 1>1 drop 3%", 5, "none to itself"),
    ("net all", 8, "weather is missing"),
    ("net drop 1% drop 2%", 13, "said twice"),
    ("deliver now", 9, "not a message"),
    ("disk 1 tear diary.txt", 13, "blockchain.txt, blog.txt or paxos.txt"),
    ("disk 1 melt", 8, "corrupt"),
    ("load 50 for 3s", 6, "write 50/s"),
    ("load x/s for 3s", 6, "whole number"),
    ("load 50/s for 3s clients 0", 26, "from 1 to"),
    ("load 50/s for 3s mix post 0", 22, "every share of this mix is 0"),
    ("sleep 5", 7, "write 5ms, 5s or 5m"),
    ("sleep 0.5ms", 7, "finer than the clock"),
    ("sleep 9999m", 7, "longer than a day"),
    ("wait laeder", 6, "did you mean 'leader'?"),
    ("wait height tall", 13, "whole number"),
    ("expect lsat ok", 8, "did you mean 'last'?"),
    ("expect last okay", 13, "did you mean 'ok'?"),
    ("expect elections 3", 18, "elections <= 3"),
    ("expect titles", 14, "a TITLE is missing"),
    ("expect check ok on 3", 8, "whole cluster"),
    ("view usr alice", 6, "did you mean 'user'?"),
    ("status &", 8, "does not wait for an answer"),
    ("status --jsno", 8, "did you mean '--json'?"),
    ("status now", 8, "one word too many"),
    ("set nods 3", 5, "did you mean 'nodes'?"),
    ("set nodes 12", 11, "from 1 to 9"),
    ("set sync never", 10, "fsync or flush"),
    ("use all", 5, "stands for several nodes"),
    ("@8 status", 2, "there is no node 8"),
    ("@3", 3, "the command is missing"),
    ("at 2 status", 4, "write 2ms, 2s or 2m"),
    ("as x post a T c", 4, "no client: write its number"),
    ("as 3.0 post a T c", 4, "or 3.2 for its second session"),
    ("as 3", 5, "the command is missing"),
    ("as", 3, "a CLIENT is missing"),
    ("as 3 crash 1", 6, "only post, comment, view and blog have a client"),
    ("post alice \x1b[31m x", 12, "control character (code 0x1b)"),
]


@pytest.mark.parametrize(("text", "column", "states"), MISTAKES, ids=[repr(text) for text, _, _ in MISTAKES])
def test_a_mistake_has_its_place_and_says_what_would_be_right(text: str, column: int, states: str) -> None:
    """One sentence, with the column where the wrong word begins."""
    with pytest.raises(ParseError) as caught:
        parse_line(text)

    assert states in str(caught.value)
    assert caught.value.column == column
    assert "\n" not in str(caught.value)


def test_a_time_before_an_earlier_one_is_a_mistake_of_the_file() -> None:
    """The clock of a scenario only grows; equal times, and lines without a time between, are right."""
    with pytest.raises(FileErrors) as caught:
        parse_scenario("at 5s post a T c\nheal\nat 2s post a U c\n", source="back.paxsim")

    assert "back.paxsim" in str(caught.value)
    assert "line 3" in str(caught.value)
    assert "'at 2s' stands below 'at 5s' of line 1" in str(caught.value)
    assert len(parse_scenario("at 2s heal\nheal\nat 2s heal\nat 3s heal\n")) == 4


def test_a_line_names_its_client_and_its_session() -> None:
    """In any order with the node and the time; `as` is nothing special behind the command."""
    lines = parse_scenario("at 2s @2 as 7.3 post as 7.3 c &\nas 7 @1 blog\npost a T c\n@1 again 1 --answered\n")

    assert [line.client for line in lines] == [(7, 3), (7, 0), None, None]
    assert lines[0].command == Post(user="as", title="7.3", content="c", background=True)
    assert lines[3].command == Again(number=1, answered=True)


def test_all_mistakes_of_a_file_are_told_at_once() -> None:
    """Each with the file, its line and its column; the right lines between them are no matter."""
    text = "post alice Hello x\npsot alice Hello x\n\nexpect lsat ok\r\ncrash 7\n"

    with pytest.raises(FileErrors) as caught:
        parse_scenario(text, source="story.paxsim")

    assert str(caught.value).split("\n") == [
        "story.paxsim, line 2, column 1: there is no command 'psot': did you mean 'post'?",
        "story.paxsim, line 4, column 8: 'lsat' is not a fact: did you mean 'last'?",
        "story.paxsim, line 5, column 7: there is no node 7: nodes are numbered from 1 to 5.",
    ]


def test_a_scenario_says_how_many_nodes_there_are() -> None:
    """`set nodes 3` holds for the lines behind it, and comes before every other command."""
    lines = parse_scenario("set nodes 7\ncrash 7\n")
    with pytest.raises(FileErrors, match="no node 4: nodes are numbered from 1 to 3"):
        parse_scenario("set nodes 3\ncrash 4\n")
    with pytest.raises(FileErrors, match="line 2, column 1: 'set' must come before the first other command"):
        parse_scenario("status\nset nodes 3\n")

    assert lines[1].command == NodeFault(action="crash", nodes=(7,))


def test_binary_junk_is_named_by_its_first_byte() -> None:
    """What is no text is refused in one sentence."""
    with pytest.raises(FileErrors, match=r"x, line 2, column 4: byte 0xff is not UTF-8 text"):
        decode_scenario(b"status\nab\xc3\xa9"[:9] + b"\xc3\xa9\xff\xfe", "x")


VOCABULARY = (
    "post comment view net wait expect load disk partition faillink crash deliver 1 2 9 leader rest 1>2 1-2 , / & @2 "
    "at 2s 30% 5 ( ) not last ok titles title by within on 50/s for mix all --json --one-way tear paxos.txt <= 'a\""
)
WORDS = st.sampled_from(tuple(VOCABULARY.split(" ")))


def understand(row: str) -> None:
    """Parse a line that may be wrong; a mistake must lie in it, or just behind its end."""
    try:
        parse_line(row)
    except ParseError as mistake:
        column = mistake.column
    else:
        column = 1
    assert 1 <= column <= len(row) + 1


@given(st.text(max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    """Whatever stands in a line, it is a command, nothing, or a mistake with its place: never another error."""
    understand(text.replace("\n", " "))


@given(st.lists(WORDS, max_size=9))
def test_any_words_are_understood_or_refused(words: list[str]) -> None:
    """The same for lines made of the language's own words, which come closer to being right."""
    understand(" ".join(words))


NODES = st.integers(1, 5)
PAIRS = st.tuples(NODES, NODES).filter(lambda pair: pair[0] != pair[1])
CHANCES = st.integers(0, 100).map(lambda percent: percent / 100)
FAULTS = st.one_of(
    st.builds(faults.Crash, node=NODES, point=st.sampled_from([None, "before-sync", "before-send", "before-record"])),
    st.builds(faults.Kill, node=NODES),
    st.builds(faults.Restart, node=NODES),
    st.builds(faults.Pause, node=NODES),
    st.builds(faults.Resume, node=NODES),
    st.builds(lambda pair, one: faults.CutLink(source=pair[0], target=pair[1], one_way=one), PAIRS, st.booleans()),
    st.builds(lambda pair, one: faults.MendLink(source=pair[0], target=pair[1], one_way=one), PAIRS, st.booleans()),
    st.sampled_from([faults.Heal(), faults.ClearConditions(), faults.Hold(), faults.Release(), faults.DeliverHeld()]),
    st.builds(faults.KeepCopies, kind=st.sampled_from(["promise", "heartbeat-ack"]), count=st.integers(1, 99)),
    st.builds(faults.DeliverHeld, number=st.integers(1, 99)),
    st.builds(faults.DeliverHeld, link=PAIRS),
    st.builds(
        faults.LinkConditions,
        rule=st.builds(
            LinkRule,
            delay_ms=st.integers(0, 9000),
            jitter_ms=st.integers(0, 900),
            drop=CHANCES,
            duplicate=CHANCES,
            reorder=CHANCES,
        ),
        links=st.lists(PAIRS, max_size=3, unique=True).map(tuple),
    ),
    st.builds(faults.DiskFault, node=NODES, kind=st.sampled_from(["full", "readonly", "ok", "failing-sync"])),
    st.builds(faults.DiskFault, node=NODES, kind=st.just("corrupt"), file=st.just("blog.txt"), line_number=NODES),
    st.builds(faults.ClockFault, node=NODES, rate_percent=st.integers(1, 300), jump_ms=st.integers(0, 9000)),
    st.permutations([1, 2, 3, 4, 5]).map(lambda row: faults.Partition(groups=(tuple(row[:2]), tuple(row[2:])))),
)


@given(FAULTS)
def test_every_fault_prints_as_a_line_that_means_it(fault: faults.Fault) -> None:
    """A failure found by chance is written down as a scenario: its lines must cause the same faults again."""
    cluster = FakeCluster()
    line = parse_line(fault.line())

    assert line is not None
    selector = NodeSelector(cluster, Random(0))
    assert faults_of(line.command, cluster, selector, lambda: 1) == [fault]
