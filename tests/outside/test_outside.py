"""What only other programs can tell: Mermaid's own parser, and a browser. `make outside` runs these tests."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from simulator.analysis.run import load_run
from simulator.cli.main import main
from simulator.export.formats import export
from simulator.report.command import report_trace
from simulator.trace.events import MessageDelivered, MessageLost
from tests.simulator.analysis.recorded import trace_of, trace_of_lesson
from tests.simulator.report.test_report import HOSTILE

HERE = Path(__file__).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome")

pytestmark = [pytest.mark.outside, pytest.mark.timeout(300)]


def node(*words: str) -> str:
    """What a script prints; the packages of package.json must be installed beside it."""
    done = subprocess.run(["node", *words], cwd=HERE, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def opened(page: Path, scheme: str = "light") -> dict[str, Any]:
    """What headless Chromium tells of a page."""
    browser = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    assert browser is not None, "install chromium, or leave these tests out with -m 'outside' -k mermaid"
    facts: dict[str, Any] = json.loads(node("open_page.mjs", browser, str(page), scheme))
    return facts


@pytest.mark.parametrize("lesson", ["a-quorum-of-two", "leader-dies-during-a-write", "chained"])
def test_mermaid_s_own_parser_takes_every_diagram(lesson: str, tmp_path: Path) -> None:
    """Whole runs and windows, with all kinds of messages and notes."""
    trace = trace_of_lesson(lesson, tmp_path)
    for number, window in enumerate([(0, None), (0, 50), (100, 400), (9_000_000, None)]):
        export(str(trace), "mermaid", str(tmp_path / f"{number}.mmd"), begin_ms=window[0], end_ms=window[1])

    types = node("parse_mermaid.mjs", *(str(tmp_path / f"{number}.mmd") for number in range(4)))

    assert types.split() == ["sequence"] * 4


def test_mermaid_s_own_parser_takes_any_text(tmp_path: Path) -> None:
    """Titles that hold its statements, comments and entities."""
    export(str(trace_of(HOSTILE, tmp_path)), "mermaid", str(tmp_path / "out.mmd"))

    assert node("parse_mermaid.mjs", str(tmp_path / "out.mmd")).split() == ["sequence"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_opens_a_report(scheme: str, tmp_path: Path) -> None:
    """No error, no request, nothing wider than the window; the diagram has the trace's events, and keys move in it."""
    trace = trace_of_lesson("a-quorum-of-two", tmp_path)
    report_trace(str(trace), str(tmp_path / "out.html"))

    facts = opened(tmp_path / "out.html", scheme)

    run = load_run(trace)
    assert facts["errors"] == []
    assert facts["requests"] == []
    assert facts["wide"] <= 0
    assert facts["events"] == len(run.events)
    assert facts["arrows"] == sum(isinstance(event, MessageDelivered | MessageLost) for event in run.events)
    assert "leads with ballot" in facts["announced"]
    assert facts["next"] > facts["selected"] >= 0
    assert facts["past"] == len(run.nodes)
    assert "agreement" in facts["title"]


def test_a_browser_shows_text_of_users_as_text(tmp_path: Path) -> None:
    """Markup in a title opens no dialog and makes no element."""
    report_trace(str(trace_of(HOSTILE, tmp_path)), str(tmp_path / "out.html"))

    facts = opened(tmp_path / "out.html")

    assert facts["errors"] == []
    assert (facts["scripts"], facts["images"]) == (2, 0)
    assert "<script>alert(1)</script>" in facts["text"]
    assert "[red]bob[/red]" in facts["text"]
    assert "w" * 200 in facts["text"]


def test_a_browser_opens_a_judged_history(tmp_path: Path) -> None:
    """The page of `check --report`: no error and no request."""
    events = [
        {"process": 0, "type": "invoke", "f": "write", "value": "<b>1</b>"},
        {"process": 0, "type": "ok", "f": "write", "value": "<b>1</b>"},
        {"process": 1, "type": "invoke", "f": "read"},
        {"process": 1, "type": "ok", "f": "read", "value": None},
    ]
    history = tmp_path / "history.jsonl"
    history.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    status = main(["check", "-q", str(history), "--model", "register", "--report", str(tmp_path / "out.html")])

    facts = opened(tmp_path / "out.html")

    assert status == 1
    assert (facts["errors"], facts["requests"], facts["scripts"]) == ([], [], 2)
    assert "violated" in facts["text"]
