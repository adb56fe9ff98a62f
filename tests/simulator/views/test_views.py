"""What the views show of a cluster."""

from __future__ import annotations

import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from simulator.cluster.events import ClusterEvent, Fate, HeldMessage
from simulator.faults.links import LinkRule, Links
from simulator.node.status import EntryView, NodeStatus, SlotView
from simulator.views.blogs import blog_view, entries_view
from simulator.views.chain import chain_short, chain_view
from simulator.views.checks import checks_line, checks_view
from simulator.views.events import events_view
from simulator.views.held import held_view
from simulator.views.network import net_small, net_view, rule_words
from simulator.views.nodes import PANEL_LINES, leader_view, node_facts, node_panel, node_summary, status_view
from simulator.views.pages import node_view
from simulator.views.samples import chain_lines, states
from simulator.views.sheet import View, words
from simulator.views.slots import log_view, operation_words, value_words

UP = NodeStatus(node=1, life="up", leader=1, ballot=(3, 1))
ballots = st.tuples(st.integers(0, 10**9), st.integers(0, 9))
entries = st.builds(EntryView, username=st.text(max_size=9), title=st.text(max_size=9), content=st.text(max_size=30))
slots = st.builds(SlotView, slot=st.integers(1), ballot=ballots, value=st.lists(st.text(max_size=20)).map(tuple))
any_state = st.builds(
    NodeStatus,
    node=st.integers(1, 9),
    ballot=ballots,
    promised=ballots,
    leader=st.integers(0, 9),
    life=st.sampled_from(["up", "paused", "down"]),
    role=st.sampled_from(["leader", "candidate", "follower"]),
    height=st.integers(0, 10**9),
    queue=st.integers(0),
    hashes=st.lists(st.just("ab" * 32), max_size=6).map(tuple),
    newest=st.lists(entries, max_size=6).map(tuple),
    log=st.lists(slots, max_size=4).map(tuple),
    error=st.text(max_size=60),
)


def rendered(view: View, width: int = 80) -> str:
    """The view's text on a terminal of this width."""
    file = io.StringIO()
    Console(file=file, width=width, force_terminal=True, color_system=None).print(view)
    return file.getvalue()


@given(state=any_state)
def test_a_panel_never_changes_its_height(state: NodeStatus) -> None:
    """A panel has the same number of lines for every status, so the screen does not jump."""
    assert len(node_panel(state).rows) == PANEL_LINES


@given(state=any_state, width=st.integers(24, 200))
def test_every_view_of_a_node_fits_its_width(state: NodeStatus, width: int) -> None:
    """Every status renders within the width on a screen, and in a pipe nothing is cut."""
    for view in (node_panel(state), node_facts(state), node_summary(state), log_view(state), status_view([state])):
        assert all(cell_len(line.rstrip()) <= width for line in rendered(view, width).splitlines())
        assert "\x1b" not in view.plain()
    assert state.hash in node_view(state).plain() or not state.height


def test_a_node_that_is_not_up_shows_its_condition_instead_of_its_role() -> None:
    """A leader that was killed is down, not a leader."""
    killed = msgspec.structs.replace(UP, role="leader", life="down")

    assert "down" in status_view([killed]).plain()
    assert "leader" not in status_view([killed]).plain().splitlines()[1]


def test_the_leader_is_the_node_that_all_running_nodes_follow() -> None:
    """One opinion is a sentence; several are a row each; no running node is a sentence too."""
    other = msgspec.structs.replace(UP, node=2, leader=2)

    assert leader_view([UP]).plain() == "node 1 leads at ballot 3.1: all nodes that are up say so"
    assert leader_view([UP, other]).plain().splitlines()[1:] == ["1       1", "2       2"]
    assert leader_view([NodeStatus(node=1)]).plain() == "no node is up"
    assert leader_view([msgspec.structs.replace(UP, leader=0)]).plain() == "no node knows a leader"


@pytest.mark.parametrize(
    ("rule", "word", "sign"),
    [
        (LinkRule(), "whole", "·"),
        (LinkRule(delay_ms=5), "delayed", "~"),
        (LinkRule(jitter_ms=5), "delayed", "~"),
        (LinkRule(reorder=0.5), "lossy", "%"),
        (LinkRule(delay_ms=5, drop=0.1), "delay+loss", "~%"),
    ],
)
def test_a_link_is_named_by_its_conditions(rule: LinkRule, word: str, sign: str) -> None:
    """The matrix has one word a link; the small matrix one sign."""
    links = Links((1, 2))
    links.set_rule([(1, 2)], rule)

    assert words(net_view(links).rows[0][2]) == word
    assert words(net_small(links).rows[0][2]) == sign


def test_a_cut_link_is_cut_in_its_direction_alone() -> None:
    """`faillink 1 2 --one-way` leaves the way back whole."""
    links = Links((1, 2))
    links.cut_links([(1, 2)])

    assert words(net_view(links).rows[0][2]) == "cut"
    assert words(net_view(links).rows[1][1]) == "whole"


