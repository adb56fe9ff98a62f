"""`paxsim report`: one file, nothing from outside, the trace's own events, and no text of users as markup."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from simulator.analysis.run import load_run
from simulator.cli.main import main
from simulator.files.places import ForeignFile, Places
from simulator.report.columns import KINDS, columns_of
from simulator.report.command import report_trace
from simulator.report.html import STYLE, TRACE_SCRIPTS, page
from tests.simulator.analysis.recorded import trace_of, trace_of_lesson

PAGE = Path(__file__).parent.parent.parent.parent / "simulator" / "report" / "page"
DATA = re.compile(rb'<script type="application/json" id="data">(.*?)</script>', re.DOTALL)

HOSTILE = """
wait leader
post "<script>alert(1)</script>" "</script><img src=x onerror=alert(2)>" "<!--"
post "[red]bob[/red]" "\\x1b[31mred" "&lt;"
post "مرحبا" "\u202eevil" "\u2066"
post long WORD x
view --linearizable
""".replace("WORD", "w" * 200)


def data_in(html: bytes) -> dict[str, Any]:
    """The data of a page, as a browser would read it."""
    found = DATA.search(html)
    assert found is not None
    given: dict[str, Any] = json.loads(found[1])
    return given


@pytest.fixture(scope="module")
def violated(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, bytes]:
    """A trace with a violation, and its page."""
    folder = tmp_path_factory.mktemp("report")
    trace = trace_of_lesson("a-quorum-of-two", folder)
    report_trace(str(trace), str(folder / "out.html"))
    return trace, (folder / "out.html").read_bytes()


def test_the_events_of_the_page_are_the_trace_s(violated: tuple[Path, bytes]) -> None:
    """Every line is there once: its kind, time, node and causal stamp, and for an arrival where it was sent."""
    trace, html = violated
    lines = [json.loads(line) for line in trace.read_text(encoding="utf-8").splitlines()[1:]]
    given = data_in(html)
    events = given["events"]

    times, at = [], 0
    for step in events["times"]:
        at += step
        times.append(at)
    numbers, number = [], 0
    for step in events["numbers"]:
        number += step
        numbers.append(number)

    assert times == [line["at_ms"] for line in lines]
    assert [given["kinds"][kind] for kind in events["kinds"]] == [line["event"] for line in lines]
    assert events["clocks"] == [line.get("clock", 0) for line in lines]
    assert events["nodes"] == [line.get("node", 0) for line in lines]
    assert numbers == [line["number"] for line in lines if line["event"] == "sent"]
    for index, line in enumerate(lines):
        if line["event"] == "delivered":
            sent = lines[index - events["about"][index]]
            assert (sent["event"], sent["number"]) == ("sent", line["number"])
        if line["event"] == "sent":
            assert [node for node in given["nodes"] if events["about"][index] >> node & 1] == line["to"]


def test_a_violation_is_told_with_its_proof(violated: tuple[Path, bytes]) -> None:
    """Each has a sentence, the events that prove it, and a line for each of them."""
    given = data_in(violated[1])

    names = [violation["name"] for violation in given["violations"]]

    assert {"agreement", "decision"} <= set(names)
    assert {name for name, verdict, _ in given["checks"] if verdict == "violated"} >= set(names)
    for violation in given["violations"]:
        assert violation["at"] in violation["events"]
        assert len(violation["told"]) == len(violation["events"])


def test_every_check_has_a_verdict(violated: tuple[Path, bytes]) -> None:
    """The invariants and linearizability, whether they hold or not."""
    checks = {name: verdict for name, verdict, _ in data_in(violated[1])["checks"]}

    assert len(checks) == 15
    assert checks["promise"] == "ok"
    assert checks["linearizability"] in {"ok", "violated"}


def test_the_page_asks_for_nothing(violated: tuple[Path, bytes]) -> None:
    """It names no address, and its policy forbids every request."""
    html = DATA.sub(b"", violated[1])

    assert b"default-src 'none'" in html
    assert not re.search(rb"\b(?:src|href)=\"(?!data:)", html)
    assert set(re.findall(rb"https?://[^\s\"']+", html)) == {b"http://www.w3.org/2000/svg"}
    assert b"@import" not in html


def test_text_of_users_stays_text(tmp_path: Path) -> None:
    """Nothing that a user wrote can end the data's element, and what would act on a screen is shown as a sign."""
    trace = trace_of(HOSTILE, tmp_path)
    report_trace(str(trace), str(tmp_path / "out.html"))
    html = (tmp_path / "out.html").read_bytes()

    raw = DATA.search(html)
    given = data_in(html)
    shown = json.dumps(given, ensure_ascii=False)

    assert raw is not None
    assert b"<" not in raw[1]
    assert html.count(b"</script>") == 2
    assert b"alert(1)</script>" not in html
    assert "<script>alert(1)</script>" in shown
    assert "[red]bob[/red]" in shown
    assert "w" * 200 in shown
    assert "مرحبا" in shown
    assert "\u202e" not in shown
    assert "\x1b" not in shown


def test_the_scripts_make_no_markup_from_text() -> None:
    """They show text as text nodes, and evaluate nothing."""
    for name in TRACE_SCRIPTS:
        script = (PAGE / name).read_text(encoding="utf-8")
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|</script", script
        ), name
    assert "</style" not in (PAGE / STYLE).read_text(encoding="utf-8")


def test_a_page_stays_small(tmp_path: Path) -> None:
    """Ten thousand events make less than three megabytes."""
    trace = trace_of("wait leader\nload 150/s for 2s clients 5 mix post 40 comment 30 view 30", tmp_path)
    run = load_run(trace)
    size = len(page({"events": columns_of(run)}))

    assert len(run.events) > 5_000
    assert size / len(run.events) < 300
    assert len(KINDS) == len(set(KINDS))


def test_a_console_replaces_a_report_and_nothing_else(violated: tuple[Path, bytes], tmp_path: Path) -> None:
    """A foreign file stays; a page of ours is written anew."""
    trace, html = violated
    mine = tmp_path / "mine.html"
    mine.write_text("<!doctype html>\nmy own", encoding="utf-8")
    old = tmp_path / "old.html"
    old.write_bytes(html)

    with pytest.raises(ForeignFile, match="mine"):
        report_trace(str(trace), str(mine), places=Places())
    report_trace(str(trace), str(old), places=Places())

    assert mine.read_text(encoding="utf-8").endswith("my own")
    assert old.read_bytes() == html


def test_the_command_says_what_it_wrote(violated: tuple[Path, bytes], tmp_path: Path, capsys: Any) -> None:
    """One line for the page, one for each check that does not hold; the status is 0."""
    status = main(["report", str(violated[0]), "-o", str(tmp_path / "out.html"), "-q"])
    out, err = capsys.readouterr()

    assert status == 0
    assert out.startswith(f"{tmp_path / 'out.html'}: ")
    assert "agreement: block 1 of node 3" in out
    assert err == ""


@pytest.mark.parametrize("text", ["", "no trace\n", '{"process":0,"type":"invoke","f":"post"}\n'])
def test_what_is_no_trace_is_refused(text: str, tmp_path: Path, capsys: Any) -> None:
    """One sentence on stderr, status 2, and no page."""
    (tmp_path / "in").write_text(text, encoding="utf-8")

    status = main(["report", str(tmp_path / "in"), "-o", str(tmp_path / "out.html"), "-q"])

    assert status == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert not (tmp_path / "out.html").exists()