def test_the_matrix_counts_the_messages_held_on_each_link() -> None:
    """A link shows how many held messages it has."""
    links = Links((1, 2))
    links.hold(True)
    held = [HeldMessage(number=n, source=1, target=2, text="x") for n in (1, 2)]

    assert words(net_view(links, 0, held).rows[0][2]) == "held 2"
    assert words(net_view(links, 0, held).rows[1][1]) == "held"
    assert "deliver" in net_view(links, 0, held).plain()
    assert held_view([], holding=False).plain() == "messages are not held: 'hold' keeps them back"


def test_link_conditions_are_shown_as_the_net_command_takes_them() -> None:
    """What `net` prints can be typed again."""
    rule = LinkRule(delay_ms=3000, jitter_ms=20, drop=0.3, duplicate=0.005)

    assert rule_words(rule) == "delay 3s jitter 20ms drop 30% duplicate 0.5%"
    assert rule_words(LinkRule()) == "calm"


def test_an_h_points_to_the_hash_of_the_block_before() -> None:
    """The arrow leaves at H and ends at the hash with the same digits, side by side and in a column."""
    lines = chain_lines(2)
    first = msgspec.json.decode(lines[0])["hash"][:12]

    side_by_side, below = rendered(chain_view(lines), 80).splitlines(), rendered(chain_view(lines), 30).splitlines()

    assert f"H    {first}" in side_by_side[1]
    assert side_by_side[1].index("┌──│") == side_by_side[5].index("◄┘") + 1
    assert f"hash {first}" in side_by_side[5]
    assert below[5].endswith("◄─┐")
    assert below[8].endswith("──┘")


def test_a_chain_in_a_pipe_has_whole_hashes() -> None:
    """`sha256sum` needs all 64 digits."""
    lines = chain_lines(3)
    rows = chain_view(lines).plain().splitlines()[1:]

    assert [row.split()[2] for row in rows] == [msgspec.json.decode(line)["hash"] for line in lines]


def test_a_line_that_is_no_block_is_shown_as_such() -> None:
    """A damaged file does not take the view down, and the other blocks stay readable."""
    lines = [*chain_lines(1), '{"height":2,', "null"]

    for view in (chain_view(lines), chain_short(lines)):
        assert view.plain().count("not a block") == 2
        assert "POST alice Hello" in view.plain()


def test_a_violation_is_shown_in_full() -> None:
    """The checks' pane names what broke; below stands the whole sentence."""
    results = {"agreement": "slot 3 was decided twice", "chain": "ok"}

    assert checks_view(results).plain().splitlines() == [
        "agreement  VIOLATED",
        "chain      ok",
        "agreement: slot 3 was decided twice",
    ]
    assert words(checks_line(results)) == "✗ VIOLATED: agreement"
    assert words(checks_line({"chain": "ok"})) == "✓ 1 checks ok"


def test_what_the_checks_could_not_tell_is_neither_ok_nor_violated() -> None:
    """The recording of the run ended before the run; a violation that was found counts for more."""
    unknown = "unknown beyond 1.5 s: the recording of this run ended"
    results = {"chain": unknown, "blog": "ok"}

    assert checks_view(results).plain().splitlines() == ["chain  unknown", "blog   ok", f"chain: {unknown}"]
    assert words(checks_line(results)) == "? 1 checks unknown"
    assert words(checks_line({**results, "once": "two answers"})) == "✗ VIOLATED: once"
    assert words(checks_line({})) == "checks: none yet"


def test_operations_are_shown_as_they_would_be_typed() -> None:
    """Words with blanks are quoted; what is no operation is shown as it is; the empty batch is a no-op."""
    post = '{"op":"POST","username":"alice","title":"My day","content":"it \\"rained\\"","id":"c:1"}'

    assert operation_words(post) == 'POST alice "My day" "it \\"rained\\""'
    assert operation_words("{broken") == "{broken"
    assert operation_words("[1]") == "[1]"
    assert value_words(()) == "no-op"
    assert value_words((post, "x")).endswith(" | x")


def test_views_of_the_blog_are_tables() -> None:
    """The three reads of the brief, and the newest entries of a node, the newest first."""
    title = blog_view("view_title", ["alice", "text", [["bob", "hm"]]])

    assert blog_view("view_all", [["Hello", "alice"]]).plain() == "title  author\nHello  alice"
    assert blog_view("view_user", [["post", "Hello", "text"]]).plain().splitlines()[1] == "post  Hello  text"
    assert title.plain().splitlines()[1:] == ["post     alice  text", "comment  bob    hm"]
    assert entries_view(states()[0].newest).plain().startswith("post     erin   Quorums")
    with pytest.raises(TypeError, match="a view returns a list"):
        blog_view("view_title", "not found")


def test_an_empty_view_is_a_sentence() -> None:
    """An empty view is a sentence, not a blank."""
    assert chain_view([]).plain() == "the chain is empty"
    assert log_view(NodeStatus(node=3)).plain() == "the log of node 3 is empty"
    assert entries_view([]).plain() == "the blog is empty"


def test_a_message_says_what_became_of_it_where_a_narrow_screen_shows_it() -> None:
    """Behind its targets, before the rest, which may be cut."""
    event = ClusterEvent(
        at_ms=5, node=1, kind="sent", text="→ 2,3,4  ACCEPT slot 7", to=(2, 3, 4), fates=(Fate("cut", (3, 4)),)
    )

    assert events_view([event], header=False).plain().endswith("→ 2,3,4 cut 3,4 ACCEPT slot 7")
